import { type CustomerHistories, checkHistories } from './histories.ts';
import { MeanLikelihood } from './likelihood.ts';
import { climb } from './newton.ts';

/** All above 0. alpha is in the unit of the times, the others have none. */
export interface BgNbdParameters {
  /** Rates of purchase vary among customers as Gamma(r, alpha): r / alpha per unit of time in the mean. */
  readonly r: number;
  readonly alpha: number;
  /** Chances to leave after a purchase vary as Beta(a, b): a / (a + b) in the mean. */
  readonly a: number;
  readonly b: number;
}

export interface BgNbdFit extends BgNbdParameters {
  /** Of all customers (nats), weighted. Times enter as densities: another unit adds a constant. */
  readonly logLikelihood: number;
  readonly iterations: number;
  /** Whether the slope of the mean log-likelihood by each parameter's logarithm came down to 1e-8. */
  readonly converged: boolean;
}

const ITERATIONS = 200;
/** As far as a parameter goes where histories do not hold it: beyond, the curves no longer change. */
const BOUND = Math.log(1e4);

/**
 * The BG/NBD model by maximum likelihood (Fader, Hardie, Lee, "Counting your customers the easy way: an alternative to the
 * Pareto/NBD model", Marketing Science 2005, equation 6). A customer buys at random times of a rate of their own and, after
 * each repeat purchase, leaves for good with a chance of their own. r, a and b are held within 0.0001 and 10,000, alpha
 * likewise within a million times the mean time between transactions: histories that show nobody leaving, say, press a / b
 * towards 0. The same histories give the same bits.
 * @throws CustomerBaseError when a history or weight is not what is expected, or nobody came back
 */
export function fitBgNbd(histories: CustomerHistories): BgNbdFit {
  checkHistories(histories);
  const likelihood = new MeanLikelihood(histories);
  const { interval } = likelihood;
  const start = Float64Array.of(0, Math.log(interval), Math.log(0.5), Math.log(2));
  const reach = Float64Array.of(BOUND, 1.5 * BOUND, BOUND, BOUND);
  const middle = Float64Array.of(0, Math.log(interval), 0, 0);
  const { point, value, iterations, converged } = climb(likelihood, {
    start,
    low: middle.map((each, j) => each - reach[j]!),
    high: middle.map((each, j) => each + reach[j]!),
    tolerance: 1e-8,
    maxIterations: ITERATIONS,
  });
  const [r, alpha, a, b] = Array.from(point, Math.exp) as [number, number, number, number];
  return { r, alpha, a, b, logLikelihood: value * likelihood.customers, iterations, converged };
}
