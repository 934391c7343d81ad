import { RobustError } from './errors.ts';
import { logAdd, logBinomials, logErfc, logSubtract } from './log-math.ts';

/** One phase of DP-SGD. */
export interface PrivateSteps {
  /** Chance of an example to be in a batch (Poisson sampling): batch size / examples. */
  samplingRate: number;
  /** Deviation of the noise in units of the clipping norm. */
  noiseMultiplier: number;
  steps: number;
}

export interface PrivacySpent {
  epsilon: number;
  delta: number;
  /** The Rényi order that gave the bound. */
  order: number;
}

export interface AccountantOptions {
  /** Rényi orders to try, each above 1. */
  orders?: readonly number[];
  /**
   * From Rényi to (ε, δ): `improved` is Canonne, Kamath, Steinke 2020 (proposition 12), never above `classic`, Mironov
   * 2017 (proposition 3), which older published figures use.
   */
  conversion?: 'improved' | 'classic';
}

/** Those of the literature's accountants: tenths up to 11, whole numbers to 63, then wider. */
const ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => 1 + (i + 1) / 10),
  ...Array.from({ length: 53 }, (_, i) => 11 + i),
  ...[80, 96, 128, 256, 512, 1024],
];

/**
 * What DP-SGD has spent: epsilon at a given delta, over phases that follow each other. Neighbouring data sets differ by
 * one example added or removed. Exact where the noise is drawn per step and batches are Poisson samples; shuffled
 * batches of fixed size are usually accounted for the same way, which is an approximation.
 * @throws RobustError when a rate, a noise or delta is outside its range
 */
export function privacySpent(
  phases: readonly PrivateSteps[],
  delta: number,
  { orders = ORDERS, conversion = 'improved' }: AccountantOptions = {},
): PrivacySpent {
  if (!(delta > 0 && delta < 1)) throw new RobustError(`delta must lie between 0 and 1, given ${delta}`);
  for (const phase of phases) checkPhase(phase);
  let best: PrivacySpent = { epsilon: Number.POSITIVE_INFINITY, delta, order: orders[0] ?? 2 };
  for (const order of orders) {
    const rdp = phases.reduce(
      (sum, { samplingRate, noiseMultiplier, steps }) =>
        sum + (steps === 0 ? 0 : steps * renyiDivergence(samplingRate, noiseMultiplier, order)),
      0,
    );
    // nothing was done with the data: the conversions' slack does not count
    if (rdp === 0) return { epsilon: 0, delta, order };
    const classic = rdp - Math.log(delta) / (order - 1);
    const epsilon =
      conversion === 'classic'
        ? classic
        : rdp + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);
    if (epsilon < best.epsilon) best = { epsilon: Math.max(0, epsilon), delta, order };
  }
  return best;
}

/**
 * The least noise multiplier that keeps training within epsilon at delta, to three digits, by bisection.
 * @throws RobustError when epsilon is not above 0, or not even a multiplier of 1,000 does
 */
export function noiseFor(
  { samplingRate, steps }: Omit<PrivateSteps, 'noiseMultiplier'>,
  epsilon: number,
  delta: number,
): number {
  if (!(epsilon > 0)) throw new RobustError(`a budget epsilon is above 0, given ${epsilon}`);
  const spent = (noiseMultiplier: number) =>
    privacySpent([{ samplingRate, noiseMultiplier, steps }], delta).epsilon;
  let [low, high] = [0.1, 1];
  while (spent(high) > epsilon) {
    low = high;
    high *= 2;
    if (high > 1000) {
      throw new RobustError(
        `no noise keeps ${steps} steps at rate ${samplingRate} within epsilon ${epsilon} at delta ${delta}: take fewer steps, smaller batches or a larger epsilon`,
      );
    }
  }
  while (high - low > 1e-3 * low) {
    const middle = (low + high) / 2;
    if (spent(middle) > epsilon) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * Rényi divergence of one step of the sampled Gaussian mechanism at an order above 1 (Mironov, Talwar, Zhang 2019:
 * section 3.3, whole orders by the binomial sum of equation 8, others by the two series with erfc).
 */
export function renyiDivergence(samplingRate: number, noiseMultiplier: number, order: number): number {
  if (!(order > 1)) throw new RobustError(`a Rényi order is above 1, given ${order}`);
  if (samplingRate === 0) return 0;
  if (noiseMultiplier === 0) return Number.POSITIVE_INFINITY;
  if (samplingRate === 1) return order / (2 * noiseMultiplier ** 2);
  const logMoment = Number.isInteger(order)
    ? wholeOrder(samplingRate, noiseMultiplier, order)
    : anyOrder(samplingRate, noiseMultiplier, order);
  return logMoment / (order - 1);
}

function wholeOrder(q: number, sigma: number, order: number): number {
  let sum = Number.NEGATIVE_INFINITY;
  let k = 0;
  for (const { log } of logBinomials(order)) {
    const term = log + k * Math.log(q) + (order - k) * Math.log1p(-q) + (k * k - k) / (2 * sigma * sigma);
    sum = logAdd(sum, term);
    k += 1;
    if (k > order) break;
  }
  return sum;
}

/** Terms below e^-30 of the first end the series: they alternate and shrink. */
const NEGLIGIBLE = -30;

function anyOrder(q: number, sigma: number, order: number): number {
  // both parts are sums with the signs of the generalised binomials; kept as logarithms, added with their signs
  let [below, above] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const z = sigma ** 2 * Math.log(1 / q - 1) + 0.5;
  let i = 0;
  for (const { log, sign } of logBinomials(order)) {
    const j = order - i;
    const first = log + i * Math.log(q) + j * Math.log1p(-q);
    const second = log + j * Math.log(q) + i * Math.log1p(-q);
    const low = Math.log(0.5) + logErfc((i - z) / (Math.SQRT2 * sigma));
    const high = Math.log(0.5) + logErfc((z - j) / (Math.SQRT2 * sigma));
    const left = first + (i * i - i) / (2 * sigma * sigma) + low;
    const right = second + (j * j - j) / (2 * sigma * sigma) + high;
    below = sign > 0 ? logAdd(below, left) : logSubtract(below, left);
    above = sign > 0 ? logAdd(above, right) : logSubtract(above, right);
    if (i > order && Math.max(left, right) < NEGLIGIBLE) break;
    i += 1;
  }
  return logAdd(below, above);
}

function checkPhase({ samplingRate, noiseMultiplier, steps }: PrivateSteps): void {
  if (!(samplingRate >= 0 && samplingRate <= 1)) {
    throw new RobustError(
      `a sampling rate lies between 0 and 1 (batch size / examples), given ${samplingRate}`,
    );
  }
  if (!(noiseMultiplier >= 0))
    throw new RobustError(`a noise multiplier is 0 or above, given ${noiseMultiplier}`);
  if (!(Number.isInteger(steps) && steps >= 0))
    throw new RobustError(`steps are a whole number, given ${steps}`);
}
