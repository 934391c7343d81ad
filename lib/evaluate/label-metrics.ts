import {
  assessClasses,
  assessLabels,
  assessNumbers,
  type ClassAssessment,
  type LabelsAssessment,
  type NumbersAssessment,
} from '../engine/metrics/index.ts';
import type { ClassOutcomes, NumberOutcomes } from '../models/index.ts';

/** What the classes, labels and numbers of a labelled table were worth; docs/metrics.md has the formulas. */

export const numberAssessment = ({ truth, numbers, low, high, usual }: NumberOutcomes): NumbersAssessment =>
  assessNumbers({ truth, predictions: numbers, low, high, usual });

export const classAssessment = ({ classes, truth, probabilities, shares }: ClassOutcomes): ClassAssessment =>
  assessClasses({ classes, truth: truth.map(([one]) => one!), probabilities, shares });

/** Labels that no training row has count for nobody: there is no output that could tell them. */
export function labelAssessment({ classes, truth, probabilities, shares }: ClassOutcomes): LabelsAssessment {
  const own = new Uint8Array(probabilities.length);
  truth.forEach((labels, row) => {
    classes.forEach((label, k) => {
      own[row * classes.length + k] = Number(labels.includes(label));
    });
  });
  return assessLabels({ labels: classes, truth: own, probabilities, shares });
}

/** The metrics as `--json` prints them. */
export function numberMetrics(outcomes: NumberOutcomes) {
  const { n, meanTruth, meanPrediction, mae, rmse, r2, spearman, coverage, width, baseline } =
    numberAssessment(outcomes);
  return {
    ...{ n, mean: meanTruth, meanExpected: meanPrediction, mae, rmse, r2, spearman },
    ...{ coverage80: coverage, intervalWidth: width },
    ...{ baselineMae: baseline.mae, baselineRmse: baseline.rmse },
  };
}

export function classMetrics(outcomes: ClassOutcomes) {
  const { n, unknown, accuracy, top3, macroF1, logLoss, baseline } = classAssessment(outcomes);
  return {
    ...{ n, unknown, accuracy, top3, macroF1, logLoss },
    ...{ baselineAccuracy: baseline.accuracy, baselineLogLoss: baseline.logLoss },
  };
}

export function labelMetrics(outcomes: ClassOutcomes) {
  const { n, meanTruth, meanTold, microF1, macroF1, auroc, exact, logLoss, baseline } =
    labelAssessment(outcomes);
  return {
    ...{ n, labelsPerRow: meanTruth, toldPerRow: meanTold, microF1, macroF1, auroc, exact, logLoss },
    baselineLogLoss: baseline.logLoss,
  };
}
