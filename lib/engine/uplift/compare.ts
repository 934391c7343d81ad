import { normalTails, reach, studentTails } from './distributions.ts';
import { UpliftError } from './errors.ts';

/** An estimate and its interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A treated group against a control group. */
export interface Comparison {
  /** Of the treated and of the control group: the share, or the mean. */
  readonly treated: number;
  readonly control: number;
  /** treated - control. */
  readonly difference: Estimate;
  /** treated / control; null where one of them is not above zero, so that no ratio has an interval. */
  readonly ratio: Estimate | null;
  /** Of the two-sided test that there is no difference. */
  readonly pValue: number;
}

/** How many of a group's users did it. */
export interface Count {
  readonly users: number;
  readonly done: number;
}

/**
 * Compares two shares. The difference has Newcombe's hybrid interval of two score intervals (Newcombe 1998, "Interval
 * estimation for the difference between independent proportions", Statistics in Medicine 17, method 10), the ratio that of
 * its logarithm (Katz et al. 1978), and the p-value is that of the pooled z test (chi-square without correction).
 * @throws UpliftError for an empty group, or counts that are none
 */
export function compareProportions(treated: Count, control: Count, level = 0.95): Comparison {
  checkCount(treated, 'treated');
  checkCount(control, 'control');
  const z = reach(level);
  const [p, q] = [treated.done / treated.users, control.done / control.users];
  const [own, other] = [wilson(treated, z), wilson(control, z)];
  const value = p - q;
  const pooled = (treated.done + control.done) / (treated.users + control.users);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / treated.users + 1 / control.users));
  return {
    treated: p,
    control: q,
    difference: {
      value,
      low: value - Math.hypot(p - own.low, other.high - q),
      high: value + Math.hypot(own.high - p, q - other.low),
    },
    ratio: ratioOf(p, q, z, (1 - p) / treated.done + (1 - q) / control.done),
    pValue: error > 0 ? normalTails(value / error) : 1,
  };
}

/**
 * The score interval of a share (Wilson 1927).
 * @throws UpliftError for an empty group, or counts that are none
 */
export function shareInterval(count: Count, level = 0.95): { low: number; high: number } {
  checkCount(count, 'measured');
  return wilson(count, reach(level));
}

function wilson({ users, done }: Count, z: number): { low: number; high: number } {
  const p = done / users;
  const middle = p + (z * z) / (2 * users);
  const half = z * Math.sqrt((p * (1 - p)) / users + (z * z) / (4 * users * users));
  const scale = 1 + (z * z) / users;
  return { low: Math.max(0, (middle - half) / scale), high: Math.min(1, (middle + half) / scale) };
}

function checkCount({ users, done }: Count, group: string): void {
  if (Number.isInteger(users) && Number.isInteger(done) && users > 0 && done >= 0 && done <= users) return;
  throw new UpliftError(
    `the ${group} group has ${done} of ${users} users; whole numbers are expected, at least one user and no more than all of them`,
  );
}

/** By the logarithm of the ratio. @param variance of that logarithm */
function ratioOf(treated: number, control: number, z: number, variance: number): Estimate | null {
  if (!(treated > 0 && control > 0)) return null;
  const value = treated / control;
  const factor = Math.exp(z * Math.sqrt(variance));
  return { value, low: value / factor, high: value * factor };
}

/** A comparison of means, and what its test rests on. */
export interface MeanComparison extends Comparison {
  /** Of the difference. */
  readonly standardError: number;
  /** Of Student's distribution, by Welch and Satterthwaite. */
  readonly degreesOfFreedom: number;
  /**
   * Of the difference of the means: 0 where it is symmetric. The farther it is off, the less the interval holds; of a mean, rule 7
   * of Kohavi, Deng, Longbotham & Xu 2014 ("Seven rules of thumb for web site experimenters") allows 1 / √355.
   */
  readonly skewness: number;
}

/** Numbers by index: an array or a typed array. */
export type Numbers = ArrayLike<number>;

/**
 * Compares two means without taking their variances for equal (Welch 1947, "The generalization of 'Student's' problem when
 * several different population variances are involved", Biometrika 34). The ratio's interval is that of its logarithm, by the
 * delta method.
 * @throws UpliftError for a group of less than two rows, or a value that is no finite number
 */
export function compareMeans(treated: Numbers, control: Numbers, level = 0.95): MeanComparison {
  const [a, b] = [momentsOf(treated, 'treated'), momentsOf(control, 'control')];
  const [va, vb] = [a.variance / a.rows, b.variance / b.rows];
  const standardError = Math.sqrt(va + vb);
  const degreesOfFreedom =
    standardError > 0
      ? (va + vb) ** 2 / (va ** 2 / (a.rows - 1) + vb ** 2 / (b.rows - 1))
      : a.rows + b.rows - 2;
  const width = reach(level, degreesOfFreedom);
  const value = a.mean - b.mean;
  const constant = value === 0 ? 1 : 0;
  return {
    treated: a.mean,
    control: b.mean,
    difference: { value, low: value - width * standardError, high: value + width * standardError },
    ratio: ratioOf(a.mean, b.mean, width, va / a.mean ** 2 + vb / b.mean ** 2),
    pValue: standardError > 0 ? studentTails(value / standardError, degreesOfFreedom) : constant,
    standardError,
    degreesOfFreedom,
    // Third central moments add up, those of what is taken off with a minus.
    skewness: standardError > 0 ? (a.third / a.rows ** 2 - b.third / b.rows ** 2) / standardError ** 3 : 0,
  };
}

interface Moments {
  readonly rows: number;
  readonly mean: number;
  /** With rows - 1. */
  readonly variance: number;
  /** The third central moment. */
  readonly third: number;
}

function momentsOf(values: Numbers, group: string): Moments {
  const rows = values.length;
  if (rows < 2) throw new UpliftError(`the ${group} group has ${rows} rows; at least two are expected`);
  let mean = 0;
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(values[i]))
      throw new UpliftError(`value ${i} of the ${group} group is ${values[i]}; a finite number is expected`);
    mean += values[i]! / rows;
  }
  let [squares, cubes] = [0, 0];
  for (let i = 0; i < rows; i++) {
    const off = values[i]! - mean;
    squares += off ** 2;
    cubes += off ** 3;
  }
  return { rows, mean, variance: squares / (rows - 1), third: cubes / rows };
}
