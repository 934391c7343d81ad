import type { GraphBuilder, Value } from '../../../engine/onnx/index.ts';
import { quantile, sortedColumn } from '../inputs.ts';

/**
 * Piecewise linear encoding (Gorishniy, Rubachev, Babenko 2022, section 3.1): each bin between two quantiles of an input
 * becomes a number that rises from 0 to 1 across it, so that an MLP can bend where a tree would split.
 */
export interface PiecewiseEncoding {
  /** Per bin: its input, lower edge and the inverse of its width. */
  readonly input: readonly number[];
  readonly low: readonly number[];
  readonly inverse: readonly number[];
}

/** Bins of each input; inputs with few values have fewer. */
const BINS = 16;

/**
 * @param inputs (all rows, kept) transformed
 * @param rows row numbers of the training part
 */
export function fitPiecewise(inputs: Float32Array, kept: number, rows: Int32Array): PiecewiseEncoding {
  const input: number[] = [];
  const low: number[] = [];
  const inverse: number[] = [];
  for (let k = 0; k < kept; k++) {
    const column = sortedColumn(inputs, kept, rows, k, 0);
    const edges = [...new Set(Array.from({ length: BINS + 1 }, (_, b) => quantile(column, b / BINS)))];
    // A flag is one bin: it says nothing that the input does not.
    if (edges.length < 4) continue;
    for (let b = 0; b + 1 < edges.length; b++) {
      input.push(k);
      low.push(edges[b]!);
      inverse.push(1 / (edges[b + 1]! - edges[b]!));
    }
  }
  return { input, low, inverse };
}

/** The encoding as operations: z (rows, kept) -> (rows, bins). */
export function encodePiecewise(
  g: GraphBuilder,
  z: Value,
  { input, low, inverse }: PiecewiseEncoding,
): Value {
  const scaled = g.mul(g.sub(g.gather(z, g.ints(input), 1), g.constant(low)), g.constant(inverse));
  return g.clip(scaled, 0, 1);
}
