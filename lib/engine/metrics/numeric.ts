import { MetricError } from './errors.ts';
import { ascending, evenSplit, type Numbers } from './input.ts';
import { RankedPairs } from './ranked-pairs.ts';

/** @throws MetricError unless there is one finite prediction and one finite true number a row, and a row at all */
export function checkNumeric(truth: Numbers, predictions: Numbers): void {
  checkLengths(truth, predictions);
  for (let i = 0; i < truth.length; i++) {
    if (!Number.isFinite(truth[i]))
      throw new MetricError(`true number ${i} is ${truth[i]}; a finite number is expected`);
    if (!Number.isFinite(predictions[i]))
      throw new MetricError(`prediction ${i} is ${predictions[i]}; a finite number is expected`);
  }
}

function checkLengths(truth: Numbers, ...others: readonly Numbers[]): void {
  if (truth.length > 0 && others.every(({ length }) => length === truth.length)) return;
  throw new MetricError(
    `as many true numbers as predictions are expected, at least one; given ${[truth, ...others]
      .map(({ length }) => length)
      .join(', ')}`,
  );
}

/** Mean absolute error, in the unit of the numbers. Equals scikit-learn's mean_absolute_error. */
export function mae(truth: Numbers, predictions: Numbers): number {
  checkNumeric(truth, predictions);
  return meanOver(truth.length, (i) => Math.abs(predictions[i]! - truth[i]!));
}

/** Root of the mean squared error, in the unit of the numbers. Equals scikit-learn's root_mean_squared_error. */
export function rmse(truth: Numbers, predictions: Numbers): number {
  checkNumeric(truth, predictions);
  return Math.sqrt(meanOver(truth.length, (i) => (predictions[i]! - truth[i]!) ** 2));
}

/**
 * Mean pinball loss of a predicted quantile: level x (y - p) where the true number y is above the prediction p, else
 * (1 - level) x (p - y) (Koenker & Bassett 1978). At 0.5 half the mean absolute error. Equals scikit-learn's
 * mean_pinball_loss.
 * @param level of the quantile, between 0 and 1
 */
export function pinball(truth: Numbers, predictions: Numbers, level: number): number {
  checkNumeric(truth, predictions);
  if (!(level > 0 && level < 1))
    throw new MetricError(`the quantile's level is ${level}; a number between 0 and 1 is expected`);
  return meanOver(truth.length, (i) => {
    const above = truth[i]! - predictions[i]!;
    return above >= 0 ? level * above : (level - 1) * above;
  });
}

/**
 * Spearman's rank correlation: Pearson's of the ranks, equal numbers having the mean of their ranks (Spearman 1904). Equals
 * scipy's spearmanr.
 * @returns NaN when all predictions or all true numbers are equal: there is no ranking
 */
export function spearman(truth: Numbers, predictions: Numbers): number {
  checkNumeric(truth, predictions);
  return new RankedPairs(truth, predictions).measures().spearman;
}

/**
 * How much of the true total (of revenue, say) lies with the rows of the highest predictions. Rows that tie at the edge are
 * shared: each counts as much as chance would take of it.
 * @param share of the rows, rounded up to whole ones; above 0, at most 1
 * @returns NaN when the total is not above 0: there are no shares of it
 */
export function topShare(truth: Numbers, predictions: Numbers, share: number): number {
  checkNumeric(truth, predictions);
  if (!(share > 0 && share <= 1))
    throw new MetricError(`the share of rows is ${share}; a number above 0 and at most 1 is expected`);
  const total = meanOver(truth.length, (i) => truth[i]!) * truth.length;
  const [inside] = amongHighest(truth, predictions, [Math.ceil(share * truth.length)]);
  return total > 0 ? inside! / total : Number.NaN;
}

/**
 * The share of true numbers within their intervals, both ends included.
 * @throws MetricError when lengths differ, a number is NaN, or an interval ends below its beginning
 */
export function coverage(truth: Numbers, low: Numbers, high: Numbers): number {
  checkLengths(truth, low, high);
  return meanOver(truth.length, (i) => {
    const [from, y, to] = [low[i]!, truth[i]!, high[i]!];
    if (!(from <= to) || !Number.isFinite(y))
      throw new MetricError(
        `row ${i} has the interval [${from}, ${to}] and the true number ${y}; low <= high and a finite number are expected`,
      );
    return y >= from && y <= to ? 1 : 0;
  });
}

/** One tenth of the predictions. */
export interface NumericDecile {
  /** 1 holds the highest predictions. */
  readonly decile: number;
  readonly n: number;
  readonly meanPrediction: number;
  /** Rows that tie at an edge are shared. */
  readonly meanTruth: number;
}

/**
 * Calibration by tenths of the predictions: where they are right in the mean, both means of a tenth are alike. Sizes are as
 * even as can be, the larger first; with fewer than ten rows there are fewer tenths.
 */
export function numericDeciles(truth: Numbers, predictions: Numbers): NumericDecile[] {
  checkNumeric(truth, predictions);
  const sizes = evenSplit(truth.length, 10).filter((size) => size > 0);
  let end = 0;
  const ends = sizes.map((size) => (end += size));
  const trueSums = amongHighest(truth, predictions, ends);
  const sums = amongHighest(predictions, predictions, ends);
  return sizes.map((n, i) => ({
    decile: i + 1,
    n,
    meanPrediction: (sums[i]! - (sums[i - 1] ?? 0)) / n,
    meanTruth: (trueSums[i]! - (trueSums[i - 1] ?? 0)) / n,
  }));
}

/** Sums of `values` over the rows of the k highest predictions, for each k (ascending), ties being shared. */
function amongHighest(values: Numbers, predictions: Numbers, counts: readonly number[]): number[] {
  const order = ascending(predictions).reverse();
  const found: number[] = [];
  let sum = 0;
  for (let i = 0; i < order.length; ) {
    const start = i;
    const at = predictions[order[i]!]!;
    let own = 0;
    for (; i < order.length && predictions[order[i]!] === at; i++) own += values[order[i]!]!;
    while (found.length < counts.length && counts[found.length]! <= i) {
      found.push(sum + (own * (counts[found.length]! - start)) / (i - start));
    }
    sum += own;
  }
  return found;
}

function meanOver(rows: number, of: (row: number) => number): number {
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += of(row);
  return sum / rows;
}
