import { frequenciesOf, pace } from './frequencies.ts';
import type { CustomerHistories } from './histories.ts';

/** Sums over i < x that all customers of frequency x share. */
interface CountTerms {
  /** Of ln(r + i) + ln(b + i) - ln(a + b + i): the gamma functions of the likelihood, as x is whole. */
  readonly logs: Float64Array;
  /** Of 1 / (r + i). */
  readonly r: Float64Array;
  /** Of 1 / (b + i). */
  readonly b: Float64Array;
  /** Of 1 / (a + b + i). */
  readonly ab: Float64Array;
}

/** The log-likelihood of BG/NBD per customer, at the logarithms of r, alpha, a and b. */
export class MeanLikelihood {
  /** Sum of weights. */
  readonly customers: number;
  /** Mean time between transactions. */
  readonly interval: number;
  readonly #histories: CustomerHistories;
  /** Frequencies that there are, ascending. */
  readonly #counts: Int32Array;
  /** Which of them a customer has. */
  readonly #kind: Int32Array;

  constructor(histories: CustomerHistories) {
    const { frequency, age, weights } = histories;
    this.#histories = histories;
    ({ counts: this.#counts, kind: this.#kind } = frequenciesOf(frequency));
    ({ customers: this.customers, interval: this.interval } = pace(frequency, age, weights));
  }

  /** Writes the gradient, and returns the value. One pass over the customers, and one over 0 … the largest frequency. */
  evaluate(point: Float64Array, gradient: Float64Array): number {
    const { recency, age, weights } = this.#histories;
    const [r, alpha, a, b] = Array.from(point, Math.exp) as [number, number, number, number];
    const terms = this.#countTerms(r, a, b);
    let [value, dr, dAlpha, da, db] = [0, 0, 0, 0, 0];
    for (let i = 0; i < age.length; i++) {
      const kind = this.#kind[i]!;
      const x = this.#counts[kind]!;
      const weight = weights ? weights[i]! : 1;
      const aliveTime = alpha + age[i]!;
      const logAlive = Math.log(aliveTime);
      // of those who came back: how much likelier is it that they left after the last transaction than that they stayed?
      let [gone, logSum, goneTime, logGone] = [0, 0, aliveTime, logAlive];
      if (x > 0) {
        goneTime = alpha + recency[i]!;
        logGone = Math.log(goneTime);
        const odds = point[2]! - Math.log(b + x - 1) + (r + x) * (logAlive - logGone);
        const e = Math.exp(-Math.abs(odds));
        gone = (odds >= 0 ? 1 : e) / (1 + e);
        logSum = Math.max(odds, 0) + Math.log1p(e);
        db -= (weight * gone) / (b + x - 1);
      }
      value += weight * (terms.logs[kind]! + r * point[1]! - (r + x) * logAlive + logSum);
      dr += weight * (terms.r[kind]! + point[1]! - logAlive + gone * (logAlive - logGone));
      dAlpha += weight * (r / alpha - (r + x) * ((1 - gone) / aliveTime + gone / goneTime));
      da += weight * (gone / a - terms.ab[kind]!);
      db += weight * (terms.b[kind]! - terms.ab[kind]!);
    }
    gradient[0] = (dr * r) / this.customers;
    gradient[1] = (dAlpha * alpha) / this.customers;
    gradient[2] = (da * a) / this.customers;
    gradient[3] = (db * b) / this.customers;
    return value / this.customers;
  }

  #countTerms(r: number, a: number, b: number): CountTerms {
    const kinds = this.#counts.length;
    const sums = [0, 1, 2, 3].map(() => new Float64Array(kinds));
    const [logs, ofR, ofB, ofAb] = sums as [Float64Array, Float64Array, Float64Array, Float64Array];
    let [log, inR, inB, inAb] = [0, 0, 0, 0];
    let i = 0;
    for (let kind = 0; kind < kinds; kind++) {
      for (; i < this.#counts[kind]!; i++) {
        log += Math.log(((r + i) * (b + i)) / (a + b + i));
        inR += 1 / (r + i);
        inB += 1 / (b + i);
        inAb += 1 / (a + b + i);
      }
      logs[kind] = log;
      ofR[kind] = inR;
      ofB[kind] = inB;
      ofAb[kind] = inAb;
    }
    return { logs, r: ofR, b: ofB, ab: ofAb };
  }
}
