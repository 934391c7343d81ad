import { sigmoid, softplus } from '../host/index.ts';
import { CalibrationError } from './errors.ts';
import type { Numbers } from './input.ts';

export interface BlendOptions {
  /** Weight of the squared distance from equal weights beside the mean log loss; 0.02. */
  readonly penalty?: number;
}

/** Passes over all weights; a handful is enough, as the objective is convex. */
const PASSES = 200;
const CLOSE = 1e-8;

/**
 * Weights of a blend of candidates' logits, none below zero: they minimise the mean log loss of sigmoid(sum of w_k z_k) plus
 * penalty x the sum of (w_k - 1/K)^2, which draws towards the plain mean of K candidates. Stacking (Wolpert 1992) with
 * weights that are held at zero or above (Breiman, "Stacked regressions", 1996); fitted by cyclic coordinate descent with
 * Newton steps (Friedman, Hastie, Tibshirani 2010, section 3). The weights need not sum to 1: a sum above 1 makes
 * probabilities bolder.
 * @param logits per candidate one logit a row, on rows that it was not fitted on
 * @param labels 0 or 1
 * @throws CalibrationError without a candidate or a row, and for lengths that differ or values that are not finite
 */
export function fitBlend(
  logits: readonly Numbers[],
  labels: Numbers,
  { penalty = 0.02 }: BlendOptions = {},
): number[] {
  check(logits, labels);
  const equal = 1 / logits.length;
  const weights = logits.map(() => equal);
  const blended = blendLogits(logits, weights);
  for (let pass = 0; pass < PASSES; pass++) {
    let moved = 0;
    logits.forEach((own, k) => {
      const { gradient, curvature } = slopes(blended, own, labels);
      const before = weights[k]!;
      const g = gradient + 2 * penalty * (before - equal);
      const full = Math.max(0, before - g / (curvature + 2 * penalty)) - before;
      const step = descend(blended, own, labels, full, (w) => penalty * (w - equal) ** 2, before);
      weights[k] = before + step;
      for (let i = 0; i < blended.length; i++) blended[i]! += step * own[i]!;
      moved = Math.max(moved, Math.abs(step));
    });
    if (moved < CLOSE) break;
  }
  return weights;
}

/** The weighted sums, a row each. */
export function blendLogits(logits: readonly Numbers[], weights: readonly number[]): Float64Array {
  const sums = new Float64Array(logits[0]?.length ?? 0);
  logits.forEach((own, k) => {
    for (let i = 0; i < sums.length; i++) sums[i]! += weights[k]! * own[i]!;
  });
  return sums;
}

/** First and second derivative of the mean log loss by the weight of one candidate. */
function slopes(blended: Float64Array, own: Numbers, labels: Numbers) {
  let [gradient, curvature] = [0, 1e-12];
  for (let i = 0; i < blended.length; i++) {
    const p = sigmoid(blended[i]!);
    gradient += (p - labels[i]!) * own[i]!;
    curvature += p * (1 - p) * own[i]! * own[i]!;
  }
  return { gradient: gradient / blended.length, curvature: curvature / blended.length };
}

/** The step, or a part of it that lowers the objective: far from the least a Newton step may overshoot. */
function descend(
  blended: Float64Array,
  own: Numbers,
  labels: Numbers,
  full: number,
  cost: (weight: number) => number,
  from: number,
): number {
  const before = meanLoss(blended, own, labels, 0) + cost(from);
  for (let step = full; Math.abs(step) > CLOSE; step /= 2) {
    if (meanLoss(blended, own, labels, step) + cost(from + step) <= before) return step;
  }
  return 0;
}

function meanLoss(blended: Float64Array, own: Numbers, labels: Numbers, step: number): number {
  let sum = 0;
  for (let i = 0; i < blended.length; i++) {
    const z = blended[i]! + step * own[i]!;
    sum += softplus(z) - labels[i]! * z;
  }
  return sum / blended.length;
}

function check(logits: readonly Numbers[], labels: Numbers): void {
  if (logits.length === 0 || labels.length === 0) {
    throw new CalibrationError('a blend needs at least one candidate and one row');
  }
  logits.forEach((own, k) => {
    if (own.length !== labels.length) {
      throw new CalibrationError(
        `candidate ${k} has ${own.length} logits, expected one for each of ${labels.length} labels`,
      );
    }
    for (let i = 0; i < own.length; i++) {
      if (Number.isFinite(own[i]) && (labels[i] === 0 || labels[i] === 1)) continue;
      throw new CalibrationError(
        `row ${i} of candidate ${k} has logit ${own[i]} and label ${labels[i]}; a finite number and 0 or 1 are expected`,
      );
    }
  });
}
