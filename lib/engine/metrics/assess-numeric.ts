import { createRng } from '../host/index.ts';
import { bootstrap } from './bootstrap.ts';
import type { Numbers } from './input.ts';
import { drawsFor, type Interval, intervalOf, numberUsers } from './intervals.ts';
import {
  checkNumeric,
  mae,
  type NumericDecile,
  numericDeciles,
  rmse,
  spearman,
  topShare,
} from './numeric.ts';
import { RankedPairs } from './ranked-pairs.ts';

/** Measures of one task whose outcome is a number: plain JSON, null where a measure is not defined. */
export interface NumericAssessment {
  readonly n: number;
  readonly meanTruth: number | null;
  readonly meanPrediction: number | null;
  /** In the unit of the numbers, as `rmse`. */
  readonly mae: number | null;
  readonly rmse: number | null;
  readonly spearman: number | null;
  /** Share of the true total in the tenth of rows with the highest predictions. */
  readonly topShare10: number | null;
  readonly intervals: { readonly mae: Interval; readonly spearman: Interval; readonly topShare10: Interval };
  readonly deciles: readonly NumericDecile[];
}

const TOP = 0.1;
/** Passes over the rows that a draw takes. */
const PASSES = 3;

/**
 * Assesses predictions of a number. Intervals are over resampled users, who are drawn by their order in the rows and not by
 * what is predicted of them: two models assessed on the same rows are measured on the same draws.
 * @param users whose row each is, as any number: rows of one user are resampled together. Default: a user a row.
 * @throws MetricError when lengths differ or a number is not finite
 */
export function assessNumeric(truth: Numbers, predictions: Numbers, users?: Numbers): NumericAssessment {
  const n = truth.length;
  if (n === 0 && predictions.length === 0) {
    return {
      n,
      ...{ meanTruth: null, meanPrediction: null, mae: null, rmse: null, spearman: null, topShare10: null },
      intervals: { mae: null, spearman: null, topShare10: null },
      deciles: [],
    };
  }
  checkNumeric(truth, predictions);
  const numbered = numberUsers(
    Int32Array.from({ length: n }, (_, row) => row),
    users,
  );
  const pairs = new RankedPairs(truth, predictions, numbered.userOf, TOP);
  const times = new Int32Array(numbered.users);
  const [error, ranks, top] = bootstrap({
    n: numbered.users,
    samples: drawsFor(PASSES * n),
    rng: createRng('assessment'),
    measures(drawn) {
      times.fill(0);
      for (let i = 0; i < drawn.length; i++) times[drawn[i]!]!++;
      const own = pairs.measures(times);
      return [own.mae, own.spearman, own.topShare];
    },
  });
  return {
    n,
    meanTruth: mean(truth),
    meanPrediction: mean(predictions),
    mae: mae(truth, predictions),
    rmse: rmse(truth, predictions),
    spearman: finite(spearman(truth, predictions)),
    topShare10: finite(topShare(truth, predictions, TOP)),
    intervals: { mae: intervalOf(error!), spearman: intervalOf(ranks!), topShare10: intervalOf(top!) },
    deciles: numericDeciles(truth, predictions),
  };
}

function mean(values: Numbers): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
