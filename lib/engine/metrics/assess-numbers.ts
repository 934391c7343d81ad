import { createRng } from '../host/index.ts';
import { bootstrap } from './bootstrap.ts';
import type { Numbers } from './input.ts';
import { drawsFor, type Interval, intervalOf } from './intervals.ts';
import {
  checkNumeric,
  coverage,
  mae,
  type NumericDecile,
  numericDeciles,
  rmse,
  spearman,
} from './numeric.ts';
import { RankedPairs } from './ranked-pairs.ts';

/** Measures of a number that is told of each row, with an interval: plain JSON, null where a measure is not defined. */
export interface NumbersAssessment {
  readonly n: number;
  readonly meanTruth: number | null;
  readonly meanPrediction: number | null;
  /** In the unit of the numbers, as `rmse`. */
  readonly mae: number | null;
  readonly rmse: number | null;
  /** Coefficient of determination; as scikit-learn's r2_score. */
  readonly r2: number | null;
  readonly spearman: number | null;
  /** Share of rows within their interval, and its width in the mean; null where none was told. */
  readonly coverage: number | null;
  readonly width: number | null;
  readonly intervals: {
    readonly mae: Interval;
    readonly rmse: Interval;
    readonly r2: Interval;
    readonly spearman: Interval;
  };
  /** The same if every row were told the mean of the training rows, and for the MAE their median. */
  readonly baseline: {
    readonly mae: number | null;
    readonly rmse: number | null;
    readonly r2: number | null;
  };
  readonly deciles: readonly NumericDecile[];
  /** Some of the rows: what was told and what was real. */
  readonly points: readonly (readonly [told: number, real: number])[];
}

export interface ToldNumbers {
  readonly truth: Numbers;
  readonly predictions: Numbers;
  /** NaN where no interval was told. */
  readonly low: Numbers;
  readonly high: Numbers;
  /** Of the training rows. */
  readonly usual: { readonly mean: number; readonly median: number };
}

/** Passes over the rows that a draw takes. */
const PASSES = 5;
const MOST_POINTS = 400;

/**
 * Assesses numbers and their intervals. Measures come with intervals over resampled rows, drawn by their order alone.
 * @throws MetricError when lengths differ or a number is not finite
 */
export function assessNumbers({ truth, predictions, low, high, usual }: ToldNumbers): NumbersAssessment {
  const n = truth.length;
  if (n === 0) return NOTHING;
  checkNumeric(truth, predictions);
  const errors = Float64Array.from({ length: n }, (_, i) => predictions[i]! - truth[i]!);
  const pairs = new RankedPairs(truth, predictions);
  const times = new Int32Array(n);
  const measured = (drawn: Int32Array) => {
    times.fill(0);
    for (const row of drawn) times[row]!++;
    const squares = meanSquare(errors, drawn);
    const ranked = pairs.measures(times);
    return [ranked.mae, Math.sqrt(squares), r2Of(squares, variance(truth, drawn)), ranked.spearman];
  };
  const [ofMae, ofRmse, ofR2, ofRanks] = bootstrap({
    n,
    samples: drawsFor(PASSES * n),
    rng: createRng('assessment'),
    measures: measured,
  }).map(intervalOf);
  const all = Int32Array.from({ length: n }, (_, row) => row);
  const spread = variance(truth, all);
  const constant = (value: number) => new Float64Array(n).fill(value);
  const fixed = rmse(truth, constant(usual.mean));
  const told = Array.from(all).every((row) => !Number.isNaN(low[row]!));
  const every = Math.ceil(n / MOST_POINTS);
  return {
    n,
    meanTruth: meanOf(truth),
    meanPrediction: meanOf(predictions),
    mae: mae(truth, predictions),
    rmse: rmse(truth, predictions),
    r2: orNull(r2Of(meanSquare(errors, all), spread)),
    spearman: orNull(spearman(truth, predictions)),
    coverage: told ? coverage(truth, low, high) : null,
    width: told ? meanOf(high) - meanOf(low) : null,
    intervals: { mae: ofMae!, rmse: ofRmse!, r2: ofR2!, spearman: ofRanks! },
    baseline: {
      mae: mae(truth, constant(usual.median)),
      rmse: fixed,
      r2: orNull(r2Of(fixed ** 2, spread)),
    },
    deciles: numericDeciles(truth, predictions),
    points: Array.from(all)
      .filter((row) => row % every === 0)
      .map((row) => [predictions[row]!, truth[row]!] as const),
  };
}

const NOTHING: NumbersAssessment = {
  n: 0,
  ...{ meanTruth: null, meanPrediction: null, mae: null, rmse: null, r2: null, spearman: null },
  ...{ coverage: null, width: null },
  intervals: { mae: null, rmse: null, r2: null, spearman: null },
  baseline: { mae: null, rmse: null, r2: null },
  deciles: [],
  points: [],
};

/** NaN where all true numbers are equal. */
const r2Of = (squares: number, spread: number): number => (spread > 0 ? 1 - squares / spread : Number.NaN);

function meanSquare(errors: Float64Array, rows: Int32Array): number {
  let sum = 0;
  for (const row of rows) sum += errors[row]! ** 2;
  return sum / rows.length;
}

function variance(values: Numbers, rows: Int32Array): number {
  let mean = 0;
  for (const row of rows) mean += values[row]! / rows.length;
  let sum = 0;
  for (const row of rows) sum += (values[row]! - mean) ** 2;
  return sum / rows.length;
}

function meanOf(values: Numbers): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
