import {
  assessBinary,
  assessLists,
  assessNumeric,
  assessUplift,
  auroc,
  averagePrecision,
  brier,
  confusion,
  coverage,
  ece,
  lift,
  logLoss,
  ndcgAtK,
  prCurve,
  recallAtK,
  rocCurve,
  type UpliftAssessment,
} from '../engine/metrics/index.ts';
import {
  assessDemand,
  type BinaryOutcomes,
  type DemandOutcomes,
  type ListedOutcomes,
  type Outcomes,
  type UpliftOutcomes,
  type ValueOutcomes,
} from '../models/index.ts';
import type { BinaryEvaluation, ListMeasures, ValueMeasures } from '../report/index.ts';
import { classMetrics, labelMetrics, numberMetrics } from './label-metrics.ts';

/** The metrics as `--json` prints them. */
interface BinaryMetrics {
  readonly n: number;
  readonly baseRate: number | null;
  readonly auroc: number | null;
  readonly auprc: number | null;
  readonly logLoss: number | null;
  readonly brier: number | null;
  readonly ece: number | null;
  readonly lift10: number | null;
}

/** Metrics that need both outcomes are null where only one happened; docs/metrics.md has the formulas. */
function binaryMetrics({ labels, probabilities }: BinaryOutcomes): BinaryMetrics {
  const n = labels.length;
  const positives = labels.reduce((sum, y) => sum + y, 0);
  const both = positives > 0 && positives < n;
  return {
    n,
    baseRate: n > 0 ? positives / n : null,
    auroc: both ? auroc(labels, probabilities) : null,
    auprc: both ? averagePrecision(labels, probabilities) : null,
    logLoss: n > 0 ? logLoss(labels, probabilities) : null,
    brier: n > 0 ? brier(labels, probabilities) : null,
    ece: n > 0 ? ece(labels, probabilities) : null,
    lift10: both ? lift(labels, probabilities, 0.1) : null,
  };
}

/** From this probability on a user is called a yes, where one has to say yes or no. */
const THRESHOLD = 0.5;

/** Metrics, intervals and curves for the report. */
export function binaryEvaluation({ labels, probabilities }: BinaryOutcomes): BinaryEvaluation {
  const assessed = assessBinary(labels, probabilities);
  const any = labels.length > 0;
  const counted = any ? confusion(labels, probabilities, THRESHOLD) : undefined;
  const both = assessed.auroc !== null;
  const roc = both ? rocCurve(labels, probabilities) : { fpr: [], tpr: [] };
  const pr = both ? prCurve(labels, probabilities) : { precision: [], recall: [] };
  return {
    ...assessed,
    f1: counted?.f1 ?? null,
    confusion: {
      tp: counted?.truePositives ?? 0,
      fp: counted?.falsePositives ?? 0,
      tn: counted?.trueNegatives ?? 0,
      fn: counted?.falseNegatives ?? 0,
      threshold: THRESHOLD,
    },
    roc: Array.from(roc.fpr, (x, i) => [x, roc.tpr[i]!] as const),
    pr: Array.from(pr.recall, (x, i) => [x, pr.precision[i]!] as const),
  };
}

/** Recall and NDCG at the task's k, means over the users. */
function listMetrics({ truth, lists, k }: ListedOutcomes): {
  n: number;
  k: number;
  recall: number | null;
  ndcg: number | null;
} {
  const n = truth.length;
  return {
    n,
    k,
    recall: n > 0 ? recallAtK(truth, lists, k) : null,
    ndcg: n > 0 ? ndcgAtK(truth, lists, k) : null,
  };
}

/** Errors in the unit of the values; docs/metrics.md has the formulas. */
function valueMetrics({ truth, values, low, high }: ValueOutcomes): {
  n: number;
  mean: number | null;
  meanExpected: number | null;
  mae: number | null;
  rmse: number | null;
  spearman: number | null;
  topShare10: number | null;
  coverage80: number | null;
} {
  const { n, meanTruth, meanPrediction, mae, rmse, spearman, topShare10 } = assessNumeric(truth, values);
  const coverage80 = coverageOf(truth, low, high);
  return { n, mean: meanTruth, meanExpected: meanPrediction, mae, rmse, spearman, topShare10, coverage80 };
}

/** Share of the outcomes within their intervals; null where none were told. */
const coverageOf = (truth: readonly number[], low: readonly number[], high: readonly number[]) =>
  truth.length > 0 && !low.some(Number.isNaN) ? coverage(truth, low, high) : null;

