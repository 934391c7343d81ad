import type { Rng } from '../host/index.ts';
import { MetricError } from './errors.ts';

interface Resampling {
  /** Users; a resample draws as many, with replacement. */
  n: number;
  /** 1,000 */
  samples?: number;
  rng: Rng;
  /** Share of resamples inside the interval; 0.95. */
  level?: number;
}

export interface Bootstrap extends Resampling {
  /** Measures on the users of these numbers (a user may be drawn several times), always in one order. */
  measures: (users: Int32Array) => readonly number[];
}

/** A measure with its percentile interval. */
export interface BootstrapInterval {
  /** On all users. */
  value: number;
  /** NaN, as `high` and `standardError`, where no resample counted. */
  low: number;
  high: number;
  standardError: number;
  /** Share of resamples in which it is above zero, ties counting one half. */
  shareAbove: number;
  /** Resamples that counted: one on which a measure is undefined (a single class) does not. */
  samples: number;
}

export interface PairedBootstrap extends Resampling {
  /** The metric of one model on the users of these numbers (a user may be drawn several times). */
  metricA: (users: Int32Array) => number;
  /** The other model's, on the very same users. */
  metricB: (users: Int32Array) => number;
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
 * How far could measures be off by the luck of these users? Resamples users and takes percentile intervals (Efron &
 * Tibshirani, "An introduction to the bootstrap", 1993, chapter 13). The same generator gives the same intervals.
 */
export function bootstrap(options: Bootstrap): BootstrapInterval[] {
  const { n, measures, samples = 1000, rng, level = 0.95 } = options;
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
  const values = measures(Int32Array.from({ length: n }, (_, i) => i));
  const users = new Int32Array(n);
  const drawn: number[][] = values.map(() => []);
  for (let sample = 0; sample < samples; sample++) {
    for (let i = 0; i < n; i++) users[i] = rng.integer(n);
    measures(users).forEach((value, m) => {
      if (Number.isFinite(value)) drawn[m]!.push(value);
    });
  }
  return values.map((value, m) => ({ value, ...summarise(drawn[m]!, level) }));
}

function summarise(drawn: number[], level: number): Omit<BootstrapInterval, 'value'> {
  drawn.sort((a, b) => a - b);
  const count = drawn.length;
  const mean = drawn.reduce((sum, value) => sum + value, 0) / count;
  const squares = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    low: count > 0 ? quantile(drawn, (1 - level) / 2) : Number.NaN,
    high: count > 0 ? quantile(drawn, (1 + level) / 2) : Number.NaN,
    standardError: count > 0 ? Math.sqrt(squares / Math.max(1, count - 1)) : Number.NaN,
    shareAbove: drawn.reduce((sum, value) => sum + (value > 0 ? 1 : value === 0 ? 0.5 : 0), 0) / count,
    samples: count,
  };
}

/**
 * Is model A better than model B, or is it the luck of these users? The models are measured on the same resamples, and
 * the interval is that of their difference.
 * @throws MetricError when no resample has a defined difference
 */
export function pairedBootstrap(options: PairedBootstrap): BootstrapDifference {
  const { metricA, metricB, ...resampling } = options;
  const [result] = bootstrap({ ...resampling, measures: (users) => [metricA(users) - metricB(users)] });
  const { value, ...interval } = result!;
  if (interval.samples === 0) {
    const { n, samples = 1000 } = options;
    throw new MetricError(`the metric is undefined on all of ${samples} resamples of ${n} users`);
  }
  return { difference: value, ...interval };
}

/** Linear between the order statistics (Hyndman & Fan 1996, definition 7). */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}
