import { type CustomerHistories, checkHistories } from './histories.ts';
import { climb } from './newton.ts';
import { MeanParetoLikelihood } from './pareto-likelihood.ts';

/** All above 0. alpha and beta are in the unit of the times, the others have none. */
export interface ParetoNbdParameters {
  /** Rates of purchase vary among customers as Gamma(r, alpha): r / alpha per unit of time in the mean. */
  readonly r: number;
  readonly alpha: number;
  /** Rates of leaving for good vary as Gamma(s, beta): s / beta per unit of time in the mean. */
  readonly s: number;
  readonly beta: number;
}

export interface ParetoNbdFit extends ParetoNbdParameters {
  /** Of all customers (nats), weighted; comparable with that of `fitBgNbd` on the same histories. */
  readonly logLikelihood: number;
  readonly iterations: number;
  /** Whether the slope of the mean log-likelihood by each parameter's logarithm came down to 1e-8. */
  readonly converged: boolean;
}

const ITERATIONS = 200;
/** As far as a parameter goes where histories do not hold it: beyond, the curves no longer change. */
const BOUND = Math.log(1e3);

/**
 * The Pareto/NBD model by maximum likelihood (Schmittlein, Morrison, Colombo, "Counting your customers: who are they and what
 * will they do next?", Management Science 1987; the likelihood as in Fader & Hardie 2005, "A note on deriving the Pareto/NBD
 * model and related expressions"). A customer buys at random times of a rate of their own, and leaves for good at a random
 * time of another rate of their own: also without a transaction, unlike in the BG/NBD model. r and s are held within 0.001
 * and 1,000, alpha and beta within a million times the mean time between transactions: histories that show nobody leaving,
 * say, press s / beta towards 0. The same histories give the same bits. An evaluation of the likelihood takes some dozens of
 * exponentials a customer, several times what BG/NBD takes: customers of one history are better given once with their number
 * as weight.
 * @throws CustomerBaseError when a history or weight is not what is expected, or nobody came back
 */
export function fitParetoNbd(histories: CustomerHistories): ParetoNbdFit {
  checkHistories(histories);
  const likelihood = new MeanParetoLikelihood(histories);
  const logInterval = Math.log(likelihood.interval);
  const reach = Float64Array.of(BOUND, 2 * BOUND, BOUND, 2 * BOUND);
  const middle = Float64Array.of(0, logInterval, 0, logInterval);
  const { point, value, iterations, converged } = climb(likelihood, {
    start: middle,
    low: middle.map((each, j) => each - reach[j]!),
    high: middle.map((each, j) => each + reach[j]!),
    tolerance: 1e-8,
    maxIterations: ITERATIONS,
  });
  const [r, alpha, s, beta] = Array.from(point, Math.exp) as [number, number, number, number];
  return { r, alpha, s, beta, logLikelihood: value * likelihood.customers, iterations, converged };
}
