import { TreeError } from './errors.ts';
import type { Loss } from './loss.ts';
import { meanOf, weightedMean, weightedQuantile } from './weighted.ts';

/**
 * The pinball loss of a quantile (Koenker & Bassett 1978), as LightGBM's `quantile`: its second derivative is 0, so trees grow
 * by gradients alone with a hessian of 1, and a leaf adds the quantile of its rows' residuals.
 * @param level between 0 and 1
 */
export function quantile(level: number): Loss {
  return {
    outputs: 1,
    raw: 'value',
    labels: 'number',
    base: (labels, weights) => Float64Array.of(weightedQuantile(labels, weights, level)),
    gradients({ labels, weights, scores: [scores], rows, gradients, hessians }) {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!;
        const weight = weights ? weights[row]! : 1;
        gradients[i] = weight * (scores![row]! >= labels[row]! ? 1 - level : -level);
        hessians[i] = weight;
      }
    },
    gradientBound: 1,
    hessianBound: 1,
    leaf({ labels, weights, scores, rows }) {
      const residuals = Float64Array.from(rows, (row) => labels[row]! - scores[row]!);
      return weightedQuantile(residuals, weights && Float64Array.from(rows, (row) => weights[row]!), level);
    },
    mean(labels, weights, [scores], from) {
      return weightedMean(labels.length, weights, (row) => {
        const above = labels[row]! - scores![from + row]!;
        return above >= 0 ? level * above : (level - 1) * above;
      });
    },
  };
}

/**
 * The Tweedie loss of the logarithm of a mean, for amounts of which many are 0: half the deviance of a variance that rises with
 * mean^power, without what the labels alone decide (Jørgensen 1997; as LightGBM's `tweedie`):
 * -y e^((1 - power) s) / (1 - power) + e^((2 - power) s) / (2 - power).
 * @param power between 1 (Poisson) and 2 (gamma)
 */
export function tweedie(power: number): Loss {
  return {
    ...logLink(power, 'not negative'),
    mean(labels, weights, [scores], from) {
      return weightedMean(labels.length, weights, (row) => {
        const score = scores![from + row]!;
        const ofLabel = (labels[row]! * Math.exp((1 - power) * score)) / (1 - power);
        return Math.exp((2 - power) * score) / (2 - power) - ofLabel;
      });
    },
  };
}

/** The limit of Tweedie's at a power of 2, for amounts above 0: y e^-s + s, as LightGBM's `gamma`. */
export const gamma: Loss = {
  ...logLink(2, 'positive'),
  mean(labels, weights, [scores], from) {
    return weightedMean(labels.length, weights, (row) => {
      const score = scores![from + row]!;
      return labels[row]! * Math.exp(-score) + score;
    });
  },
};

function logLink(power: number, labelKind: 'not negative' | 'positive'): Omit<Loss, 'mean'> {
  return {
    outputs: 1,
    raw: 'log value',
    labels: labelKind,
    base(labels, weights) {
      const mean = meanOf(labels, weights);
      if (mean > 0) return Float64Array.of(Math.log(mean));
      throw new TreeError(
        'all labels of the table (that have a weight) are 0; one above 0 is expected at least, as the mean has no logarithm else',
      );
    },
    gradients({ labels, weights, scores: [scores], rows, gradients, hessians }) {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!;
        const weight = weights ? weights[row]! : 1;
        const ofLabel = labels[row]! * Math.exp((1 - power) * scores![row]!);
        const ofMean = Math.exp((2 - power) * scores![row]!);
        gradients[i] = weight * (ofMean - ofLabel);
        hessians[i] = weight * ((2 - power) * ofMean + (power - 1) * ofLabel);
      }
    },
    gradientBound: undefined,
    hessianBound: undefined,
  };
}
