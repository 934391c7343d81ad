import { sigmoid } from '../host/index.ts';
import type { BgNbdParameters } from './bg-nbd.ts';
import { CustomerBaseError } from './errors.ts';
import { checkHistory } from './histories.ts';

/** Horizons beyond so many times alpha + age would take the series more than some milliseconds. */
const FARTHEST = 1e5;

/**
 * The transactions to expect of a customer within the horizon after the end of observation (Fader, Hardie, Lee 2005,
 * equation 10).
 *
 * The paper's 2F1(r + x, b + x; a + b + x - 1; z) grows beyond float64 with x, and its factor 1 / (a - 1) has no value at
 * a = 1. By Euler's transformation (DLMF 15.8.1) it is (1 - z)^(a - 1 - r - x) 2F1(a + b - 1 - r, a - 1; a + b + x - 1; z),
 * in which a - 1 divides every term but the first. What is left is summed to float64's precision.
 * @param x repeat transactions, a whole number
 * @param tx time of the last transaction after the first, in the unit of alpha; 0 without a repeat transaction
 * @param T time from the first transaction to the end of observation
 * @param horizon time from there, from 0 to 100,000 (alpha + T)
 * @throws CustomerBaseError when a number is not what is expected
 */
export function expectedTransactions(
  parameters: BgNbdParameters,
  x: number,
  tx: number,
  T: number,
  horizon: number,
): number {
  const alive = probabilityAlive(parameters, x, tx, T);
  checkHorizon(horizon);
  const { r, alpha, a, b } = parameters;
  const ratio = horizon / (alpha + T);
  if (ratio > FARTHEST) {
    throw new CustomerBaseError(
      `the horizon is ${horizon}; at most ${FARTHEST} times alpha + age, ${FARTHEST * (alpha + T)}, is expected`,
    );
  }
  const log = -Math.log1p(ratio);
  const c = a + b + x - 1;
  const first = Math.abs(a - 1) < 1e-12 ? -log : -Math.expm1((a - 1) * log) / (a - 1);
  return alive * Math.max(0, c * first - rest(a + b - 1 - r, a, c, ratio / (1 + ratio), (a - 1) * log));
}

/**
 * The chance that a customer has not left for good by the end of observation (the paper's model; closed form as in Fader,
 * Hardie, Lee, "Computing P(alive) using the BG/NBD model", 2008). 1 without a repeat transaction: the model lets nobody leave
 * before one.
 * @throws CustomerBaseError when a number is not what is expected
 */
export function probabilityAlive(parameters: BgNbdParameters, x: number, tx: number, T: number): number {
  checkParameters(parameters);
  checkHistory(x, tx, T, () => 'the customer');
  if (x === 0) return 1;
  const { r, alpha, a, b } = parameters;
  return sigmoid(Math.log((b + x - 1) / a) - (r + x) * Math.log((alpha + T) / (alpha + tx)));
}

/**
 * The chance of at least one transaction within the horizon: 1 - P(none | history). In closed form, as one leaves only
 * after a transaction: who is there at the end of observation buys at rate lambda until then, and lambda given the
 * history is Gamma(r + x, alpha + T). So it is P(alive) x (1 - ((alpha + T) / (alpha + T + horizon))^(r + x)).
 * @param horizon from 0
 * @throws CustomerBaseError when a number is not what is expected
 */
export function probabilityOfTransaction(
  parameters: BgNbdParameters,
  x: number,
  tx: number,
  T: number,
  horizon: number,
): number {
  const alive = probabilityAlive(parameters, x, tx, T);
  checkHorizon(horizon);
  const { r, alpha } = parameters;
  return alive * -Math.expm1(-(r + x) * Math.log1p(horizon / (alpha + T)));
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

function checkParameters({ r, alpha, a, b }: BgNbdParameters): void {
  for (const [name, value] of Object.entries({ r, alpha, a, b })) {
    if (value > 0 && value < Number.POSITIVE_INFINITY) continue;
    throw new CustomerBaseError(`the parameter ${name} is ${value}; a finite number above 0 is expected`);
  }
}

function checkHorizon(horizon: number): void {
  if (horizon >= 0 && horizon < Number.POSITIVE_INFINITY) return;
  throw new CustomerBaseError(`the horizon is ${horizon}; a finite number from 0 is expected`);
}
