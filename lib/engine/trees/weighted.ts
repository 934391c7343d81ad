import type { Numbers } from './table.ts';

export function meanOf(labels: Numbers, weights: Numbers | undefined): number {
  return weightedMean(labels.length, weights, (row) => labels[row]!);
}

export function weightedMean(
  rows: number,
  weights: Numbers | undefined,
  of: (row: number) => number,
): number {
  let sum = 0;
  let all = 0;
  for (let row = 0; row < rows; row++) {
    const weight = weights ? weights[row]! : 1;
    sum += weight * of(row);
    all += weight;
  }
  return sum / all;
}

/**
 * A quantile of numbers: the least one that has at least `level` of all weight at or below it, or the middle between it and the
 * next where it has exactly that much (Hyndman & Fan 1996, definition 2). No constant has a smaller pinball loss.
 * @param weights from 0, with a sum above 0; all 1 if left out
 */
export function weightedQuantile(values: Numbers, weights: Numbers | undefined, level: number): number {
  const order = Int32Array.from({ length: values.length }, (_, i) => i)
    .filter((i) => !weights || weights[i]! > 0)
    .sort((a, b) => values[a]! - values[b]! || a - b);
  const weightOf = (i: number): number => (weights ? weights[i]! : 1);
  let all = 0;
  for (const i of order) all += weightOf(i);
  const wanted = level * all;
  /** 0.1 x 30 is not 3 in float64. */
  const rounding = 1e-12 * all;
  let below = 0;
  for (let at = 0; at < order.length - 1; at++) {
    below += weightOf(order[at]!);
    if (below - wanted > rounding) return values[order[at]!]!;
    if (below - wanted >= -rounding) return (values[order[at]!]! + values[order[at + 1]!]!) / 2;
  }
  return values[order.at(-1)!]!;
}
