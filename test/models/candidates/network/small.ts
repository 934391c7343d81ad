import { createRng } from '../../../../lib/engine/host/index.ts';
import type { Tensor } from '../../../../lib/engine/onnx/index.ts';
import { bins } from '../../../../lib/models/candidates/heads.ts';
import type { InputTransform } from '../../../../lib/models/candidates/inputs.ts';
import type { VisitVocabulary } from '../../../../lib/models/candidates/material.ts';
import {
  linearBranch,
  mlpBranch,
  visitsBranch,
} from '../../../../lib/models/candidates/network/branches/index.ts';
import type { Network } from '../../../../lib/models/candidates/network/graph.ts';
import type { PiecewiseEncoding } from '../../../../lib/models/candidates/network/piecewise.ts';
import { VISIT_FIELDS, visitTableSize } from '../../../../lib/models/candidates/network/visits/visit-ids.ts';

export const vocabulary: VisitVocabulary = { items: ['tea', 'cup'], spendEdges: [100, 500, 2000] };

/** Five raw features: a logged one, plain ones, one that is left out (2) and one without variation at its cut-off (4). */
export const transform: InputTransform = {
  kept: [0, 1, 3, 4],
  log: [1, 0, 1, 0],
  low: [0, -2, -3, 0],
  high: [4, 2, 3, 1],
  mean: [1.5, 0.25, -0.5, 1],
  deviation: [0.8, 1.1, 1.4, 0],
};

export const RAW = 5;

/** Bins of the first two inputs. */
const piecewise: PiecewiseEncoding = {
  input: [0, 0, 0, 1, 1],
  low: [-2, -0.5, 0.5, -1, 0.2],
  inverse: [1 / 1.5, 1, 0.8, 1 / 1.2, 1.5],
};

/** The branch over visits, so many of them or as many as a batch brings. */
export const visitsOf = (length: number | 'length') =>
  visitsBranch({ ids: visitTableSize(vocabulary), width: 4, layers: 1, heads: 2, length });

/** An ensemble of so many members. */
export const mlpOf = (members: number) => mlpBranch({ hidden: 4, layers: 2, members, piecewise });

/** Two tasks, one of which asks for absence, over all branches. */
export const whole = (visits: number): Network => ({
  features: RAW,
  transform,
  heads: [
    { task: 'buy', bins: 2, inverted: false },
    { task: 'leave', bins: 3, inverted: true },
  ],
  branches: [linearBranch, mlpOf(3), visitsOf(visits)],
});

export const linearOnly: Network = { ...whole(1), branches: [linearBranch] };

/** Features in the range of the transform and beyond. */
export function rawFeatures(rows: number): Float32Array {
  return createRng('raw features').normals(rows * RAW, 4);
}

/** Visits of ids within the table, with as many places of padding behind them as the row's number says. */
export function visitIds(rows: number, visits: number): Int32Array {
  const rng = createRng('visit ids');
  const ids = visitTableSize(vocabulary);
  const out = new Int32Array(rows * visits * VISIT_FIELDS);
  for (let row = 0; row < rows; row++) {
    const filled = Math.max(0, visits - row);
    for (let i = 0; i < filled * VISIT_FIELDS; i++) {
      out[row * visits * VISIT_FIELDS + i] = 1 + rng.integer(ids - 1);
    }
  }
  return out;
}

/** Every parameter of a graph away from its start, where half of them are zero. */
export function perturbed(
  parameters: readonly { readonly name: string; readonly data: Float32Array }[],
): Record<string, Float32Array> {
  return Object.fromEntries(
    parameters.map(({ name, data }) => {
      const noise = createRng(`perturb ${name}`).normals(data.length, 0.3);
      return [name, data.map((x, i) => x + noise[i]!)];
    }),
  );
}

export const floats = (data: Float32Array, shape: number[]): Tensor => ({ dtype: 'float32', shape, data });
export const ints = (data: Int32Array, shape: number[]): Tensor => ({ dtype: 'int32', shape, data });

/** What the training graph is fed with beside its inputs. */
export function trainingFeeds(shape: Network, rows: number): Record<string, Tensor> {
  const rng = createRng('labels');
  const outputs = bins(shape);
  const labels = rng.uniforms(rows * outputs).map((u) => Number(u < 0.4));
  // Some outcomes are unknown.
  const weights = rng.uniforms(rows * outputs, 0.5, 1.5).map((w, i) => (i % 5 === 3 ? 0 : w));
  return {
    labels: floats(labels, [rows, outputs]),
    weights: floats(weights, [rows, outputs]),
  };
}
