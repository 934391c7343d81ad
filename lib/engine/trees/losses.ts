import { softplus } from '../host/index.ts';
import type { Numbers } from './table.ts';

export type LossName = 'logistic' | 'squared' | 'softmax';

/** What boosting asks of a loss: per row and output a gradient and a hessian of the loss by the raw score. */
export interface Loss {
  /** Raw scores per row: 1, or one per class. */
  readonly outputs: number;
  /** The constant raw scores that fit the labels best. */
  base(labels: Numbers, weights: Numbers | undefined): Float64Array;
  /** 'kernel': by the kernel `logistic`, which reads scores in the space. */
  readonly gradients: GradientRule | 'kernel';
  /** The largest size of a gradient for a weight of 1; undefined when it must be looked for. */
  readonly gradientBound: number | undefined;
  /** The largest hessian for a weight of 1. */
  readonly hessianBound: number;
  /** The mean loss (weighted) over the rows `from` on, for early stopping. */
  mean(labels: Numbers, weights: Numbers | undefined, scores: readonly Float64Array[], from: number): number;
}

/** Writes gradient and hessian of one output for rows, times their weights. */
export type GradientRule = (call: GradientCall) => void;

export interface GradientCall {
  readonly labels: Numbers;
  readonly weights: Numbers | undefined;
  /** Per output, one score per row. */
  readonly scores: readonly Float64Array[];
  readonly output: number;
  readonly rows: Int32Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
}

/** @param classes of softmax */
export function lossOf(name: LossName, classes: number): Loss {
  switch (name) {
    case 'logistic':
      return logistic;
    case 'squared':
      return squared;
    case 'softmax':
      return softmax(classes);
  }
}

/** Where a class has no row at all its log-odds are those of this share. */
const LEAST_SHARE = 1e-12;

/** Binary cross-entropy of labels 0 and 1 by the logit (Friedman 2001, section 4.5; Chen & Guestrin 2016). */
const logistic: Loss = {
  outputs: 1,
  base(labels, weights) {
    const share = Math.min(1 - LEAST_SHARE, Math.max(LEAST_SHARE, meanOf(labels, weights)));
    return Float64Array.of(Math.log(share / (1 - share)));
  },
  gradients: 'kernel',
  gradientBound: 1,
  hessianBound: 0.25,
  mean(labels, weights, [scores], from) {
    return weightedMean(labels.length, weights, (row) => {
      const score = scores![from + row]!;
      return softplus(score) - labels[row]! * score;
    });
  },
};

/** Half the squared difference. */
const squared: Loss = {
  outputs: 1,
  base: (labels, weights) => Float64Array.of(meanOf(labels, weights)),
  gradients({ labels, weights, scores: [scores], rows, gradients, hessians }) {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const weight = weights ? weights[row]! : 1;
      gradients[i] = weight * (scores![row]! - labels[row]!);
      hessians[i] = weight;
    }
  },
  gradientBound: undefined,
  hessianBound: 1,
  mean(labels, weights, [scores], from) {
    return weightedMean(labels.length, weights, (row) => (scores![from + row]! - labels[row]!) ** 2 / 2);
  },
};

/** Cross-entropy over classes 0 … K - 1, with the diagonal of the hessian times K / (K - 1) (Friedman 2001, section 4.6). */
function softmax(classes: number): Loss {
  const factor = classes / (classes - 1);
  const logSum = (scores: readonly Float64Array[], row: number): number => {
    let largest = Number.NEGATIVE_INFINITY;
    for (const one of scores) largest = Math.max(largest, one[row]!);
    let sum = 0;
    for (const one of scores) sum += Math.exp(one[row]! - largest);
    return largest + Math.log(sum);
  };
  return {
    outputs: classes,
    base(labels, weights) {
      const shares = new Float64Array(classes);
      let all = 0;
      for (let row = 0; row < labels.length; row++) {
        const weight = weights ? weights[row]! : 1;
        shares[labels[row]!]! += weight;
        all += weight;
      }
      return shares.map((share) => Math.log(Math.max(LEAST_SHARE, share / all)));
    },
    gradients({ labels, weights, scores, output, rows, gradients, hessians }) {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!;
        const p = Math.exp(scores[output]![row]! - logSum(scores, row));
        const weight = weights ? weights[row]! : 1;
        gradients[i] = weight * (p - (labels[row] === output ? 1 : 0));
        hessians[i] = weight * factor * p * (1 - p);
      }
    },
    gradientBound: 1,
    hessianBound: factor / 4,
    mean(labels, weights, scores, from) {
      return weightedMean(
        labels.length,
        weights,
        (row) => logSum(scores, from + row) - scores[labels[row]!]![from + row]!,
      );
    },
  };
}

function meanOf(labels: Numbers, weights: Numbers | undefined): number {
  return weightedMean(labels.length, weights, (row) => labels[row]!);
}

function weightedMean(rows: number, weights: Numbers | undefined, of: (row: number) => number): number {
  let sum = 0;
  let all = 0;
  for (let row = 0; row < rows; row++) {
    const weight = weights ? weights[row]! : 1;
    sum += weight * of(row);
    all += weight;
  }
  return sum / all;
}
