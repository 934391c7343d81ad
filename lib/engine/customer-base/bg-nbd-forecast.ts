import { sigmoid } from '../host/index.ts';
import type { BgNbdParameters } from './bg-nbd.ts';
import { CustomerBaseError } from './errors.ts';
import { lostShare } from './lost-share.ts';

/** Horizons beyond so many times alpha + age would take the series more than some milliseconds. */
const FARTHEST = 1e5;

/** P(alive | history): 1 without a repeat transaction, as the model lets nobody leave before one. */
export function bgNbdAlive({ r, alpha, a, b }: BgNbdParameters, x: number, tx: number, T: number): number {
  if (x === 0) return 1;
  return sigmoid(Math.log((b + x - 1) / a) - (r + x) * Math.log((alpha + T) / (alpha + tx)));
}

/**
 * Expected transactions within the horizon of a customer who is alive (Fader, Hardie, Lee 2005, equation 10).
 *
 * The paper's 2F1(r + x, b + x; a + b + x - 1; z) grows beyond float64 with x, and its factor 1 / (a - 1) has no value at
 * a = 1. By Euler's transformation (DLMF 15.8.1) it is (1 - z)^(a - 1 - r - x) 2F1(a + b - 1 - r, a - 1; a + b + x - 1; z),
 * in which a - 1 divides every term but the first. What is left is summed to float64's precision.
 */
export function bgNbdTransactions(
  { r, alpha, a, b }: BgNbdParameters,
  x: number,
  T: number,
  horizon: number,
): number {
  const ratio = horizon / (alpha + T);
  if (ratio > FARTHEST) {
    throw new CustomerBaseError(
      `the horizon is ${horizon}; at most ${FARTHEST} times alpha + age, ${FARTHEST * (alpha + T)}, is expected`,
    );
  }
  const log = -Math.log1p(ratio);
  const c = a + b + x - 1;
  const first = lostShare(a - 1, log);
  return Math.max(0, c * first - rest(a + b - 1 - r, a, c, ratio / (1 + ratio), (a - 1) * log));
}

/**
 * The chance that a customer who is alive buys within the horizon. In closed form, as one leaves only after a transaction:
 * who is there at the end of observation buys at rate lambda until then, and lambda given the history is
 * Gamma(r + x, alpha + T).
 */
export function bgNbdChance({ r, alpha }: BgNbdParameters, x: number, T: number, horizon: number): number {
  return -Math.expm1(-(r + x) * Math.log1p(horizon / (alpha + T)));
}

/**
 * (1 - z)^(a - 1) x c / (a - 1) x (2F1(d, a - 1; c; z) - 1), with `power` the logarithm of the first factor: the sum over
 * n >= 1 of (d)_n (a)_(n-1) / ((c + 1)_(n-1) n!) z^n.
 */
function rest(d: number, a: number, c: number, z: number, power: number): number {
  let term = d * z;
  let sum = term;
  let scale = power;
  for (let n = 1; term !== 0; n++) {
    const factor = (((d + n) / (c + n)) * (a + n - 1) * z) / (n + 1);
    term *= factor;
    sum += term;
    if (Math.abs(factor) < 1 && Math.abs(term) <= 1e-17 * (1 - z) * Math.abs(sum)) break;
    // with a in the thousands the terms leave float64, and come back by the power
    if (Math.abs(sum) > 1e200) {
      term *= 1e-200;
      sum *= 1e-200;
      scale += 200 * Math.LN10;
    }
  }
  return sum * Math.exp(scale);
}
