import { sigmoid } from '../host/index.ts';
import { encodeValues } from './categories.ts';
import type { TreeModel } from './model.ts';
import { checkValues } from './table.ts';

/**
 * Raw scores of rows: the logit (logistic boosting), the probability (forests), the value (squared, quantile), its logarithm
 * (tweedie, gamma), one logit per class (softmax). Sums are in float64 over the float32 leaves.
 * @param values rows x columns, row-major, as in training: NaN is missing, categorical columns hold codes
 * @returns rows x outputs, row-major
 * @throws TreeError when the values are no whole number of rows
 */
export function predictRaw(model: TreeModel, values: Float32Array): Float64Array {
  const { columns, outputs, base, roots, target, value } = model;
  checkValues(values, columns);
  const encoded = encodeValues(model.categories, values, columns);
  const rows = values.length / columns;
  const out = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    out.set(base, row * outputs);
    for (let tree = 0; tree < roots.length; tree++) {
      out[row * outputs + target[tree]!]! += value[leafOf(model, tree, encoded, start)]!;
    }
  }
  return out;
}

/**
 * Probabilities of rows: of label 1 (logistic boosting, forests), or of each class (softmax). Where a number is predicted
 * (squared, quantile, tweedie, gamma) the number itself.
 * @returns rows x outputs, row-major
 * @throws TreeError as `predictRaw`
 */
export function predictProbabilities(model: TreeModel, values: Float32Array): Float64Array {
  const raw = predictRaw(model, values);
  if (model.raw === 'logit') return raw.map(sigmoid);
  if (model.raw === 'log value') return raw.map(Math.exp);
  if (model.raw !== 'class logits') return raw;
  for (let start = 0; start < raw.length; start += model.outputs) {
    const row = raw.subarray(start, start + model.outputs);
    const largest = row.reduce((most, one) => Math.max(most, one), Number.NEGATIVE_INFINITY);
    const powers = row.map((one) => Math.exp(one - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    row.set(powers.map((power) => power / sum));
  }
  return raw;
}

/** The leaf that a row of encoded values, which starts at `start`, ends in. */
function leafOf(model: TreeModel, tree: number, values: Float32Array, start: number): number {
  const { feature, left, right } = model;
  let node = model.roots[tree]!;
  for (let column = feature[node]!; column >= 0; column = feature[node]!) {
    node = goesLeft(model, node, values[start + column]!) ? left[node]! : right[node]!;
  }
  return node;
}

export function goesLeft({ threshold, missingLeft }: TreeModel, node: number, value: number): boolean {
  return value <= threshold[node]! || (missingLeft[node] === 1 && Number.isNaN(value));
}
