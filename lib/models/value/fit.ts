import { type BoostingOptions, predictRaw, type TreeModel } from '../../engine/trees/index.ts';
import { type BoostedFit, fitBoosted } from '../candidates/index.ts';
import { FEWEST_OF_EACH as FEWEST, type Progress, probabilityOf } from '../shared/index.ts';
import {
  BASE_WIDTH,
  type BaseForecast,
  type CustomerBase,
  fitCustomerBase,
  forecast,
  writeBase,
} from './customer-base.ts';
import { readHistory } from './history.ts';
import type { ValueRows } from './rows.ts';

/** Members of a value model, in the order of their weights. */
export const MEMBERS = ['BG/NBD x Gamma-Gamma', 'two-part trees', 'Tweedie trees'] as const;

/** Between Poisson (1) and gamma (2); the power by which candidates are judged, too. */
const POWER = 1.5;
/** Leaves of a tree, at most, and trees at least. */
const LEAVES = 12;
const FEWEST_TREES = 10;
/** Where too few users are kept aside to tell: amounts of one user differ by a factor of e. */
const USUAL_SPREAD = 1;
/** Forecasts are taken as 0 below this share of the mean. */
const LEAST = 1e-6;

/** The trees of a value model. */
export interface ValueTrees {
  /** Does the window come to anything? */
  readonly chance: TreeModel;
  /** The logarithm of what it comes to if it does, and the standard deviation of what is left of it. */
  readonly size: TreeModel;
  readonly spread: number;
  /** The logarithm of what it comes to in the mean, as a multiple of the prior (`priorOf`). */
  readonly total: TreeModel;
}

/** What was fitted on what was known by a day. */
export interface FittedValue {
  readonly base: CustomerBase | undefined;
  /** Undefined where no window was over, or too few came to anything. */
  readonly trees: ValueTrees | undefined;
  /** What a window came to in the mean. */
  readonly typical: number;
}

export interface FitRun {
  readonly seed: number;
  readonly threads: number;
  readonly progress: Progress;
}

/**
 * Fits the members on windows that were over by a day: the customer base on what was known of users on that day, trees on the rows
 * of earlier cut-offs, with the customer base's forecasts among their columns.
 * @param day a cut-off of the rows
 */
export async function fitValue(
  value: ValueRows,
  { day, horizonDays, without }: { day: number; horizonDays: number; without?: (row: number) => boolean },
  run: FitRun,
): Promise<FittedValue> {
  const { rows, reads } = value;
  const { cutoff, features, outcomes, width } = rows;
  const numbers = Int32Array.from({ length: rows.count }, (_, row) => row);
  const ofDay = numbers.filter((row) => cutoff[row] === day && !without?.(row));
  const base = fitCustomerBase(
    features,
    ofDay.map((row) => row * width + reads),
  );
  const used = numbers.filter((row) => cutoff[row]! + horizonDays <= day && !without?.(row));
  const some = used.filter((row) => outcomes[row]! > 0);
  const typical = used.reduce((total, row) => total + outcomes[row]!, 0) / Math.max(1, used.length);
  if (Math.min(some.length, used.length - some.length) < FEWEST) return { base, trees: undefined, typical };
  const priors = writeForecasts(value, base, typical, horizonDays);
  const { seed, threads, progress } = run;
  const fit = (
    what: string,
    at: Int32Array,
    of: { label: (row: number) => number; weight?: (row: number) => number },
    options: BoostingOptions,
  ): Promise<BoostedFit> => {
    progress(what);
    const part = {
      rows: at.length,
      columns: reads,
      values: readsOf(value, at),
      labels: Float32Array.from(at, of.label),
      ...(of.weight ? { weights: Float32Array.from(at, of.weight) } : {}),
      unit: Float32Array.from(at, (row) => rows.unit[row]!),
    };
    const told = { ...options, maxLeaves: LEAVES };
    return fitBoosted(part, told, { seed, threads, fewest: FEWEST_TREES });
  };
  const chance = await fit(
    'does it come to anything',
    used,
    { label: (row) => Number(outcomes[row]! > 0) },
    { loss: 'logistic' },
  );
  const size = await fit('how much', some, { label: (row) => Math.log(outcomes[row]!) }, { loss: 'squared' });
  // The deviance of y by m x prior is that of y / prior by m, times prior^(2 - power).
  const total = await fit(
    'in all',
    used,
    {
      label: (row) => outcomes[row]! / priors[row]!,
      weight: (row) => (priors[row]! / typical) ** (2 - POWER),
    },
    { loss: 'tweedie', variancePower: POWER },
  );
  return {
    base,
    trees: { chance: chance.model, size: size.model, spread: spreadOf(size), total: total.model },
    typical,
  };
}

