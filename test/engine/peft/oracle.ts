import type { Feeds } from '../../../lib/engine/host/index.ts';
import { type Graph, interpret } from '../../../lib/engine/onnx/index.ts';
import { batch } from './small.ts';

/** An output of a graph in float64, by the interpreter. */
export function exactly(graph: Graph, output: string, feeds: Feeds = batch()): Float64Array {
  const tensors = Object.fromEntries(
    graph.inputs.map(({ name, dtype }) => {
      const { shape, data } = feeds[name]!;
      return [name, { dtype, shape, data }];
    }),
  );
  return interpret(graph, tensors)[output]!.data;
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.NaN;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
