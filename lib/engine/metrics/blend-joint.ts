import { CalibrationError } from './errors.ts';
import type { Numbers } from './input.ts';

/**
 * Weights of a blend where the answers of a row hang together: scores of several classes, or one number. As `fitBlend`, none is
 * below zero, and a penalty draws them towards equal ones (Breiman, "Stacked regressions", 1996).
 */

const PASSES = 200;
const CLOSE = 1e-8;
const HALVINGS = 30;

/** A mean loss along the weight of one candidate. */
interface Along {
  /** By that weight, where it stands. */
  readonly gradient: number;
  readonly curvature: number;
  /** With the weight so much higher. */
  loss(step: number): number;
}

/**
 * Weights that minimise the mean log loss of softmax(sum of w_m s_m) plus penalty x the sum of (w_m - 1/M)^2. They need not sum to 1: the
 * inverse of their sum is a temperature (Guo, Pleiss, Sun, Weinberger 2017), so that a single candidate is calibrated, too.
 * @param scores per candidate (rows, classes), row-major, on rows that it was not fitted on
 * @param labels a class from 0 per row
 * @throws CalibrationError without a candidate or a row, and for lengths that differ
 */
export function fitClassBlend(
  scores: readonly Numbers[],
  labels: Numbers,
  classes: number,
  penalty = 0.02,
): number[] {
  check(scores, labels.length * classes);
  return descended(scores, penalty, (blended, own) => alongClasses(blended, own, labels, classes));
}

/**
 * Weights that minimise the mean squared error of the sum of w_m z_m plus penalty x the sum of (w_m - 1/M)^2. Numbers are given less
 * their mean: a sum of weights below 1 draws towards it.
 * @param predictions per candidate one a row, on rows that it was not fitted on
 * @throws CalibrationError without a candidate or a row, and for lengths that differ
 */
export function fitNumberBlend(predictions: readonly Numbers[], truth: Numbers, penalty = 0.02): number[] {
  check(predictions, truth.length);
  return descended(predictions, penalty, (blended, own) => alongNumbers(blended, own, truth));
}

/** Cyclic coordinate descent by Newton steps (Friedman, Hastie, Tibshirani 2010, section 3). */
function descended(
  said: readonly Numbers[],
  penalty: number,
  along: (blended: Float64Array, own: Numbers) => Along,
): number[] {
  const equal = 1 / said.length;
  const weights = said.map(() => equal);
  const blended = new Float64Array(said[0]!.length);
  for (const own of said) for (let i = 0; i < blended.length; i++) blended[i]! += equal * own[i]!;
  for (let pass = 0; pass < PASSES; pass++) {
    let moved = 0;
    said.forEach((own, m) => {
      const before = weights[m]!;
      const { gradient, curvature, loss } = along(blended, own);
      const slope = gradient + 2 * penalty * (before - equal);
      const full = Math.max(0, before - slope / (curvature + 2 * penalty)) - before;
      const cost = (step: number) => loss(step) + penalty * (before + step - equal) ** 2;
      const step = shortened(full, cost);
      weights[m] = before + step;
      for (let i = 0; i < blended.length; i++) blended[i]! += step * own[i]!;
      moved = Math.max(moved, Math.abs(step));
    });
    if (moved < CLOSE) break;
  }
  return weights;
}

/** The step, or a part of it that lowers the objective: far from the least a Newton step may overshoot. */
function shortened(full: number, cost: (step: number) => number): number {
  if (Math.abs(full) <= CLOSE) return 0;
  const before = cost(0);
  for (let halving = 0, step = full; halving < HALVINGS; halving++, step /= 2) {
    if (cost(step) <= before) return step;
  }
  return 0;
}

function alongClasses(blended: Float64Array, own: Numbers, labels: Numbers, classes: number): Along {
  const rows = labels.length;
  let [gradient, curvature] = [0, 1e-12];
  for (let row = 0; row < rows; row++) {
    const from = row * classes;
    const logSum = logSumOf((k) => blended[from + k]!, classes);
    let [mean, square] = [0, 0];
    for (let k = 0; k < classes; k++) {
      const p = Math.exp(blended[from + k]! - logSum);
      mean += p * own[from + k]!;
      square += p * own[from + k]! ** 2;
    }
    gradient += mean - own[from + labels[row]!]!;
    curvature += square - mean ** 2;
  }
  return {
    gradient: gradient / rows,
    curvature: curvature / rows,
    loss(step) {
      let sum = 0;
      for (let row = 0; row < rows; row++) {
        const from = row * classes;
        const score = (k: number) => blended[from + k]! + step * own[from + k]!;
        sum += logSumOf(score, classes) - score(labels[row]!);
      }
      return sum / rows;
    },
  };
}

function alongNumbers(blended: Float64Array, own: Numbers, truth: Numbers): Along {
  const rows = truth.length;
  let [gradient, curvature, loss] = [0, 1e-12, 0];
  for (let i = 0; i < rows; i++) {
    const off = blended[i]! - truth[i]!;
    gradient += (2 * off * own[i]!) / rows;
    curvature += (2 * own[i]! ** 2) / rows;
    loss += off ** 2 / rows;
  }
  return { gradient, curvature, loss: (step) => loss + step * gradient + (step ** 2 * curvature) / 2 };
}

function logSumOf(score: (k: number) => number, classes: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < classes; k++) most = Math.max(most, score(k));
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += Math.exp(score(k) - most);
  return most + Math.log(sum);
}

function check(said: readonly Numbers[], length: number): void {
  if (said.length === 0 || length === 0)
    throw new CalibrationError('a blend needs at least one candidate and one row');
  const wrong = said.findIndex((own) => own.length !== length);
  if (wrong < 0) return;
  throw new CalibrationError(`candidate ${wrong} has ${said[wrong]!.length} numbers, expected ${length}`);
}
