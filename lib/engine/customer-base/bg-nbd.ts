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

/** What is believed of the parameters before any history is seen: their logarithms are normal and independent. */
interface BgNbdPrior {
  /** Where the logarithms have their means; in the unit of the histories. */
  readonly around: BgNbdParameters;
  /** Standard deviation of each logarithm. */
  readonly deviation: number;
}

/**
 * Parameters of 2,357 customers of the web shop CDNOW over 39 weeks, as published (Fader, Hardie, Lee 2005, section 4), with
 * alpha turned from weeks into days: a default for shops that know little of their own.
 */
export const CDNOW_IN_DAYS: BgNbdParameters = { r: 0.243, alpha: 7 * 4.414, a: 0.793, b: 2.426 };

export interface BgNbdFit extends BgNbdParameters {
  /** Of all customers (nats), weighted, without what a prior adds. Times enter as densities: another unit adds a constant. */
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
 * @param prior draws the parameters to it, the more the fewer customers there are (the maximum of the posterior density of
 * the logarithms); with it nobody needs to have come back
 * @throws CustomerBaseError when a history or weight is not what is expected, or nobody came back and there is no prior
 */
export function fitBgNbd(histories: CustomerHistories, prior?: BgNbdPrior): BgNbdFit {
  checkHistories(histories, prior !== undefined);
  const likelihood = new MeanLikelihood(histories);
  const around = prior && logarithms(prior.around);
  // Where a prior stands, it tells the pace to start from, too: that of histories may be none.
  const interval = prior ? prior.around.alpha / prior.around.r : likelihood.interval;
  const start = around ?? Float64Array.of(0, Math.log(interval), Math.log(0.5), Math.log(2));
  const reach = Float64Array.of(BOUND, 1.5 * BOUND, BOUND, BOUND);
  const middle = Float64Array.of(0, Math.log(interval), 0, 0);
  const posterior = around ? new MeanPosterior(likelihood, around, prior.deviation) : likelihood;
  const { point, iterations, converged } = climb(posterior, {
    start,
    low: middle.map((each, j) => each - reach[j]!),
    high: middle.map((each, j) => each + reach[j]!),
    tolerance: 1e-8,
    maxIterations: ITERATIONS,
  });
  const [r, alpha, a, b] = Array.from(point, Math.exp) as [number, number, number, number];
  const value = likelihood.evaluate(point, new Float64Array(4));
  return { r, alpha, a, b, logLikelihood: value * likelihood.customers, iterations, converged };
}

const logarithms = ({ r, alpha, a, b }: BgNbdParameters): Float64Array =>
  Float64Array.of(r, alpha, a, b).map(Math.log);

/** A log-likelihood with the logarithm of a normal prior, up to a constant, both per customer. */
class MeanPosterior {
  readonly #likelihood: MeanLikelihood;
  readonly #around: Float64Array;
  /** Of each logarithm: 1 / (deviation² x customers). */
  readonly #precision: number;

  constructor(likelihood: MeanLikelihood, around: Float64Array, deviation: number) {
    this.#likelihood = likelihood;
    this.#around = around;
    this.#precision = 1 / (deviation ** 2 * likelihood.customers);
  }

  /** Writes the gradient, and returns the value. */
  evaluate(point: Float64Array, gradient: Float64Array): number {
    let value = this.#likelihood.evaluate(point, gradient);
    point.forEach((each, j) => {
      const off = each - this.#around[j]!;
      value -= (this.#precision * off ** 2) / 2;
      gradient[j]! -= this.#precision * off;
    });
    return value;
  }
}
