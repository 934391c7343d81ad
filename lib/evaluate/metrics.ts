import type { BinaryEvaluation, NextEvaluation } from '../report/index.ts';
import {
  auroc,
  averagePrecision,
  brier,
  confusion,
  ece,
  gainTable,
  lift,
  logLoss,
  ndcgAtK,
  prCurve,
  recallAtK,
  reliabilityBins,
  rocCurve,
} from '../train/index.ts';
import type { BinaryOutcomes, ListedOutcomes } from './outcomes.ts';

/** The metrics as `--json` prints them. */
export interface BinaryMetrics {
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
export function binaryMetrics({ labels, probabilities }: BinaryOutcomes): BinaryMetrics {
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

/** Metrics and curves for the report. */
export function binaryEvaluation(outcomes: BinaryOutcomes, asOf: string | undefined): BinaryEvaluation {
  const { labels, probabilities } = outcomes;
  const metrics = binaryMetrics(outcomes);
  const threshold = 0.5;
  const counted = confusion(labels, probabilities, threshold);
  const both = metrics.auroc !== null;
  const roc = both ? rocCurve(labels, probabilities) : { fpr: [], tpr: [] };
  const pr = both ? prCurve(labels, probabilities) : { precision: [], recall: [] };
  return {
    asOf,
    ...metrics,
    f1: labels.length > 0 ? counted.f1 : null,
    confusion: {
      tp: counted.truePositives,
      fp: counted.falsePositives,
      tn: counted.trueNegatives,
      fn: counted.falseNegatives,
      threshold,
    },
    roc: Array.from(roc.fpr, (x, i) => [x, roc.tpr[i]!] as const),
    pr: Array.from(pr.recall, (x, i) => [x, pr.precision[i]!] as const),
    reliability: labels.length > 0 ? reliabilityBins(labels, probabilities, 10) : [],
    deciles: both ? gainTable(labels, probabilities, 10) : [],
  };
}

/** Recall and NDCG at the task's k, means over the users. */
export function listMetrics({ truth, lists, k }: ListedOutcomes): {
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

export function listEvaluation(outcomes: ListedOutcomes, asOf: string | undefined): NextEvaluation {
  const { n, recall, ndcg } = listMetrics(outcomes);
  return { asOf, n, recall, ndcg };
}
