import { digamma, logGamma, logGammaRatio } from '../host/index.ts';
import { CustomerBaseError } from './errors.ts';
import { type Frequencies, frequenciesOf } from './frequencies.ts';
import { checkWeight, type Numbers } from './histories.ts';

/** What customers spent, one of each a customer; money in one unit, whichever it is. */
export interface CustomerSpends {
  /** Transactions that the mean is taken over: whole numbers. Customers of 0 say nothing, and are left out. */
  readonly frequency: Numbers;
  /** Mean spend per transaction, above 0. */
  readonly mean: Numbers;
  /** Customers that a row stands for, from 0; all 1 if left out. */
  readonly weights?: Numbers | undefined;
}

/** @throws CustomerBaseError when x is no whole number from 0, or the mean of its transactions is not above 0 */
export function checkSpend(x: number, mean: number, who: () => string): void {
  if (!Number.isInteger(x) || x < 0) {
    throw new CustomerBaseError(`${who()} has frequency ${x}; a whole number from 0 is expected`);
  }
  if (x > 0 && !(mean > 0 && mean < Number.POSITIVE_INFINITY)) {
    throw new CustomerBaseError(
      `${who()} has a mean spend of ${mean}; a finite number above 0 is expected: leave out transactions of 0, and ` +
        'take returns off the transaction that they belong to',
    );
  }
}

/** @throws CustomerBaseError when lengths differ, a frequency, mean or weight is none, or nobody has a transaction */
export function checkSpends({ frequency, mean, weights }: CustomerSpends): void {
  const lengths = [frequency.length, mean.length, weights?.length ?? mean.length];
  if (lengths[0] === 0 || lengths.some((length) => length !== lengths[0])) {
    throw new CustomerBaseError(
      'frequency, mean and weights of the same customers are expected, of one at least; ' +
        `given are ${lengths.join(', ')}`,
    );
  }
  let known = 0;
  for (let i = 0; i < mean.length; i++) {
    checkSpend(frequency[i]!, mean[i]!, () => `customer ${i}`);
    checkWeight(weights ? weights[i]! : 1, i);
    if (frequency[i]! > 0) known += weights ? weights[i]! : 1;
  }
  if (known === 0) {
    throw new CustomerBaseError(
      `none of ${mean.length} customers has a transaction and a weight above 0; without one there is no spend to learn from`,
    );
  }
}

/** The log-likelihood of Gamma-Gamma per customer with a transaction, at the logarithms of p, q and gamma / unit. */
export class MeanSpendLikelihood {
  /** Sum of weights of customers with a transaction. */
  readonly customers: number;
  /** The mean spend over their transactions. */
  readonly unit: number;
  readonly #spends: CustomerSpends;
  readonly #frequencies: Frequencies;

  constructor(spends: CustomerSpends) {
    const { frequency, mean, weights } = spends;
    this.#spends = spends;
    this.#frequencies = frequenciesOf(frequency);
    let [customers, transactions, money] = [0, 0, 0];
    for (let i = 0; i < mean.length; i++) {
      const x = frequency[i]!;
      if (x === 0) continue;
      const weight = weights ? weights[i]! : 1;
      customers += weight;
      transactions += weight * x;
      money += weight * x * mean[i]!;
    }
    this.customers = customers;
    this.unit = money / transactions;
  }

  /** Writes the gradient, and returns the value (of densities by the unit). */
  evaluate(point: Float64Array, gradient: Float64Array): number {
    const { mean, weights } = this.#spends;
    const { counts, kind } = this.#frequencies;
    const [p, q, gamma] = Array.from(point, Math.exp) as [number, number, number];
    // of those without a transaction nothing is asked
    const logRatios = Float64Array.from(counts, (x) => (x > 0 ? logGammaRatio(p * x, q) : 0));
    const slopes = Float64Array.from(counts, (x) => (x > 0 ? digamma(p * x + q) : 0));
    const slopesAtPx = Float64Array.from(counts, (x) => (x > 0 ? digamma(p * x) : 0));
    const [logGammaQ, slopeAtQ] = [logGamma(q), digamma(q)];
    let [value, dp, dq, dGamma] = [0, 0, 0, 0];
    for (let i = 0; i < mean.length; i++) {
      const x = counts[kind[i]!]!;
      const weight = weights ? weights[i]! : 1;
      if (x === 0 || weight === 0) continue;
      const own = mean[i]! / this.unit;
      const money = x * own;
      // ln(x mean / (gamma + x mean)) and ln(gamma / (gamma + x mean)), neither as a difference of large numbers
      const [ofOwn, ofOthers] = [-Math.log1p(gamma / money), -Math.log1p(money / gamma)];
      value += weight * (logRatios[kind[i]!]! - logGammaQ - Math.log(own) + p * x * ofOwn + q * ofOthers);
      dp += weight * x * (slopes[kind[i]!]! - slopesAtPx[kind[i]!]! + ofOwn);
      dq += weight * (slopes[kind[i]!]! - slopeAtQ + ofOthers);
      dGamma += (weight * (q * money - p * x * gamma)) / (gamma + money);
    }
    gradient[0] = (dp * p) / this.customers;
    gradient[1] = (dq * q) / this.customers;
    gradient[2] = dGamma / this.customers;
    return value / this.customers;
  }
}
