import {
  type GraphBuilder,
  GraphError,
  intAttribute,
  recurrentDirections,
  rnnActivation,
  type Value,
} from '../../onnx/index.ts';
import type { InputGradient, RuleCall, RuleTable } from '../rule.ts';

/**
 * Backpropagation through time (Werbos 1990) of one direction. The runtime's fused operator gives all hidden states, so
 * gates and slopes are computed for all steps at once, and only the gradient by the hidden state is walked step by step.
 */
interface Direction {
  readonly g: GraphBuilder;
  readonly time: number;
  /** Width of the hidden state. */
  readonly size: number;
  /** Steps in the order in which the states were computed. */
  readonly order: readonly number[];
  readonly x: Value; // (time, batch, width)
  readonly w: Value; // (gates * size, width)
  readonly r: Value; // (gates * size, size)
  readonly inputBias: Value | undefined; // (gates * size)
  readonly hiddenBias: Value | undefined; // (gates * size)
  /** 1 for a step within its sequence and 0 beyond, (time, batch, 1); undefined where all are within. */
  readonly within: Value | undefined;
  /** Hidden states, zero beyond the sequence, (time, batch, size). */
  readonly hidden: Value;
  /** The hidden state that each step started from, (time, batch, size). */
  readonly before: Value;
  readonly startCell: Value; // (batch, size)
  /** Gradients by the outputs: (time, batch, size), (batch, size), (batch, size). */
  readonly dHidden: Value | undefined;
  readonly dLast: Value | undefined;
  readonly dLastCell: Value | undefined;
}

/** What a cell's backward pass gives; gate gradients stand before the activation, (time, batch, gates * size). */
interface CellGradients {
  readonly byInputGates: Value;
  /** Of the terms R h + Rb. */
  readonly byHiddenGates: Value;
  readonly dr: Value; // (gates * size, size)
  readonly dStart: Value; // (batch, size)
  readonly dStartCell?: Value; // (batch, size)
}

/** W x + Wb of all steps, split by gate. */
function inputTerms({ g, x, w, inputBias, size }: Direction): Value[] {
  const product = g.matmulT(x, w, { transB: true });
  return byGate(g, inputBias ? g.add(product, inputBias) : product, size);
}

/** R h + Rb of all steps, split by gate. */
function hiddenTerms({ g, before, r, hiddenBias, size }: Direction): Value[] {
  const product = g.matmulT(before, r, { transB: true });
  return byGate(g, hiddenBias ? g.add(product, hiddenBias) : product, size);
}

function byGate(g: GraphBuilder, values: Value, size: number): Value[] {
  const gates = Number(values.shape.at(-1)) / size;
  return gates === 1 ? [values] : g.split(values, new Array<number>(gates).fill(size), -1);
}

/** (time, batch, …) as one value per step. */
function bySteps(g: GraphBuilder, values: Value, time: number): Value[] {
  const parts = time === 1 ? [values] : g.split(values, new Array<number>(time).fill(1), 0);
  return parts.map((part) => g.squeeze(part, [0]));
}

/** One value per step as (time, …). */
function joined(g: GraphBuilder, steps: readonly Value[]): Value {
  return g.concat(
    steps.map((step) => g.unsqueeze(step, [0])),
    0,
  );
}

/** Gates side by side: (…, size) each -> (…, gates * size). */
const sideBySide = (g: GraphBuilder, gates: readonly Value[]): Value => g.concat(gates, -1);

/** Σ over steps and batch of aᵀ b: (time, batch, m), (time, batch, n) -> (m, n). */
function outer(g: GraphBuilder, a: Value, b: Value): Value {
  const rows = (v: Value): Value => g.reshape(v, [-1, v.shape.at(-1)!]);
  return g.matmulT(rows(a), rows(b), { transA: true });
}

/** Σ over steps of the same gate's slope: gradient (…, size) times slopes (…, gates * size). */
function spreadOverGates(g: GraphBuilder, gradient: Value, slopes: readonly Value[]): Value {
  return g.mul(
    g.concat(
      slopes.map(() => gradient),
      -1,
    ),
    sideBySide(g, slopes),
  );
}

/**
 * Walks from the last step to the first. `step` takes the gradient by a step's new state to that by the state before.
 * Returns the gradients by the new states (time, batch, size) and by the start (batch, size).
 */
