import { ForecastError } from './errors.ts';

/** Days of a week: the season of daily demand. */
export const WEEK = 7;

/**
 * The past of one item, day by day, up to the day that is forecast from.
 */
export interface Series {
  /** Units of each day; what stands at `end` and behind is not read. */
  readonly values: Float64Array;
  /** Place of the first day on which the item could be had, for example that of its first sale. */
  readonly from: number;
  /** Place behind the last day that is known. */
  readonly end: number;
  /** Weekday of place 0, from 0 to 6; which day is 0 does not matter as long as the profile has the same. */
  readonly weekday: number;
}

/** How much of a mean day's demand each weekday has: seven factors with the mean 1; 0 for a day on which nothing is sold. */
export type WeekdayProfile = Float64Array;

/** @throws ForecastError for places outside of the values */
export function checkSeries({ values, from, end }: Series): void {
  if (from >= 0 && from < end && end <= values.length) return;
  throw new ForecastError(
    `a series of ${values.length} days cannot be read from ${from} to ${end}: expected 0 <= from < end <= ${values.length}`,
  );
}

/** A weekday below this share of a mean day is closed: what little is sold there says nothing of the level. */
const CLOSED = 0.02;

/**
 * The weekday profile of some days: the mean of each weekday by the mean of these means (Hyndman and Athanasopoulos, Forecasting:
 * Principles and Practice, 3rd edition, section 3.4, the seasonal component of a classical multiplicative decomposition, without
 * the trend, which hardly moves within a week). Without any demand each weekday is alike.
 * @param totals units of all items together, or of one
 */
export function weekdayProfile({ values, from, end, weekday }: Series): WeekdayProfile {
  const sums = new Float64Array(WEEK);
  const counts = new Float64Array(WEEK);
  for (let t = from; t < end; t++) {
    const day = (weekday + t) % WEEK;
    sums[day]! += values[t]!;
    counts[day]! += 1;
  }
  const means = sums.map((sum, day) => (counts[day]! > 0 ? sum / counts[day]! : 0));
  const mean = means.reduce((sum, one) => sum + one, 0) / WEEK;
  if (!(mean > 0)) return new Float64Array(WEEK).fill(1);
  const open = means.map((one) => (one < CLOSED * mean ? 0 : one));
  const scale = WEEK / open.reduce((sum, one) => sum + one, 0);
  return open.map((one) => one * scale);
}

/** Mean days that the `horizon` days behind a series are worth: their factors, added up. */
export function profileSum(
  profile: WeekdayProfile,
  { end, weekday }: Pick<Series, 'end' | 'weekday'>,
  horizon: number,
): number {
  let sum = 0;
  for (let t = end; t < end + horizon; t++) sum += profile[(weekday + t) % WEEK]!;
  return sum;
}
