import { CustomerBaseError } from './errors.ts';
import {
  type CustomerSpends,
  checkSpend,
  checkSpends,
  MeanSpendLikelihood,
} from './gamma-gamma-likelihood.ts';
import { climb } from './newton.ts';

/** All above 0. gamma is in the unit of the money, the others have none. */
export interface GammaGammaParameters {
  /** A customer's transactions vary as Gamma(p, nu). */
  readonly p: number;
  /** nu varies among customers as Gamma(q, gamma): p gamma / (q - 1) a transaction in the mean of customers, if q > 1. */
  readonly q: number;
  readonly gamma: number;
}

export interface GammaGammaFit extends GammaGammaParameters {
  /** Of all customers with a transaction (nats), weighted. Means enter as densities: another currency adds a constant. */
  readonly logLikelihood: number;
  readonly iterations: number;
  /** Whether the slope of the mean log-likelihood by each parameter's logarithm came down to 1e-8. */
  readonly converged: boolean;
}

const ITERATIONS = 200;
const BOUND = Math.log(1e3);
/** At 1 the mean spend of all customers has no value any more. */
const LEAST_Q = 1.01;

/**
 * The Gamma-Gamma model of spend per transaction by maximum likelihood (Fader & Hardie 2013, "The Gamma-Gamma model of monetary
 * value", equation 1a; Fader, Hardie, Lee, "RFM and CLV", Journal of Marketing Research 2005). A customer's transactions vary
 * around a mean of their own, which does not depend on how often they buy. p is held within 0.001 and 1,000, gamma within a
 * million times the mean spend, and q within 1.01 and 1,000, so that the mean over customers exists: means that are all
 * alike, say, press p and q upwards. The same spends give the same bits.
 * @throws CustomerBaseError when a frequency, mean or weight is not what is expected, or nobody has a transaction
 */
export function fitGammaGamma(spends: CustomerSpends): GammaGammaFit {
  checkSpends(spends);
  const likelihood = new MeanSpendLikelihood(spends);
  const { unit, customers } = likelihood;
  const { point, value, iterations, converged } = climb(likelihood, {
    start: Float64Array.of(Math.log(2), Math.log(3), 0),
    low: Float64Array.of(-BOUND, Math.log(LEAST_Q), -2 * BOUND),
    high: Float64Array.of(BOUND, BOUND, 2 * BOUND),
    tolerance: 1e-8,
    maxIterations: ITERATIONS,
  });
  const [p, q, gamma] = Array.from(point, Math.exp) as [number, number, number];
  const logLikelihood = (value - Math.log(unit)) * customers;
  return { p, q, gamma: gamma * unit, logLikelihood, iterations, converged };
}

/**
 * The mean spend to expect of a customer's further transactions: that of all customers and the customer's own, weighted by how
 * much is known (Fader & Hardie 2013, equation 5): p (gamma + x mean) / (p x + q - 1).
 * @param x transactions that `mean` is taken over, a whole number; 0 gives the mean of all customers, p gamma / (q - 1)
 * @param mean the customer's mean spend so far, in the unit of gamma; without a transaction it does not count
 * @returns Infinity where p x + q <= 1: the model has no mean there
 * @throws CustomerBaseError when a number is not what is expected
 */
export function expectedSpend(parameters: GammaGammaParameters, x: number, mean: number): number {
  const { p, q, gamma } = parameters;
  for (const [name, value] of Object.entries({ p, q, gamma })) {
    if (value > 0 && value < Number.POSITIVE_INFINITY) continue;
    throw new CustomerBaseError(`the parameter ${name} is ${value}; a finite number above 0 is expected`);
  }
  checkSpend(x, mean, () => 'the customer');
  const below = p * x + q - 1;
  return below > 0 ? (p * (gamma + (x > 0 ? x * mean : 0))) / below : Number.POSITIVE_INFINITY;
}
