import {
  dampedHolt,
  type HoltOptions,
  movingAverage,
  type Series,
  seasonalNaive,
  type TsbOptions,
  tsb,
  WEEK,
  type WeekdayProfile,
  weekdayProfile,
} from '../../engine/forecast/index.ts';
import type { DailyUnits } from './daily-units.ts';

/** What all items together did up to the day that is forecast from. */
interface Shop {
  readonly horizon: number;
  readonly profile: WeekdayProfile;
  /** Units of all items, day by day. */
  readonly total: Series;
  /** Units of all items that are expected within the horizon. */
  readonly expected: number;
}

/** A way to forecast one item. */
interface Member {
  readonly name: string;
  readonly forecast: (item: Series, shop: Shop) => number;
}

/** Days that the yardstick and one of the members take the mean of. */
const FOUR_WEEKS = 28;

const average = (days: number): Member => ({
  name: `mean of the last ${days} days`,
  forecast: (item, { horizon, profile }) => movingAverage(item, horizon, days, profile),
});

const smoothed = (options: HoltOptions): Member => ({
  name:
    options.beta === 0
      ? `smoothed level, ${options.alpha} a day`
      : `Holt, ${options.alpha} and ${options.beta} a day`,
  forecast: (item, { horizon, profile }) => dampedHolt(item, horizon, profile, options),
});

const intermittent = (options: TsbOptions): Member => ({
  name: `TSB, ${options.alpha} and ${options.beta} a day`,
  forecast: (item, { horizon, profile }) => tsb(item, horizon, profile, options),
});

/** What the item had of the whole shop's units lately, of what the whole shop is expected to sell: the top-down approach. */
const share = (days: number): Member => ({
  name: `share of the shop in the last ${days} days`,
  forecast(item, { total, expected }) {
    const start = Math.max(item.from, item.end - days);
    const all = sumOf({ ...total, from: start });
    return all > 0 ? (sumOf({ ...item, from: start }) / all) * expected : 0;
  },
});

/**
 * What is blended. Holt and TSB stand at several rates each, none of which is fitted to one item: the rates that serve all items are
 * found by the weights. The trend of a day is damped to a half within five weeks.
 */
export const MEMBERS: readonly Member[] = [
  { name: 'last week repeated', forecast: (item, { horizon }) => seasonalNaive(item, horizon) },
  ...[FOUR_WEEKS, 56, 91, 182].map(average),
  ...[0.02, 0.04, 0.08].flatMap((alpha) => [0, 0.02].map((beta) => smoothed({ alpha, beta, phi: 0.98 }))),
  ...[0.1, 0.2].map((alpha) => intermittent({ alpha, beta: 0.02 })),
  ...[56, 182].map(share),
];

/** Days that the weekday profile is of. */
const PROFILE_DAYS = 26 * WEEK;
/** How the level of the whole shop is smoothed. */
const OF_THE_SHOP: HoltOptions = { alpha: 0.04, beta: 0.02, phi: 0.98 };

/**
 * Forecasts of all members from what was sold before a day, in their order. One place per item; NaN for those that were first sold
 * later.
 * @param end place of the day: nothing from it on is read
 * @param horizon days
 */
export function memberForecasts(daily: DailyUnits, end: number, horizon: number): Float64Array[] {
  const { rows } = daily;
  const weekday = weekdayOf(daily);
  const totals = new Float64Array(end);
  for (const row of rows) for (let t = 0; t < end; t++) totals[t]! += row[t]!;
  const total: Series = { values: totals, from: 0, end, weekday };
  const profile = weekdayProfile({ ...total, from: Math.max(0, end - PROFILE_DAYS) });
  const expected = dampedHolt(total, horizon, profile, OF_THE_SHOP);
  const shop: Shop = { horizon, profile, total, expected };
  return MEMBERS.map(({ forecast }) => ofEach(daily, end, (item) => forecast(item, shop)));
}

/** What forecasts are compared with: the last week repeated, and the mean of the last four weeks. */
export interface Yardsticks {
  readonly naive: Float64Array;
  readonly average: Float64Array;
}

/** The yardsticks as of a day, as `memberForecasts`. */
export const yardsticks = (daily: DailyUnits, end: number, horizon: number): Yardsticks => ({
  naive: ofEach(daily, end, (item) => seasonalNaive(item, horizon)),
  average: ofEach(daily, end, (item) => movingAverage(item, horizon, FOUR_WEEKS)),
});

function ofEach(daily: DailyUnits, end: number, forecast: (item: Series) => number): Float64Array {
  const { rows, since } = daily;
  const weekday = weekdayOf(daily);
  return Float64Array.from(rows, (values, row) =>
    since[row]! < end ? forecast({ values, from: since[row]!, end, weekday }) : Number.NaN,
  );
}

/** Any seven days in turn: which of them is a Monday does not matter. */
const weekdayOf = ({ firstDay }: DailyUnits): number => ((firstDay % WEEK) + WEEK) % WEEK;

function sumOf({ values, from, end }: Series): number {
  let sum = 0;
  for (let t = from; t < end; t++) sum += values[t]!;
  return sum;
}
