import { MetricError } from './errors.ts';
import type { Rng } from './rng.ts';

export interface PairedBootstrap {
  /** Users; a resample draws as many, with replacement. */
  n: number;
  /** The metric of one model on the users of these numbers (a user may be drawn several times). */
  metricA: (users: Int32Array) => number;
  /** The other model's, on the very same users. */
  metricB: (users: Int32Array) => number;
  /** 1,000 */
  samples?: number;
  rng: Rng;
  /** Share of resamples inside the interval; 0.95. */
  level?: number;
}

export interface BootstrapDifference {
  /** metricA - metricB on all users. */
  difference: number;
  /** Percentile interval of the difference. */
  low: number;
  high: number;
  standardError: number;
  /** Share of resamples in which A is above B, ties counting one half. */
  shareAbove: number;
  /** Resamples that counted: one on which a metric is undefined (a single class) does not. */
  samples: number;
}

/**
 * Is model A better than model B, or is it the luck of these users? Resamples users, keeps the models paired, and
 * takes the percentile interval of the difference (Efron & Tibshirani, "An introduction to the bootstrap", 1993,
 * chapter 13). The same generator gives the same interval.
 * @throws MetricError when no resample has a defined difference
 */
export function pairedBootstrap(options: PairedBootstrap): BootstrapDifference {
  const { n, metricA, metricB, samples = 1000, rng, level = 0.95 } = options;
  if (
    !Number.isInteger(n) ||
    n < 1 ||
    !Number.isInteger(samples) ||
    samples < 1 ||
    !(level > 0 && level < 1)
  ) {
    throw new MetricError(
      `users and samples from 1 and a level in (0, 1) are expected, given ${n}, ${samples}, ${level}`,
    );
  }
  const everyone = Int32Array.from({ length: n }, (_, i) => i);
  const users = new Int32Array(n);
  const differences: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    for (let i = 0; i < n; i++) users[i] = rng.integer(n);
    const difference = metricA(users) - metricB(users);
    if (Number.isFinite(difference)) differences.push(difference);
  }
  if (differences.length === 0)
    throw new MetricError(`the metric is undefined on all of ${samples} resamples of ${n} users`);
  differences.sort((a, b) => a - b);
  const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
  const squares = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    difference: metricA(everyone) - metricB(everyone),
    low: quantile(differences, (1 - level) / 2),
    high: quantile(differences, (1 + level) / 2),
    standardError: Math.sqrt(squares / Math.max(1, differences.length - 1)),
    shareAbove:
      differences.reduce((sum, value) => sum + (value > 0 ? 1 : value === 0 ? 0.5 : 0), 0) /
      differences.length,
    samples: differences.length,
  };
}

/** Linear between the order statistics (Hyndman & Fan 1996, definition 7). */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}
