import type { Feeds } from '../host/index.ts';
import { encodeModel, type Graph, type GraphNode, selectOutputs } from '../onnx/index.ts';
import { openSession } from '../train/index.ts';
import { InspectError } from './errors.ts';

/** Operations between a softmax and the product with the values: guards, dropout, changes of type. */
const PASSING: ReadonlySet<string> = new Set(['Where', 'Identity', 'Cast', 'Dropout', 'Mul', 'Reshape']);

/**
 * Names of the attention probabilities (batch, heads, queries, keys) from the first layer to the last: results of a softmax
 * over the last axis with four axes that a matrix product weighs values by.
 */
export function attentionProbabilities(graph: Graph): string[] {
  const readers = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const weighs = (name: string, depth = 0): boolean =>
    (readers.get(name) ?? []).some(({ op, inputs, outputs }) => {
      if (op === 'MatMul' || op === 'FusedMatMul') return inputs[0] === name;
      return depth < 4 && PASSING.has(op) && weighs(outputs[0]!, depth + 1);
    });
  return graph.nodes.flatMap(({ op, outputs: [name = ''] }) => {
    const shape = graph.values.get(name)?.shape;
    return op === 'Softmax' && shape?.length === 4 && weighs(name) ? [name] : [];
  });
}

export interface Rollout {
  readonly batch: number;
  readonly length: number;
  /** (batch, length, length): row i says how much of each position is in position i after the last layer; rows sum to 1. */
  readonly data: Float32Array;
}

/**
 * Attention roll-out (Abnar and Zuidema 2020, section 3): in every layer the mean over heads, half of it replaced by the
 * identity for the residual connection, multiplied from the first layer to the last.
 * @throws InspectError when the graph has no attention, or layers differ in length
 */
export async function attentionRollout(graph: Graph, feeds: Feeds): Promise<Rollout> {
  const names = attentionProbabilities(graph);
  if (names.length === 0)
    throw new InspectError(`graph ${graph.name} has no attention: no softmax of four axes weighs values`);
  const part = selectOutputs(graph, names);
  const session = await openSession(encodeModel(part, { parametersAs: 'initializers' }));
  try {
    const found = await session.run(Object.fromEntries(part.inputs.map(({ name }) => [name, feeds[name]!])));
    const layers = names.map((name) => {
      const { type, shape, data } = found[name]!;
      const [batch = 0, heads = 0, queries = 0, keys = 0] = shape;
      if (type !== 'float32' || queries !== keys)
        throw new InspectError(`the attention ${name} is [${shape.join(', ')}]: queries and keys differ`);
      return { batch, heads, length: keys, data };
    });
    return rollOut(layers);
  } finally {
    await session.close();
  }
}

/** Probabilities of one layer, (batch, heads, length, length). */
export interface LayerAttention {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  readonly data: Float32Array;
}

export function rollOut(layers: readonly LayerAttention[]): Rollout {
  const { batch, length } = layers[0]!;
  const square = length * length;
  const result = new Float32Array(batch * square);
  for (let example = 0; example < batch; example++) {
    let rolled = Float64Array.from({ length: square }, (_, i) => (i % (length + 1) === 0 ? 1 : 0));
    for (const layer of layers) rolled = product(mixed(layer, example), rolled, length);
    result.set(rolled, example * square);
  }
  return { batch, length, data: result };
}

/** (mean over heads + identity) / 2; a row of a padded position without attention stays itself. */
function mixed({ heads, length, data }: LayerAttention, example: number): Float64Array {
  const square = length * length;
  const mix = new Float64Array(square);
  for (let head = 0; head < heads; head++) {
    const from = (example * heads + head) * square;
    for (let i = 0; i < square; i++) mix[i] = mix[i]! + data[from + i]! / heads / 2;
  }
  for (let i = 0; i < length; i++) mix[i * length + i] = mix[i * length + i]! + 0.5;
  for (let i = 0; i < length; i++) {
    const row = mix.subarray(i * length, (i + 1) * length);
    const sum = row.reduce((total, value) => total + value, 0);
    for (let j = 0; j < length; j++) row[j] = row[j]! / sum;
  }
  return mix;
}

function product(a: Float64Array, b: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k]!;
      for (let j = 0; j < n; j++) result[i * n + j] = result[i * n + j]! + factor * b[k * n + j]!;
    }
  }
  return result;
}
