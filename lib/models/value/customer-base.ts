import { z } from 'zod';
import {
  type BgNbdParameters,
  CustomerBaseError,
  expectedSpend,
  expectedTransactions,
  fitBgNbd,
  fitGammaGamma,
  type GammaGammaParameters,
  medianTimeToTransaction,
  probabilityAlive,
} from '../../engine/customer-base/index.ts';
import { BASE_NAMES } from './base-columns.ts';
import { type History, readHistory } from './history.ts';

/** Customers that the parameters are fitted on, at most. */
const MOST_CUSTOMERS = 20_000;

/** When customers buy, and what a day with a purchase comes to; parameters as a manifest keeps them. */
export interface CustomerBase {
  readonly purchases: BgNbdParameters;
  /** Absent where what days come to does not differ enough: then the customer's own mean is expected, or this one. */
  readonly spend?: GammaGammaParameters;
  readonly mean: number;
}

const positive = z.number().positive();
export const customerBaseSchema: z.ZodType<CustomerBase> = z.object({
  purchases: z.object({ r: positive, alpha: positive, a: positive, b: positive }),
  spend: z.exactOptional(z.object({ p: positive, q: positive, gamma: positive })),
  mean: z.number(),
});

/** What the model says of a customer. */
export interface BaseForecast {
  /** Chance that the customer has not left for good; 0 of who never bought, and 1 of who bought on one day only (`tellsAlive`). */
  readonly alive: number;
  /** Days with a purchase within the horizon, in the mean. */
  readonly transactions: number;
  /** What one of them comes to. */
  readonly mean: number;
}

/**
 * BG/NBD for when (Fader, Hardie, Lee 2005) and Gamma-Gamma for how much (Fader, Hardie 2013), by maximum likelihood, on what was
 * known of customers on one day. Undefined where nobody came back, or nobody bought at all.
 * @param at where each customer's history begins in `rows`
 */
export function fitCustomerBase(rows: Float32Array, at: Int32Array): CustomerBase | undefined {
  const buyers = at.filter((start) => readHistory(rows, start).days > 0);
  const every = Math.max(1, Math.ceil(buyers.length / MOST_CUSTOMERS));
  const some = Array.from(
    buyers.filter((_, i) => i % every === 0),
    (start) => readHistory(rows, start),
  );
  const spenders = some.filter(({ mean }) => mean > 0);
  if (spenders.length === 0) return undefined;
  const days = spenders.reduce((sum, one) => sum + one.days, 0);
  const mean = spenders.reduce((sum, one) => sum + one.days * one.mean, 0) / days;
  const purchases = tried(() =>
    fitBgNbd({
      frequency: some.map((one) => one.days - 1),
      recency: some.map(({ last }) => last),
      age: some.map(({ age }) => age),
    }),
  );
  if (!purchases) return undefined;
  const spend = tried(() =>
    fitGammaGamma({ frequency: spenders.map((one) => one.days), mean: spenders.map((one) => one.mean) }),
  );
  const { r, alpha, a, b } = purchases;
  return {
    purchases: { r, alpha, a, b },
    ...(spend ? { spend: { p: spend.p, q: spend.q, gamma: spend.gamma } } : {}),
    mean,
  };
}

/** Undefined where the histories do not hold a model. */
function tried<T>(fit: () => T): T | undefined {
  try {
    return fit();
  } catch (error) {
    if (error instanceof CustomerBaseError) return undefined;
    throw error;
  }
}

/** What to expect of a customer within a horizon, in days. */
export function forecast(base: CustomerBase | undefined, history: History, horizon: number): BaseForecast {
  const { days, last, age, mean } = history;
  if (!base || days === 0) return { alive: 0, transactions: 0, mean: 0 };
  const { purchases, spend } = base;
  const own = mean > 0 ? mean : base.mean;
  return {
    alive: probabilityAlive(purchases, days - 1, last, age),
    transactions: expectedTransactions(purchases, days - 1, last, age, horizon),
    mean: spend && mean > 0 ? expectedSpend(spend, days, mean) : own,
  };
}

/** Does the model tell whether a customer is one still? It lets nobody leave before a second transaction. */
export const tellsAlive = ({ days }: History): boolean => days > 1;

/** Days until the next transaction has come with a chance of one half, given that the customer is one still. */
export function daysToNext(base: CustomerBase | undefined, { days, last, age }: History): number {
  return base && days > 0 ? medianTimeToTransaction(base.purchases, days - 1, last, age) : Number.NaN;
}

/** Writes the columns of `BASE_NAMES`. */
export function writeBase({ alive, transactions, mean }: BaseForecast, out: Float32Array, at: number): void {
  const value = transactions * mean;
  out.set([alive, Math.log1p(transactions), Math.log1p(mean), Math.log1p(value)], at);
}

export const BASE_WIDTH = BASE_NAMES.length;
