import { trainingGraph } from '../autodiff/index.ts';
import { type Feeds, float32 } from '../host/index.ts';
import { encodeModel, type Graph, GraphBuilder, selectOutputs, type Value } from '../onnx/index.ts';
import { PERTURBATION, perturbable } from '../robust/index.ts';
import { openSession, type Session } from '../train/index.ts';
import { InspectError } from './errors.ts';

export interface IntegratedGradientsOptions {
  /** What is explained by: a float input, or a result such as the word embeddings' lookup; examples first. */
  readonly value: string;
  /** Float output (examples) or (examples, columns) that is explained. */
  readonly output: string;
  /** Column of the output, for each example or for all. 0 */
  readonly column?: number | readonly number[];
  /** Inputs of the graph: their sizes fix the graph's axes, which must be named alike or fixed. */
  readonly feeds: Feeds;
  /** What the value is compared with, one example's or all of the value's shape: zeros by default. */
  readonly baseline?: Float32Array;
  /** Points of the path; twice as many halve the gap at least. 64 */
  readonly steps?: number;
}

export interface Attributions {
  /** As the value: how much each number added to the output. */
  readonly data: Float32Array;
  readonly shape: readonly number[];
  /** The output of each example, and what it would be at the baseline. */
  readonly at: Float32Array;
  readonly atBaseline: Float32Array;
  /** Largest |Σ attributions - (at - atBaseline)| of an example: what the finite path leaves of completeness. */
  readonly gap: number;
}

const TARGET = 'explained';

/**
 * Integrated gradients (Sundararajan, Taly, Yan 2017, equation 1): (x - x') ∫ dF(x' + a (x - x')) / dx da over the straight
 * path from a baseline, by the midpoint rule. The attributions of an example add up to its output less the baseline's
 * (completeness, their proposition 1); `gap` says how exactly. Examples of a batch must not depend on each other.
 * @param graph with fixed sizes (see `specialise`)
 * @throws InspectError when value or output do not fit, GraphError when an operator on the way has no gradient
 */
export async function integratedGradients(
  graph: Graph,
  options: IntegratedGradientsOptions,
): Promise<Attributions> {
  const { value, steps = 64 } = options;
  if (!Number.isInteger(steps) || steps < 1)
    throw new InspectError(`the path takes a whole number of points from 1, given ${steps}`);
  const target = withTarget(graph, options);
  const { graph: moved, input } = perturbable(target, value);
  const shape = input.shape.map(Number);
  if (shape.some((size) => !Number.isInteger(size)))
    throw new InspectError(`${value} has open sizes [${input.shape.join(', ')}]: specialise the graph first`);
  const own = new Set(target.inputs.map(({ name }) => name));
  const feeds = Object.fromEntries(Object.entries(options.feeds).filter(([name]) => own.has(name)));
  const start = await computed(graph, value, options.feeds);
  const from = baselineOf(options.baseline, start, shape, value);
  const { model, inputGradientOutputs } = trainingGraph(moved, {
    loss: TARGET,
    wrt: [],
    inputs: [PERTURBATION],
  });
  const session = await openSession(model);
  try {
    // x' + a (x - x') = x + (a - 1) (x - x')
    const at = (a: number) => ({
      ...feeds,
      [PERTURBATION]: float32(
        Float32Array.from(start, (x, i) => (a - 1) * (x - from[i]!)),
        shape,
      ),
    });
    const total = new Float64Array(start.length);
    const gradient = inputGradientOutputs[PERTURBATION]!;
    for (let k = 0; k < steps; k++) {
      const values = await floats(session, at((k + 0.5) / steps), gradient);
      for (let i = 0; i < total.length; i++) total[i] = total[i]! + values[i]! / steps;
    }
    const data = Float32Array.from(total, (slope, i) => slope * (start[i]! - from[i]!));
    const [high, low] = [
      await floats(session, at(1), `${TARGET}:each`),
      await floats(session, at(0), `${TARGET}:each`),
    ];
    return { data, shape, at: high, atBaseline: low, gap: gapOf(data, high, low) };
  } finally {
    await session.close();
  }
}

/** The graph with the explained column of every example, and their sum: rows are independent, so one gradient serves all. */
function withTarget(graph: Graph, { output, column = 0 }: IntegratedGradientsOptions): Graph {
  const type = graph.values.get(output);
  const rank = type?.shape.length;
  if (type?.dtype !== 'float32' || (rank !== 1 && rank !== 2)) {
    const known = graph.outputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
    throw new InspectError(
      `${output} is no float output (examples) or (examples, columns); the graph has ${known}`,
    );
  }
  const g = GraphBuilder.from(selectOutputs(graph, [output]));
  const whole: Value = { name: output, ...type };
  const [examples, columns] = type.shape.map(Number);
  const picked = typeof column === 'number' ? Array<number>(examples!).fill(column) : column;
  if (picked.length !== examples || picked.some((at) => !(at >= 0 && at < (columns ?? 1)))) {
    throw new InspectError(`column ${picked.join(', ')} does not fit ${output} [${type.shape.join(', ')}]`);
  }
  const each = rank === 1 ? whole : g.squeeze(g.gatherElements(whole, g.unsqueeze(g.ints(picked), [1])), [1]);
  g.output(`${TARGET}:each`, each);
  g.output(TARGET, g.reduceSum(each));
  return g.build();
}

async function computed(graph: Graph, value: string, feeds: Feeds): Promise<Float32Array> {
  const given = feeds[value];
  if (given?.type === 'float32') return given.data;
  const part = selectOutputs(graph, [value]);
  const session = await openSession(encodeModel(part, { parametersAs: 'initializers' }));
  try {
    return await floats(
      session,
      Object.fromEntries(part.inputs.map(({ name }) => [name, feeds[name]!])),
      value,
    );
  } finally {
    await session.close();
  }
}

function baselineOf(
  given: Float32Array | undefined,
  start: Float32Array,
  shape: readonly number[],
  value: string,
): Float32Array {
  if (!given) return new Float32Array(start.length);
  const one = start.length / (shape[0] || 1);
  if (given.length !== start.length && given.length !== one)
    throw new InspectError(
      `the baseline has ${given.length} numbers; ${value} has ${start.length}, an example ${one}`,
    );
  return Float32Array.from(start, (_, i) => given[i % given.length]!);
}

async function floats(session: Session, feeds: Feeds, output: string): Promise<Float32Array> {
  const found = (await session.run(feeds, { outputs: [output] }))[output];
  if (found?.type !== 'float32') throw new InspectError(`${output} is ${found?.type}, float32 is expected`);
  return found.data;
}

function gapOf(data: Float32Array, high: Float32Array, low: Float32Array): number {
  const size = data.length / high.length;
  return high.reduce((largest, value, row) => {
    const sum = data.subarray(row * size, (row + 1) * size).reduce((total, part) => total + part, 0);
    return Math.max(largest, Math.abs(sum - (value - low[row]!)));
  }, 0);
}
