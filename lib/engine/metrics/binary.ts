import { MetricError } from './errors.ts';
import { checkBinary, checkProbabilities, countPositives, groupsByScore, type Numbers } from './input.ts';

/**
 * Area under the ROC curve: the share of (positive, negative) pairs whose positive has the higher score, ties counting
 * one half (Hanley & McNeil 1982; Fawcett, "An introduction to ROC analysis", 2006, section 8). Equals scikit-learn's.
 * @returns NaN when there is only one class: no pair exists
 */
export function auroc(labels: Numbers, scores: Numbers): number {
  checkBinary(labels, scores);
  const positives = countPositives(labels);
  const negatives = labels.length - positives;
  let won = 0;
  let above = 0;
  for (const group of groupsByScore(labels, scores)) {
    const below = group.rows - group.positives;
    won += below * (above + group.positives / 2);
    above += group.positives;
  }
  return won / (positives * negatives);
}

/**
 * Average precision: sum over distinct scores, from the highest, of (recall gained) x (precision there). No
 * interpolation, which flatters (Davis & Goadrich, "The relationship between precision-recall and ROC curves", 2006).
 * Equals scikit-learn's average_precision_score. Called AUPR in reports.
 * @returns NaN when there is no positive
 */
export function averagePrecision(labels: Numbers, scores: Numbers): number {
  checkBinary(labels, scores);
  const positives = countPositives(labels);
  let sum = 0;
  let rows = 0;
  let found = 0;
  for (const group of groupsByScore(labels, scores)) {
    rows += group.rows;
    found += group.positives;
    sum += group.positives * (found / rows);
  }
  return sum / positives;
}

/**
 * Mean negative log-likelihood in nats, -mean(y ln p + (1-y) ln(1-p)), with probabilities kept at least 2^-52 away
 * from 0 and 1, as scikit-learn does for float64 (Good, "Rational decisions", 1952).
 */
export function logLoss(labels: Numbers, probabilities: Numbers): number {
  checkProbabilities(labels, probabilities);
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = probabilities[i]!;
    sum -= Math.log(clipLikelihood(labels[i] === 1 ? p : 1 - p));
  }
  return sum / labels.length;
}

/** A likelihood away from 0 and 1 by the spacing of float64 at 1. */
export function clipLikelihood(p: number): number {
  return Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, p));
}

/** Mean squared difference of probability and outcome (Brier 1950). */
export function brier(labels: Numbers, probabilities: Numbers): number {
  checkProbabilities(labels, probabilities);
  let sum = 0;
  for (let i = 0; i < labels.length; i++) sum += (probabilities[i]! - labels[i]!) ** 2;
  return sum / labels.length;
}

export interface Confusion {
  truePositives: number;
  falsePositives: number;
  trueNegatives: number;
  falseNegatives: number;
  /** TP / (TP + FP); 0 when nothing is predicted positive. */
  precision: number;
  /** TP / (TP + FN); 0 when nothing is positive. */
  recall: number;
  /** 2 TP / (2 TP + FP + FN), the harmonic mean of both (van Rijsbergen 1979); 0 when there is nothing to find. */
  f1: number;
  /** (TP + TN) / n. */
  accuracy: number;
}

/** Counts at a threshold: a score from it upwards is predicted positive. Undefined ratios are 0, as in scikit-learn. */
export function confusion(labels: Numbers, scores: Numbers, threshold = 0.5): Confusion {
  checkBinary(labels, scores);
  let truePositives = 0;
  let falsePositives = 0;
  for (let i = 0; i < labels.length; i++) {
    if (scores[i]! < threshold) continue;
    if (labels[i] === 1) truePositives += 1;
    else falsePositives += 1;
  }
  const falseNegatives = countPositives(labels) - truePositives;
  const trueNegatives = labels.length - truePositives - falsePositives - falseNegatives;
  return {
    truePositives,
    falsePositives,
    trueNegatives,
    falseNegatives,
    precision: ratio(truePositives, truePositives + falsePositives),
    recall: ratio(truePositives, truePositives + falseNegatives),
    f1: f1Of(truePositives, falsePositives, falseNegatives),
    accuracy: (truePositives + trueNegatives) / labels.length,
  };
}

/** F1 of counts; 0 when there is nothing to find and nothing found. */
export function f1Of(truePositives: number, falsePositives: number, falseNegatives: number): number {
  return ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives);
}

/** Precision, recall and F1 of counts. A precision of nothing predicted, and a recall of nothing there, are null. */
export const ratesOf = (hits: number, predicted: number, support: number) => ({
  precision: predicted === 0 ? null : hits / predicted,
  recall: support === 0 ? null : hits / support,
  f1: f1Of(hits, predicted - hits, support - hits),
});

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/**
 * Lift: precision among the ceil(share x n) highest scores over the base rate (Ling & Li, "Data mining for direct
 * marketing", 1998). Rows tied at the edge are shared: each counts with the probability of being drawn inside.
 * `lift10` in reports is the share 0.1.
 * @returns NaN when there is no positive
 */
export function lift(labels: Numbers, scores: Numbers, share = 0.1): number {
  checkBinary(labels, scores);
  if (!(share > 0 && share <= 1)) throw new MetricError(`the share of a lift lies in (0, 1], given ${share}`);
  const n = labels.length;
  const top = Math.ceil(share * n);
  const [inside] = expectedPositives(labels, scores, [top]);
  return inside! / top / (countPositives(labels) / n);
}

/** Expected positives among the k highest scores for each k (ascending), ties being broken by chance. */
export function expectedPositives(labels: Numbers, scores: Numbers, counts: readonly number[]): number[] {
  const found: number[] = [];
  let rows = 0;
  let positives = 0;
  for (const group of groupsByScore(labels, scores)) {
    while (found.length < counts.length && counts[found.length]! <= rows + group.rows) {
      found.push(positives + (group.positives * (counts[found.length]! - rows)) / group.rows);
    }
    rows += group.rows;
    positives += group.positives;
  }
  return found;
}
