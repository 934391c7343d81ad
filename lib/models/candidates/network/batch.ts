import { type Feeds, float32 } from '../../../engine/host/index.ts';
import { bins } from '../heads.ts';
import type { BranchRows } from './branches/index.ts';
import type { Network } from './graph.ts';

/** Rows as a network learns from them. */
export interface LearntRows extends BranchRows {
  /** (count, kept), transformed. */
  readonly inputs: Float32Array;
  /** (count, bins). */
  readonly labels: Float32Array;
  /** Rows with the same number tell of one another, by row number; default: each row is one. */
  readonly groups?: ArrayLike<number> | undefined;
}

/** Some rows of the data, and how much each of their outcomes counts. */
export interface WeightedRows {
  /** Row numbers. */
  readonly rows: Int32Array;
  /** (rows.length, bins): 0 where an outcome must not be used. */
  readonly weights: Float32Array;
}

/**
 * Inputs, labels and weights of a batch.
 * @param at places in `rows`
 * @param rowWeights by which the weights of each place are multiplied
 */
export function batchOf(
  network: Network,
  data: LearntRows,
  { rows, weights }: WeightedRows,
  at: Int32Array,
  rowWeights: Float32Array,
): Feeds {
  const n = at.length;
  const outputs = bins(network);
  const width = network.transform.kept.length;
  const inputs = new Float32Array(n * width);
  const labels = new Float32Array(n * outputs);
  const cell = new Float32Array(n * outputs);
  for (let b = 0; b < n; b++) {
    const i = at[b]!;
    const row = rows[i]!;
    inputs.set(data.inputs.subarray(row * width, (row + 1) * width), b * width);
    for (let k = 0; k < outputs; k++) {
      const weight = weights[i * outputs + k]! * rowWeights[b]!;
      cell[b * outputs + k] = weight;
      labels[b * outputs + k] = weight === 0 ? 0 : data.labels[row * outputs + k]!;
    }
  }
  return {
    inputs: float32(inputs, [n, width]),
    labels: float32(labels, [n, outputs]),
    weights: float32(cell, [n, outputs]),
  };
}
