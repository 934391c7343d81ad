import { softplus } from '../host/index.ts';
import type { Loss, LossName } from './loss.ts';
import { gamma, quantile, tweedie } from './losses-of-amounts.ts';
import { meanOf, weightedMean } from './weighted.ts';

export function lossOf(options: {
  readonly loss: LossName;
  readonly classes: number;
  readonly quantile: number;
  readonly variancePower: number;
}): Loss {
  switch (options.loss) {
    case 'logistic':
      return logistic;
    case 'squared':
      return squared;
    case 'softmax':
      return softmax(options.classes);
    case 'quantile':
      return quantile(options.quantile);
    case 'tweedie':
      return tweedie(options.variancePower);
    case 'gamma':
      return gamma;
  }
}

/** Where a class has no row at all its log-odds are those of this share. */
const LEAST_SHARE = 1e-12;

/** Binary cross-entropy of labels 0 and 1 by the logit (Friedman 2001, section 4.5; Chen & Guestrin 2016). */
const logistic: Loss = {
  outputs: 1,
  raw: 'logit',
  labels: 'binary',
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
  raw: 'value',
  labels: 'number',
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
    raw: 'class logits',
    labels: { classes },
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
