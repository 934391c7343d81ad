import { lostShare } from './lost-share.ts';
import type { ParetoNbdParameters } from './pareto-nbd.ts';
import { logPowerIntegral } from './power-integral.ts';

/** P(alive | history): against the chance to have left at some time since the last transaction. */
export function paretoNbdAlive(
  { r, alpha, s, beta }: ParetoNbdParameters,
  x: number,
  tx: number,
  T: number,
): number {
  const last = { first: alpha + tx, k: r + x, second: beta + tx, l: s + 1 };
  const since = T - tx;
  const gone = Math.log(s / last.second) + logPowerIntegral(last, since);
  return (
    1 / (1 + Math.exp(gone + (r + x) * Math.log1p(since / last.first) + s * Math.log1p(since / last.second)))
  );
}

/**
 * Expected transactions within the horizon of a customer who is alive (Fader & Hardie 2005, "A note on deriving the Pareto/NBD
 * model and related expressions", section on the conditional expectation).
 */
export function paretoNbdTransactions(
  { r, alpha, s, beta }: ParetoNbdParameters,
  x: number,
  T: number,
  horizon: number,
): number {
  const log = -Math.log1p(horizon / (beta + T));
  return ((r + x) / (alpha + T)) * (beta + T) * lostShare(s - 1, log);
}

/**
 * The chance that a customer who is alive buys within the horizon: given both rates a transaction comes before leaving and
 * before the horizon with density lambda e^-(lambda + mu) u; over Gamma(r + x, alpha + T) and Gamma(s, beta + T) that is
 * (r + x) (alpha + T)^(r + x) (beta + T)^s (alpha + T + u)^-(r + x + 1) (beta + T + u)^-s.
 */
export function paretoNbdChance(
  { r, alpha, s, beta }: ParetoNbdParameters,
  x: number,
  T: number,
  horizon: number,
): number {
  const buying = alpha + T;
  const log = logPowerIntegral({ first: buying, k: r + x + 1, second: beta + T, l: s }, horizon);
  return Math.min(1, ((r + x) / buying) * Math.exp(log));
}