function walkBack(
  direction: Direction,
  step: (gradient: Value, t: number, within: Value | undefined) => Value,
): { gradients: Value; dStart: Value } {
  const { g, time, order, within, dHidden, dLast, startCell } = direction;
  const fromOutput = dHidden && bySteps(g, dHidden, time);
  const masks = within && bySteps(g, within, time);
  const gradients = new Array<Value>(time);
  let carried = dLast ?? g.zerosLike(startCell);
  for (const t of [...order].reverse()) {
    const whole = fromOutput ? g.add(fromOutput[t]!, carried) : carried;
    const mask = masks?.[t];
    gradients[t] = mask ? g.mul(whole, mask) : whole;
    const before = step(gradients[t], t, mask);
    carried = mask ? g.add(before, g.mul(carried, g.sub(1, mask))) : before;
  }
  return { gradients: joined(g, gradients), dStart: carried };
}

/** h' = (1 - z) n + z h, z = σ(…), r = σ(…), n = tanh(W x + Wb + r (R h + Rb)), or R (r h) before the reset. */
function gruGradients(direction: Direction, resetAfter: boolean): CellGradients {
  const { g, time, size, r: weight, before, hiddenBias } = direction;
  const [xz, xr, xn] = inputTerms(direction) as [Value, Value, Value];
  const [hz, hr, hn] = hiddenTerms(direction) as [Value, Value, Value];
  const z = g.sigmoid(g.add(xz, hz));
  const r = g.sigmoid(g.add(xr, hr));
  const [forGates, forCandidate] = g.split(weight, [2 * size, size], 0) as [Value, Value];
  const reset = g.mul(r, before);
  const candidateBias = hiddenBias && g.slice(hiddenBias, 0, 2 * size);
  const product = g.matmulT(reset, forCandidate, { transB: true });
  const recurrentTerm = resetAfter ? g.mul(r, hn) : candidateBias ? g.add(product, candidateBias) : product;
  const n = g.tanh(g.add(xn, recurrentTerm));
  // Slopes of h' by what stands inside n and z, and of r by what stands inside it.
  const byN = g.mul(g.sub(1, z), g.sub(1, g.square(n)));
  const byZ = g.mul(g.sub(before, n), g.mul(z, g.sub(1, z)));
  const rSlope = g.mul(r, g.sub(1, r));
  const zs = bySteps(g, z, time);

  if (resetAfter) {
    const byR = g.mul(byN, g.mul(hn, rSlope));
    const hiddenSlopes = [byZ, byR, g.mul(byN, r)];
    const slopes = bySteps(g, sideBySide(g, hiddenSlopes), time);
    const { gradients, dStart } = walkBack(direction, (dh, t) => {
      const inside = g.mul(g.concat([dh, dh, dh], -1), slopes[t]!);
      return g.add(g.mul(dh, zs[t]!), g.matmul(inside, weight));
    });
    const byHiddenGates = spreadOverGates(g, gradients, hiddenSlopes);
    const byInputGates = spreadOverGates(g, gradients, [byZ, byR, byN]);
    return { byInputGates, byHiddenGates, dr: outer(g, byHiddenGates, before), dStart };
  }
  const byReset = g.mul(before, rSlope);
  const [nSlopes, zSlopes, rSlopes, rs] = [byN, byZ, byReset, r].map((v) => bySteps(g, v, time)) as [
    Value[],
    Value[],
    Value[],
    Value[],
  ];
  const { gradients, dStart } = walkBack(direction, (dh, t) => {
    const dReset = g.matmul(g.mul(dh, nSlopes[t]!), forCandidate);
    const gates = g.concat([g.mul(dh, zSlopes[t]!), g.mul(dReset, rSlopes[t]!)], -1);
    const direct = g.add(g.mul(dh, zs[t]!), g.mul(dReset, rs[t]!));
    return g.add(direct, g.matmul(gates, forGates));
  });
  const dn = g.mul(gradients, byN);
  const gates = g.concat([g.mul(gradients, byZ), g.mul(g.matmul(dn, forCandidate), byReset)], -1);
  const byGates = g.concat([gates, dn], -1);
  const dr = g.concat([outer(g, gates, before), outer(g, dn, reset)], 0);
  return { byInputGates: byGates, byHiddenGates: byGates, dr, dStart };
}

