import { auroc, clipLikelihood, f1Of } from './binary.ts';
import { MetricError } from './errors.ts';
import type { Numbers } from './input.ts';

/** Predictions over several classes: row-major probabilities (rows, classes), labels 0 … classes-1. */
export interface MulticlassPredictions {
  labels: Numbers;
  probabilities: Numbers;
  classes: number;
}

/** The most probable class of each row; the lowest of equals. */
export function predictedClasses({
  probabilities,
  classes,
}: Omit<MulticlassPredictions, 'labels'>): Int32Array {
  const predicted = new Int32Array(probabilities.length / classes);
  for (let row = 0; row < predicted.length; row++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (probabilities[row * classes + c]! > probabilities[row * classes + best]!) best = c;
    }
    predicted[row] = best;
  }
  return predicted;
}

/** Share of rows whose most probable class is theirs. */
export function accuracy(predictions: MulticlassPredictions): number {
  check(predictions);
  const predicted = predictedClasses(predictions);
  return (
    predicted.reduce((sum, c, row) => sum + (c === predictions.labels[row] ? 1 : 0), 0) / predicted.length
  );
}

/** Unweighted mean of each class's F1, over the classes that occur as label or prediction; as scikit-learn's. */
export function macroF1(predictions: MulticlassPredictions): number {
  check(predictions);
  const { labels, classes } = predictions;
  const counts = Array.from({ length: classes }, () => ({ hits: 0, wrong: 0, missed: 0 }));
  for (const [row, c] of predictedClasses(predictions).entries()) {
    const label = labels[row]!;
    if (c === label) {
      counts[c]!.hits += 1;
    } else {
      counts[c]!.wrong += 1;
      counts[label]!.missed += 1;
    }
  }
  const seen = counts.filter(({ hits, wrong, missed }) => hits + wrong + missed > 0);
  return seen.reduce((sum, { hits, wrong, missed }) => sum + f1Of(hits, wrong, missed), 0) / seen.length;
}

/**
 * Unweighted mean of the AUROC of each class against the rest (Provost & Domingos 2000; Fawcett 2006, section 10).
 * @returns NaN when a class has no row, or all
 */
export function macroAuroc(predictions: MulticlassPredictions): number {
  check(predictions);
  const { labels, probabilities, classes } = predictions;
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const own = Float64Array.from({ length: labels.length }, (_, row) => probabilities[row * classes + c]!);
    sum += auroc(
      Uint8Array.from({ length: labels.length }, (_, row) => (labels[row] === c ? 1 : 0)),
      own,
    );
  }
  return sum / classes;
}

/** Mean of -ln(probability of the true class), kept 2^-52 away from 0 and 1; as scikit-learn's. */
export function multiclassLogLoss(predictions: MulticlassPredictions): number {
  check(predictions);
  const { labels, probabilities, classes } = predictions;
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    sum -= Math.log(clipLikelihood(probabilities[row * classes + labels[row]!]!));
  }
  return sum / labels.length;
}

function check({ labels, probabilities, classes }: MulticlassPredictions): void {
  if (!Number.isInteger(classes) || classes < 2)
    throw new MetricError(`two or more classes are expected, given ${classes}`);
  if (labels.length === 0 || probabilities.length !== labels.length * classes) {
    throw new MetricError(
      `${classes} probabilities a label are expected, given ${probabilities.length} for ${labels.length} labels`,
    );
  }
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new MetricError(`label ${row} is ${label}; a class from 0 to ${classes - 1} is expected`);
    }
  }
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    if (!(p >= 0 && p <= 1))
      throw new MetricError(`probability ${i} is ${p}; a number from 0 to 1 is expected`);
  }
}
