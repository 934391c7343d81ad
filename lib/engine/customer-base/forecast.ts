import type { BgNbdParameters } from './bg-nbd.ts';
import { bgNbdAlive, bgNbdChance, bgNbdTransactions } from './bg-nbd-forecast.ts';
import { CustomerBaseError } from './errors.ts';
import { checkHistory } from './histories.ts';
import type { ParetoNbdParameters } from './pareto-nbd.ts';
import { paretoNbdAlive, paretoNbdChance, paretoNbdTransactions } from './pareto-nbd-forecast.ts';

/** Parameters of a model of when customers buy; Pareto/NBD's are told by `beta`. */
export type PurchaseParameters = BgNbdParameters | ParetoNbdParameters;

/**
 * The transactions to expect of a customer within the horizon after the end of observation: P(alive) times what is expected
 * of who is alive (BG/NBD: Fader, Hardie, Lee 2005, equation 10; Pareto/NBD: Schmittlein, Morrison, Colombo 1987).
 * @param x repeat transactions, a whole number
 * @param tx time of the last transaction after the first, in the unit of alpha; 0 without a repeat transaction
 * @param T time from the first transaction to the end of observation
 * @param horizon time from there, from 0; by BG/NBD to 100,000 (alpha + T)
 * @throws CustomerBaseError when a number is not what is expected
 */
export function expectedTransactions(
  parameters: PurchaseParameters,
  x: number,
  tx: number,
  T: number,
  horizon: number,
): number {
  const alive = probabilityAlive(parameters, x, tx, T);
  checkHorizon(horizon);
  return (
    alive *
    (isParetoNbd(parameters)
      ? paretoNbdTransactions(parameters, x, T, horizon)
      : bgNbdTransactions(parameters, x, T, horizon))
  );
}

/**
 * The chance that a customer has not left for good by the end of observation (BG/NBD: closed form as in Fader, Hardie, Lee,
 * "Computing P(alive) using the BG/NBD model", 2008). By BG/NBD it is 1 without a repeat transaction: that model lets nobody
 * leave before one, the Pareto/NBD does.
 * @throws CustomerBaseError when a number is not what is expected
 */
export function probabilityAlive(parameters: PurchaseParameters, x: number, tx: number, T: number): number {
  checkParameters(parameters);
  checkHistory(x, tx, T, () => 'the customer');
  return isParetoNbd(parameters) ? paretoNbdAlive(parameters, x, tx, T) : bgNbdAlive(parameters, x, tx, T);
}

/**
 * The chance of at least one transaction within the horizon, P(alive) times that of who is alive: 1 - P(none | history).
 * @param horizon from 0
 * @throws CustomerBaseError when a number is not what is expected
 */
export function probabilityOfTransaction(
  parameters: PurchaseParameters,
  x: number,
  tx: number,
  T: number,
  horizon: number,
): number {
  const alive = probabilityAlive(parameters, x, tx, T);
  checkHorizon(horizon);
  return (
    alive *
    (isParetoNbd(parameters)
      ? paretoNbdChance(parameters, x, T, horizon)
      : bgNbdChance(parameters, x, T, horizon))
  );
}

/**
 * The time after the end of observation by which a customer's next transaction has come with a chance of one half, by BG/NBD
 * and given that the customer is alive: the median, as the mean is infinite where r + x <= 1. It solves
 * 1 - ((alpha + T) / (alpha + T + t))^(r + x) = 1/2, so t = (alpha + T) (2^(1 / (r + x)) - 1), and does not depend on when
 * the last transaction was: that is in P(alive), to be shown beside it. Infinity where t is beyond float64, which takes an r
 * below 0.001 and no repeat transaction.
 * @throws CustomerBaseError when a number is not what is expected
 */
export function medianTimeToTransaction(
  parameters: BgNbdParameters,
  x: number,
  tx: number,
  T: number,
): number {
  checkParameters(parameters);
  checkHistory(x, tx, T, () => 'the customer');
  const { r, alpha } = parameters;
  return (alpha + T) * Math.expm1(Math.LN2 / (r + x));
}

function isParetoNbd(parameters: PurchaseParameters): parameters is ParetoNbdParameters {
  return 'beta' in parameters;
}

function checkParameters(parameters: PurchaseParameters): void {
  const { r, alpha } = parameters;
  const others = isParetoNbd(parameters)
    ? { s: parameters.s, beta: parameters.beta }
    : { a: parameters.a, b: parameters.b };
  for (const [name, value] of Object.entries({ r, alpha, ...others })) {
    if (value > 0 && value < Number.POSITIVE_INFINITY) continue;
    throw new CustomerBaseError(`the parameter ${name} is ${value}; a finite number above 0 is expected`);
  }
}

function checkHorizon(horizon: number): void {
  if (horizon >= 0 && horizon < Number.POSITIVE_INFINITY) return;
  throw new CustomerBaseError(`the horizon is ${horizon}; a finite number from 0 is expected`);
}