/** The same with intervals, for the report. */
export const valueEvaluation = ({ truth, values, low, high }: ValueOutcomes): ValueMeasures => ({
  ...assessNumeric(truth, values),
  coverage: coverageOf(truth, low, high),
});

/**
 * The metrics of a task, whichever it is answered by.
 * @param largest of tasks over items: how many items are judged, see `demandMetrics`
 */
export function metricsOf(
  outcomes: Outcomes,
  largest?: number,
):
  | BinaryMetrics
  | ReturnType<typeof listMetrics>
  | ReturnType<typeof valueMetrics>
  | DemandMetrics
  | UpliftMetrics
  | ReturnType<typeof numberMetrics>
  | ReturnType<typeof classMetrics>
  | ReturnType<typeof labelMetrics> {
  if (outcomes.kind === 'uplift') return upliftMetrics(outcomes);
  if (outcomes.kind === 'demand') return demandMetrics(outcomes, largest);
  if (outcomes.kind === 'value') return valueMetrics(outcomes);
  if (outcomes.kind === 'number') return numberMetrics(outcomes);
  if (outcomes.kind === 'binary') return binaryMetrics(outcomes);
  if (outcomes.kind === 'list') return listMetrics(outcomes);
  return outcomes.kind === 'one-of' ? classMetrics(outcomes) : labelMetrics(outcomes);
}

/** Of the items that had sold most; those of the yardsticks are of the same items. */
interface DemandMetrics {
  readonly n: number;
  /** Units of all these items together. */
  readonly real: number;
  readonly expected: number;
  readonly mae: number | null;
  readonly wape: number | null;
  readonly coverage80: number | null;
  readonly naiveMae: number | null;
  readonly naiveWape: number | null;
  readonly averageMae: number | null;
  readonly averageWape: number | null;
}

/** @param largest how many items, those that had sold most; default: 200 */
function demandMetrics(outcomes: DemandOutcomes, largest?: number): DemandMetrics {
  const { n, real, expected, mae, wape, coverage, naive, average } = assessDemand(outcomes, largest);
  return {
    ...{ n, real, expected, mae, wape, coverage80: coverage },
    ...{ naiveMae: naive.mae, naiveWape: naive.wape, averageMae: average.mae, averageWape: average.wape },
  };
}

/** The same with intervals, for the report. */
export const listEvaluation = ({ truth, lists, k }: ListedOutcomes): ListMeasures =>
  assessLists(truth, lists, k);

/** Effects are differences of mean outcomes, with 95 % intervals; docs/metrics.md has the formulas. */
interface UpliftMetrics {
  readonly n: number;
  readonly treated: number;
  readonly control: number;
  readonly meanTreated: number | null;
  readonly meanControl: number | null;
  readonly effect: number | null;
  readonly effectLow: number | null;
  readonly effectHigh: number | null;
  readonly meanExpected: number | null;
  readonly qini: number | null;
  readonly qiniLow: number | null;
  readonly qiniHigh: number | null;
  readonly auuc: number | null;
  readonly auucLow: number | null;
  readonly auucHigh: number | null;
  /** Rows that were expected to gain more than the task's `least`. */
  readonly persuadables: number;
  readonly persuadablesEffect: number | null;
  readonly persuadablesLow: number | null;
  readonly persuadablesHigh: number | null;
}

function upliftMetrics(outcomes: UpliftOutcomes): UpliftMetrics {
  const { n, treated, control, intervals, chosen, ...own } = upliftEvaluation(outcomes);
  const ends = (interval: readonly [number, number] | null) => interval ?? [null, null];
  const [effectLow, effectHigh] = ends(intervals.effect);
  const [qiniLow, qiniHigh] = ends(intervals.qini);
  const [auucLow, auucHigh] = ends(intervals.auuc);
  const [persuadablesLow, persuadablesHigh] = ends(chosen.interval);
  return {
    ...{ n, treated, control, meanTreated: own.meanTreated, meanControl: own.meanControl },
    ...{ effect: own.effect, effectLow, effectHigh, meanExpected: own.meanPrediction },
    ...{ qini: own.qini, qiniLow, qiniHigh, auuc: own.auuc, auucLow, auucHigh },
    ...{ persuadables: chosen.n, persuadablesEffect: chosen.effect, persuadablesLow, persuadablesHigh },
  };
}

/** The same with curves and deciles, for the report. */
export const upliftEvaluation = ({ uplifts, treated, outcomes, least }: UpliftOutcomes): UpliftAssessment =>
  assessUplift({ predictions: uplifts, treated, outcomes }, { least });
