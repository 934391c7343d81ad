import { Draws } from '../../../lib/engine/trees/draws.ts';
import type { TreeModel, TreeTable } from '../../../lib/engine/trees/index.ts';

/** A table whose label depends on columns 0 to 2 and not on the others; `missing` of the cells are NaN. */
export function shapedTable(rows: number, columns: number, seed: number, missing = 0): TreeTable {
  const cells = new Draws(seed, 'cells');
  const holes = new Draws(seed, 'holes');
  const outcomes = new Draws(seed, 'outcomes');
  const values = Float32Array.from({ length: rows * columns }, (_, i) => 2 * cells.uniform(i) - 1);
  const labels = Uint8Array.from({ length: rows }, (_, row) => {
    const [a, b, c] = values.subarray(row * columns);
    const logit = 3 * a! + (b! > 0.2 ? 2 : -1) * c! + 0.3;
    return outcomes.uniform(row) < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  });
  for (let i = 0; i < values.length; i++) if (holes.uniform(i) < missing) values[i] = Number.NaN;
  return { rows, columns, values, labels };
}

/**
 * Shapley values by their definition, over all subsets of columns, of the game that TreeSHAP is about: a tree's value
 * when the columns of `known` are known is the mean of both branches by cover at splits by others.
 */
export function bruteShapley(model: TreeModel, row: Float32Array): Float64Array {
  const { columns } = model;
  const worth = Float64Array.from({ length: 2 ** columns }, (_, known) =>
    model.roots.reduce((sum, root) => sum + expectation(model, root, row, known), model.base[0]!),
  );
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const sizeOf = (set: number): number => set.toString(2).replaceAll('0', '').length;
  return Float64Array.from({ length: columns }, (_, column) => {
    let sum = 0;
    for (let set = 0; set < worth.length; set++) {
      if (set & (1 << column)) continue;
      const size = sizeOf(set);
      const weight = (factorial(size) * factorial(columns - size - 1)) / factorial(columns);
      sum += weight * (worth[set | (1 << column)]! - worth[set]!);
    }
    return sum;
  });
}

function expectation(model: TreeModel, node: number, row: Float32Array, known: number): number {
  const column = model.feature[node]!;
  if (column < 0) return model.value[node]!;
  const [left, right] = [model.left[node]!, model.right[node]!];
  if (known & (1 << column)) {
    const value = row[column]!;
    const isLeft = Number.isNaN(value) ? model.missingLeft[node] === 1 : value <= model.threshold[node]!;
    return expectation(model, isLeft ? left : right, row, known);
  }
  const sum =
    model.cover[left]! * expectation(model, left, row, known) +
    model.cover[right]! * expectation(model, right, row, known);
  return sum / model.cover[node]!;
}

/** Values that decide closely: thresholds of a model, the float32 beside them, both infinities, NaN and others. */
export function closeValues(model: TreeModel, rows: number, seed: number): Float32Array {
  const draws = new Draws(seed, 'close');
  const bits = new Uint32Array(1);
  const beside = (value: number, step: number): number => {
    const float = new Float32Array(bits.buffer);
    float[0] = value;
    bits[0]! += step;
    return float[0]!;
  };
  const inner = model.threshold.filter((_, node) => model.feature[node]! >= 0);
  return Float32Array.from({ length: rows * model.columns }, (_, i) => {
    const threshold = inner[draws.below(inner.length, 3 * i)]!;
    switch (draws.below(10, 3 * i + 1)) {
      case 0:
        return Number.NaN;
      case 1:
        return Number.POSITIVE_INFINITY;
      case 2:
        return Number.NEGATIVE_INFINITY;
      case 3:
      case 4:
        return threshold;
      case 5:
        return beside(threshold, 1);
      case 6:
        return beside(threshold, -1);
      default:
        return 4 * draws.uniform(3 * i + 2) - 2;
    }
  });
}
