import { checkSeries, profileSum, type Series, WEEK, type WeekdayProfile } from './series.ts';

/**
 * Units of the next `horizon` days if each weekday repeats what it had in the last week (the seasonal naive method: Hyndman and
 * Athanasopoulos, Forecasting: Principles and Practice, section 5.2). A series of less than a week repeats its mean.
 * @throws ForecastError for a series without a day
 */
export function seasonalNaive(series: Series, horizon: number): number {
  checkSeries(series);
  const { values, from, end } = series;
  if (end - from < WEEK) return movingAverage(series, horizon, WEEK);
  let sum = 0;
  for (let h = 0; h < horizon; h++) sum += values[end - WEEK + (h % WEEK)]!;
  return sum;
}

/**
 * Units of the next `horizon` days if the mean of the last `window` days goes on. A series that is shorter has the mean of its
 * days, but of a week at least: an item that was first sold yesterday is not sold every day.
 * @param profile says which weekdays the horizon has more of; default: all are alike
 * @throws ForecastError for a series without a day
 */
export function movingAverage(
  series: Series,
  horizon: number,
  window: number,
  profile?: WeekdayProfile,
): number {
  checkSeries(series);
  const { values, from, end } = series;
  const start = Math.max(from, end - window);
  let sum = 0;
  for (let t = start; t < end; t++) sum += values[t]!;
  const days = Math.max(WEEK, end - start);
  return (sum / days) * (profile ? profileSum(profile, series, horizon) : horizon);
}
