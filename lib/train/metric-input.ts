import { MetricError } from './errors.ts';

/** Numbers by index: an array or a typed array. */
export type Numbers = ArrayLike<number>;

/** @throws MetricError unless there is one finite score and one label 0 or 1 a row, and a row at all */
export function checkBinary(labels: Numbers, scores: Numbers): void {
  if (labels.length !== scores.length || labels.length === 0) {
    throw new MetricError(
      `as many labels as scores are expected, at least one; given ${labels.length} and ${scores.length}`,
    );
  }
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== 0 && labels[i] !== 1)
      throw new MetricError(`label ${i} is ${labels[i]}; 0 or 1 is expected`);
    if (!Number.isFinite(scores[i]))
      throw new MetricError(`score ${i} is ${scores[i]}; a finite number is expected`);
  }
}

/** @throws MetricError unless checkBinary's conditions hold and scores lie in [0, 1] */
export function checkProbabilities(labels: Numbers, probabilities: Numbers): void {
  checkBinary(labels, probabilities);
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    if (p < 0 || p > 1) throw new MetricError(`probability ${i} is ${p}; a number from 0 to 1 is expected`);
  }
}

/** Row numbers by ascending value; equal values keep their order. */
export function ascending(values: Numbers): Int32Array {
  const order = Int32Array.from({ length: values.length }, (_, i) => i);
  return order.sort((a, b) => values[a]! - values[b]! || a - b);
}

/** Rows of one score: how many, and how many of them are positive. */
export interface ScoreGroup {
  score: number;
  rows: number;
  positives: number;
}

/** The rows grouped by distinct score, highest first: what every threshold metric is a walk over. */
export function groupsByScore(labels: Numbers, scores: Numbers): ScoreGroup[] {
  const groups: ScoreGroup[] = [];
  let current: ScoreGroup | undefined;
  const order = ascending(scores);
  for (let at = order.length - 1; at >= 0; at--) {
    const row = order[at]!;
    const score = scores[row]!;
    if (current?.score !== score) groups.push((current = { score, rows: 0, positives: 0 }));
    current.rows += 1;
    current.positives += labels[row]!;
  }
  return groups;
}

/** Lengths of `parts` groups of n rows as even as can be, the longer first (numpy.array_split). */
export function evenSplit(n: number, parts: number): number[] {
  if (!Number.isInteger(parts) || parts < 1)
    throw new MetricError(`a number of groups from 1 is expected, given ${parts}`);
  return Array.from({ length: parts }, (_, part) => Math.floor(n / parts) + (part < n % parts ? 1 : 0));
}

export function countPositives(labels: Numbers): number {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i]!;
  return positives;
}