/** c' = f c + i g, h' = o tanh c'; i, o, f = σ(…), g = tanh(…). */
function lstmGradients(direction: Direction): CellGradients {
  const { g, time, r: weight, before, order, within, startCell } = direction;
  const hiddenTerm = hiddenTerms(direction);
  const [i, o, f, candidate] = inputTerms(direction).map((term, gate) => {
    const inside = g.add(term, hiddenTerm[gate]!);
    return gate === 3 ? g.tanh(inside) : g.sigmoid(inside);
  }) as [Value, Value, Value, Value];
  const forgets = bySteps(g, f, time);
  const adds = bySteps(g, g.mul(i, candidate), time);
  const masks = within && bySteps(g, within, time);
  const cellsBefore = new Array<Value>(time);
  const cells = new Array<Value>(time);
  let cell = startCell;
  for (const t of order) {
    cellsBefore[t] = cell;
    const next = g.add(g.mul(forgets[t]!, cell), adds[t]!);
    // A step beyond the sequence leaves the cell as it is.
    cell = masks ? g.add(cell, g.mul(g.sub(next, cell), masks[t]!)) : next;
    cells[t] = cell;
  }
  const squashed = g.tanh(joined(g, cells));
  const slope = (gate: Value): Value => g.mul(gate, g.sub(1, gate));
  const byO = g.mul(squashed, slope(o));
  const byI = g.mul(candidate, slope(i));
  const byF = g.mul(joined(g, cellsBefore), slope(f));
  const byCandidate = g.mul(i, g.sub(1, g.square(candidate)));
  const cellSlopes = bySteps(g, g.mul(o, g.sub(1, g.square(squashed))), time);
  const slopes = bySteps(g, sideBySide(g, [byI, byO, byF, byCandidate]), time);
  const cellGradients = new Array<Value>(time);
  let carried = direction.dLastCell ?? g.zerosLike(startCell);
  const { gradients, dStart } = walkBack(direction, (dh, t, mask) => {
    const dc = g.add(mask ? g.mul(carried, mask) : carried, g.mul(dh, cellSlopes[t]!));
    cellGradients[t] = dc;
    const before = g.mul(dc, forgets[t]!);
    carried = mask ? g.add(before, g.mul(carried, g.sub(1, mask))) : before;
    return g.matmul(g.mul(g.concat([dc, dh, dc, dc], -1), slopes[t]!), weight);
  });
  const dc = joined(g, cellGradients);
  const byGates = sideBySide(g, [
    g.mul(dc, byI),
    g.mul(gradients, byO),
    g.mul(dc, byF),
    g.mul(dc, byCandidate),
  ]);
  return {
    byInputGates: byGates,
    byHiddenGates: byGates,
    dr: outer(g, byGates, before),
    dStart,
    dStartCell: carried,
  };
}

/** h' = tanh or relu of W x + Wb + R h + Rb. */
function rnnGradients(direction: Direction, activation: 'Tanh' | 'Relu'): CellGradients {
  const { g, time, r: weight, hidden, before } = direction;
  const slope =
    activation === 'Tanh' ? g.sub(1, g.square(hidden)) : g.cast(g.greater(hidden, 0), hidden.dtype);
  const slopes = bySteps(g, slope, time);
  const { gradients, dStart } = walkBack(direction, (dh, t) => g.matmul(g.mul(dh, slopes[t]!), weight));
  const byGates = g.mul(gradients, slope);
  return { byInputGates: byGates, byHiddenGates: byGates, dr: outer(g, byGates, before), dStart };
}

/** The d-th of the directions of an input or output: (…, directions, …) without that axis. */
function nth(g: GraphBuilder, value: Value | undefined, d: number, axis: number): Value | undefined {
  if (!value) return undefined;
  const part = value.shape[axis] === 1 ? value : g.slice(value, axis, d, d + 1);
  return g.squeeze(part, [axis]);
}

/** The hidden state before each step: the states shifted by one step, and the start. */
function statesBefore(
  g: GraphBuilder,
  hidden: Value,
  start: Value,
  reverse: boolean,
  lengths: Value | undefined,
): Value {
  const time = Number(hidden.shape[0]);
  const first = g.unsqueeze(start, [0]);
  if (!reverse) return time === 1 ? first : g.concat([first, g.slice(hidden, 0, 0, time - 1)], 0);
  if (!lengths) return time === 1 ? first : g.concat([g.slice(hidden, 0, 1), first], 0);
  // Each sequence starts at its own last step; the states beyond it are zero.
  const zeros = g.zerosLike(first);
  const shifted = time === 1 ? zeros : g.concat([g.slice(hidden, 0, 1), zeros], 0);
  const isFirst = g.cast(g.equal(stepNumbers(g, time), g.sub(lengths, 1)), 'float32');
  return g.add(shifted, g.mul(g.unsqueeze(isFirst, [2]), start));
}

