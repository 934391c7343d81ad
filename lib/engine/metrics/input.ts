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

/**
 * The rows grouped by distinct score, highest first: what every threshold metric is a walk over. Labels are 0 or 1.
 * Both classes are sorted by themselves and merged: a sort without comparator is several times as fast.
 */
export function groupsByScore(labels: Numbers, scores: Numbers): ScoreGroup[] {
  const positives = sortedScores(labels, scores, 1);
  const negatives = sortedScores(labels, scores, 0);
  const groups: ScoreGroup[] = [];
  let [p, n] = [positives.length, negatives.length];
  while (p > 0 || n > 0) {
    const score = Math.max(
      positives[p - 1] ?? Number.NEGATIVE_INFINITY,
      negatives[n - 1] ?? Number.NEGATIVE_INFINITY,
    );
    const [pBefore, nBefore] = [p, n];
    while (p > 0 && positives[p - 1] === score) p -= 1;
    while (n > 0 && negatives[n - 1] === score) n -= 1;
    groups.push({ score, rows: pBefore - p + (nBefore - n), positives: pBefore - p });
  }
  return groups;
}

/** Scores of one class, ascending. */
function sortedScores(labels: Numbers, scores: Numbers, label: number): Float64Array {
  let count = 0;
  const own = new Float64Array(scores.length);
  for (let i = 0; i < scores.length; i++) if (labels[i] === label) own[count++] = scores[i]!;
  return own.subarray(0, count).sort();
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