/** The standard deviation of what is left of the logarithms, of users kept aside. */
function spreadOf({ aside }: BoostedFit): number {
  if (!aside || aside.rows.rows < FEWEST) return USUAL_SPREAD;
  const raw = predictRaw(aside.model, aside.rows.values);
  const squares = aside.rows.labels.reduce((sum, y, i) => sum + (y - raw[i]!) ** 2, 0);
  return Math.sqrt(squares / aside.rows.rows);
}

/** What models read of some rows: (at.length, reads). */
function readsOf({ rows, reads }: ValueRows, at: Int32Array): Float32Array {
  const values = new Float32Array(at.length * reads);
  at.forEach((row, i) => {
    values.set(rows.features.subarray(row * rows.width, row * rows.width + reads), i * reads);
  });
  return values;
}

/** Writes the forecasts of a customer base into all rows. @returns what they say of each */
function writeForecasts(
  { rows, reads }: ValueRows,
  base: CustomerBase | undefined,
  typical: number,
  horizonDays: number,
): Float64Array {
  return Float64Array.from({ length: rows.count }, (_, row) => {
    const start = row * rows.width;
    const told = forecast(base, readHistory(rows.features, start + reads), horizonDays);
    writeBase(told, rows.features, start + reads - BASE_WIDTH);
    return priorOf(told, typical);
  });
}

/** A share of the typical one is the least: what was never seen may still come. */
const LEAST_PRIOR = 0.02;

/**
 * What is expected of a user before anything is learnt: what the customer base says, or of who has no history with the event the
 * mean of all. The Tweedie trees learn what is to be multiplied with it: so they do not go astray where few customers
 * spend much.
 */
export const priorOf = ({ transactions, mean }: BaseForecast, typical: number): number =>
  mean > 0 ? Math.max(transactions * mean, LEAST_PRIOR * typical) : typical;

/** What the members say of some rows. */
export interface Predictions {
  /** By member; undefined where it could not be fitted. */
  readonly members: readonly (Float64Array | undefined)[];
  /** Chance that the window comes to anything, by the trees. */
  readonly chance: Float64Array;
}

/** What a fit says of rows as of the day that it was fitted on. */
export function predictValue(
  { base, trees, typical }: FittedValue,
  value: ValueRows,
  at: Int32Array,
  horizonDays: number,
): Predictions {
  const { rows, reads } = value;
  const told = Array.from(at, (row) =>
    forecast(base, readHistory(rows.features, row * rows.width + reads), horizonDays),
  );
  const ofBase = base && Float64Array.from(told, ({ transactions, mean }) => transactions * mean);
  if (!trees) {
    const chance = new Float64Array(at.length).fill(Number.NaN);
    return { members: [ofBase, undefined, undefined], chance };
  }
  const values = readsOf(value, at);
  const [chances, sizes, totals] = [trees.chance, trees.size, trees.total].map((model) =>
    predictRaw(model, values),
  );
  const chance = chances!.map(probabilityOf);
  const prior = told.map((one) => priorOf(one, typical));
  const twoPart = chance.map((p, i) => p * meanSize(sizes![i]!, trees.spread));
  const total = totals!.map((score, i) => prior[i]! * Math.exp(score));
  return { members: [ofBase, twoPart, total], chance };
}

/** The mean of an amount whose logarithm is normal. */
export const meanSize = (middle: number, spread: number): number => Math.exp(middle + spread ** 2 / 2);

/** A weighted sum of what the members say; those with a weight are all there. */
export function blended(
  members: Predictions['members'],
  weights: readonly number[],
  rows: number,
): Float64Array {
  const sum = new Float64Array(rows);
  weights.forEach((weight, m) => {
    if (weight === 0) return;
    members[m]!.forEach((one, i) => {
      sum[i]! += weight * one;
    });
  });
  return sum;
}

/** Mean Tweedie deviance (Jørgensen 1997), half: proper for the mean of amounts of which many are 0. */
export function deviance(truth: ArrayLike<number>, predicted: ArrayLike<number>): number {
  const n = truth.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += truth[i]! / n;
  const least = Math.max(LEAST * mean, Number.MIN_VALUE);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const mu = Math.max(predicted[i]!, least);
    const y = truth[i]!;
    sum +=
      y ** (2 - POWER) / ((1 - POWER) * (2 - POWER)) -
      (y * mu ** (1 - POWER)) / (1 - POWER) +
      mu ** (2 - POWER) / (2 - POWER);
  }
  return sum / n;
}