/** 0, 1, … as int32 (time, 1). */
function stepNumbers(g: GraphBuilder, time: number): Value {
  const steps = Array.from({ length: time }, (_, t) => t);
  return g.unsqueeze(g.constant(steps, 'int32'), [1]);
}

function directionOf(call: RuleCall, d: number): Direction {
  const { g, x, y, dys, attributes } = call;
  const [sequence, w, r] = [x[0]!, nth(g, x[1], d, 0)!, nth(g, x[2], d, 0)!];
  const time = sequence.shape[0]!;
  if (typeof time !== 'number') {
    throw new GraphError(
      `The gradient of a recurrent operator over ${time} steps needs a fixed number of steps; specialise first.`,
    );
  }
  const size = Number(r.shape[1]);
  const [inputBias, hiddenBias] = x[3]
    ? g.split(nth(g, x[3], d, 0)!, [Number(w.shape[0]), Number(w.shape[0])], 0)
    : [];
  const lengths = x[4];
  const reverse = recurrentDirections(attributes)[d] === 'reverse';
  const hidden = nth(g, y[0], d, 1)!;
  const zeros = (): Value => g.zerosLike(bySteps(g, hidden, time)[0]!);
  const start = nth(g, x[5], d, 0) ?? zeros();
  // The last state of an empty sequence is zero and depends on nothing.
  const ofNonEmpty = (dLast: Value | undefined): Value | undefined =>
    dLast && lengths ? g.mul(dLast, g.unsqueeze(g.cast(g.greater(lengths, 0), 'float32'), [1])) : dLast;
  const steps = Array.from({ length: time }, (_, t) => t);
  return {
    g,
    time,
    size,
    order: reverse ? steps.reverse() : steps,
    x: sequence,
    w,
    r,
    inputBias,
    hiddenBias,
    within: lengths && g.unsqueeze(g.cast(g.less(stepNumbers(g, time), lengths), 'float32'), [2]),
    hidden,
    before: statesBefore(g, hidden, start, reverse, lengths),
    startCell: nth(g, x[6], d, 0) ?? zeros(),
    dHidden: nth(g, dys[0], d, 1),
    dLast: ofNonEmpty(nth(g, dys[1], d, 0)),
    dLastCell: ofNonEmpty(nth(g, dys[2], d, 0)),
  };
}

/** The gradients by all inputs of a recurrent operator, from those of each direction. */
function recurrentGradients(
  call: RuleCall,
  cell: (direction: Direction) => CellGradients,
): (InputGradient | undefined)[] {
  const { g, attributes } = call;
  let found: { direction: Direction; gradients: CellGradients }[] | undefined;
  const each = () => {
    found ??= recurrentDirections(attributes).map((_, d) => {
      const direction = directionOf(call, d);
      return { direction, gradients: cell(direction) };
    });
    return found;
  };
  const stacked = (part: (direction: Direction, gradients: CellGradients) => Value) => () =>
    joined(
      g,
      each().map(({ direction, gradients }) => part(direction, gradients)),
    );
  return [
    () =>
      each()
        .map(({ direction, gradients }) => g.matmul(gradients.byInputGates, direction.w))
        .reduce((sum, part) => g.add(sum, part)),
    stacked((direction, { byInputGates }) => outer(g, byInputGates, direction.x)),
    stacked((_, { dr }) => dr),
    stacked((_, { byInputGates, byHiddenGates }) =>
      g.concat([g.reduceSum(byInputGates, [0, 1]), g.reduceSum(byHiddenGates, [0, 1])], 0),
    ),
    undefined,
    stacked((_, { dStart }) => dStart),
    stacked((_, { dStart, dStartCell }) => dStartCell ?? dStart),
  ];
}

export const recurrentRules = {
  RNN: (call) =>
    recurrentGradients(call, (direction) => rnnGradients(direction, rnnActivation(call.attributes))),
  GRU: (call) => {
    const resetAfter = intAttribute(call.attributes, 'linear_before_reset', 0) === 1;
    return recurrentGradients(call, (direction) => gruGradients(direction, resetAfter));
  },
  LSTM: (call) => recurrentGradients(call, lstmGradients),
} satisfies RuleTable;
