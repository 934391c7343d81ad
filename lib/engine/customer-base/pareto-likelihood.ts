import { digamma, logGammaRatio } from '../host/index.ts';
import { type Frequencies, frequenciesOf, pace } from './frequencies.ts';
import type { CustomerHistories } from './histories.ts';
import { logPowerIntegral } from './power-integral.ts';

/** The log-likelihood of Pareto/NBD per customer, at the logarithms of r, alpha, s and beta. */
export class MeanParetoLikelihood {
  /** Sum of weights. */
  readonly customers: number;
  /** Mean time between transactions. */
  readonly interval: number;
  readonly #histories: CustomerHistories;
  readonly #frequencies: Frequencies;

  constructor(histories: CustomerHistories) {
    const { frequency, age, weights } = histories;
    this.#histories = histories;
    this.#frequencies = frequenciesOf(frequency);
    ({ customers: this.customers, interval: this.interval } = pace(frequency, age, weights));
  }

  /**
   * Writes the gradient, and returns the value. A customer's likelihood is Gamma(r + x) alpha^r beta^s / Gamma(r) times the sum
   * of two terms: alive at T, (alpha + T)^-(r + x) (beta + T)^-s, and gone at some t in [tx, T], s times the integral of
   * (alpha + t)^-(r + x) (beta + t)^-(s + 1): the paper's s / (r + s + x) A0. All is taken relative to tx, and that to 0:
   * powers of alpha + t and beta + t by themselves leave no digits where r or s is large.
   */
  evaluate(point: Float64Array, gradient: Float64Array): number {
    const { recency, age, weights } = this.#histories;
    const { counts, kind } = this.#frequencies;
    const [r, alpha, s, beta] = Array.from(point, Math.exp) as [number, number, number, number];
    const logRatios = Float64Array.from(counts, (x) => logGammaRatio(r, x));
    const slopes = Float64Array.from(counts, (x) => digamma(r + x) - digamma(r));
    const means = { logFirst: 0, inverseFirst: 0, logSecond: 0, inverseSecond: 0 };
    let [value, dr, dAlpha, ds, dBeta] = [0, 0, 0, 0, 0];
    for (let i = 0; i < age.length; i++) {
      const weight = weights ? weights[i]! : 1;
      if (weight === 0) continue;
      const x = counts[kind[i]!]!;
      const [tx, since] = [recency[i]!, age[i]! - recency[i]!];
      const last = { first: alpha + tx, k: r + x, second: beta + tx, l: s + 1 };
      const [buyingAtLast, leavingAtLast] = [Math.log1p(tx / alpha), Math.log1p(tx / beta)];
      const [buyingSince, leavingSince] = [Math.log1p(since / last.first), Math.log1p(since / last.second)];
      const logAlive = -(r + x) * buyingSince - s * leavingSince;
      // -Infinity where nothing is between the last transaction and now; the means do not count then
      const logGone = Math.log(s / last.second) + logPowerIntegral(last, since, means);
      const odds = logGone - logAlive;
      const e = Math.exp(-Math.abs(odds));
      const gone = (odds >= 0 ? 1 : e) / (1 + e);
      const alive = 1 - gone;
      const atLast = logRatios[kind[i]!]! - r * buyingAtLast - s * leavingAtLast - x * Math.log(last.first);
      value += weight * (atLast + Math.max(logAlive, logGone) + Math.log1p(e));
      dr += weight * (slopes[kind[i]!]! - buyingAtLast - alive * buyingSince - gone * means.logFirst);
      dAlpha += weight * (r / alpha - (r + x) * (alive / (alpha + age[i]!) + gone * means.inverseFirst));
      ds += weight * (gone * (1 / s - means.logSecond) - leavingAtLast - alive * leavingSince);
      dBeta += weight * (s / beta - (alive * s) / (beta + age[i]!) - gone * (s + 1) * means.inverseSecond);
    }
    gradient[0] = (dr * r) / this.customers;
    gradient[1] = (dAlpha * alpha) / this.customers;
    gradient[2] = (ds * s) / this.customers;
    gradient[3] = (dBeta * beta) / this.customers;
    return value / this.customers;
  }
}
