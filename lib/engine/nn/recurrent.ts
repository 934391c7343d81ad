import { type GraphBuilder, GraphError, type Value } from '../onnx/index.ts';

/** One direction of a recurrent layer in torch's layout and gate order. */
export interface RecurrentWeights {
  /** weight_ih, (gates * size, width). */
  readonly input: Value;
  /** weight_hh, (gates * size, size). */
  readonly hidden: Value;
  /** bias_ih and bias_hh, (gates * size) each; both or none. */
  readonly inputBias?: Value;
  readonly hiddenBias?: Value;
}

/** Forward weights, or forward and backward ones. */
export type Directions = readonly [RecurrentWeights] | readonly [RecurrentWeights, RecurrentWeights];

export interface RecurrentOptions {
  /**
   * Integers (batch): the real steps of each sequence; what follows is padding, as in torch's packed
   * sequences: its outputs are zero, the last states are those of the last real step, and the backward direction starts
   * there. A sequence of 0 steps has zeros throughout. Without lengths every step is real.
   */
  readonly lengths?: Value;
  /** Hidden states to start from, (directions, batch, size); default zeros. */
  readonly initial?: Value;
}

export interface RecurrentStates {
  /** Hidden states of all steps, directions side by side: (batch, time, directions * size). */
  readonly output: Value;
  /** Hidden states of the last step of each direction (torch's h_n): (directions, batch, size). */
  readonly last: Value;
}

/**
 * GRU (Cho et al. 2014) as torch computes it, the reset gate after the product; gates r, z, n.
 * @param x (batch, time, width); training needs a fixed number of steps
 */
export function gru(
  g: GraphBuilder,
  x: Value,
  directions: Directions,
  { lengths, initial }: RecurrentOptions = {},
): RecurrentStates {
  const size = hiddenSize(directions);
  const [y, last] = g.ops(
    'GRU',
    // ONNX has z before r.
    [timeFirst(g, x), ...stackWeights(g, directions, size, [1, 0, 2]), int32(g, lengths), initial],
    { direction: directionName(directions), hidden_size: size, linear_before_reset: 1 },
    2,
  ) as [Value, Value];
  return { output: sideBySide(g, y), last };
}

/**
 * LSTM (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000) with torch's gates i, f, g, o.
 * @param x (batch, time, width); training needs a fixed number of steps
 * @param options initialCell: cell states to start from, (directions, batch, size); default zeros
 * @returns also the last cell states (torch's c_n), (directions, batch, size)
 */
export function lstm(
  g: GraphBuilder,
  x: Value,
  directions: Directions,
  { lengths, initial, initialCell }: RecurrentOptions & { readonly initialCell?: Value } = {},
): RecurrentStates & { readonly cell: Value } {
  const size = hiddenSize(directions);
  const [y, last, cell] = g.ops(
    'LSTM',
    // ONNX has i, o, f, g.
    [
      timeFirst(g, x),
      ...stackWeights(g, directions, size, [0, 3, 1, 2]),
      int32(g, lengths),
      initial,
      initialCell,
    ],
    { direction: directionName(directions), hidden_size: size },
    3,
  ) as [Value, Value, Value];
  return { output: sideBySide(g, y), last, cell };
}

const timeFirst = (g: GraphBuilder, x: Value): Value => g.transpose(x, [1, 0, 2]);

const int32 = (g: GraphBuilder, lengths: Value | undefined): Value | undefined =>
  lengths && g.cast(lengths, 'int32');

const directionName = (directions: Directions): string =>
  directions.length === 2 ? 'bidirectional' : 'forward';

/** (time, directions, batch, size) -> (batch, time, directions * size). */
function sideBySide(g: GraphBuilder, y: Value): Value {
  const [time, count, batch, size] = y.shape;
  if (count === 1) return g.transpose(g.squeeze(y, [1]), [1, 0, 2]);
  return g.reshape(g.transpose(y, [2, 0, 1, 3]), [batch!, time!, Number(count) * Number(size)]);
}

function hiddenSize([{ hidden }]: Directions): number {
  const size = hidden.shape[1];
  if (hidden.shape.length === 2 && typeof size === 'number') return size;
  throw new GraphError(
    `The recurrent weight ${hidden.name} is [${hidden.shape}]; it must be (gates * size, size).`,
  );
}

/** The weights as ONNX takes them: gates in its order, directions stacked, both biases in one. */
function stackWeights(
  g: GraphBuilder,
  directions: Directions,
  size: number,
  order: readonly number[],
): (Value | undefined)[] {
  const reordered = (value: Value): Value => {
    if (value.shape[0] !== order.length * size) {
      throw new GraphError(
        `The recurrent weight ${value.name} is [${value.shape}]; its first axis must have ${order.length} gates of ${size}.`,
      );
    }
    const gates = g.split(
      value,
      order.map(() => size),
      0,
    );
    return g.concat(
      order.map((i) => gates[i]!),
      0,
    );
  };
  const stacked = (of: (weights: RecurrentWeights) => Value): Value =>
    g.concat(
      directions.map((weights) => g.unsqueeze(of(weights), [0])),
      0,
    );
  const given = directions.flatMap(({ inputBias, hiddenBias }) => [inputBias, hiddenBias]);
  const biased = given.every((bias) => bias !== undefined);
  if (!biased && given.some((bias) => bias !== undefined))
    throw new GraphError('A recurrent layer needs the biases of both products in all directions, or none.');
  return [
    stacked(({ input }) => reordered(input)),
    stacked(({ hidden }) => reordered(hidden)),
    biased
      ? stacked(({ inputBias, hiddenBias }) => g.concat([reordered(inputBias!), reordered(hiddenBias!)], 0))
      : undefined,
  ];
}
