import { checkSeries, type Series, WEEK, type WeekdayProfile } from './series.ts';

export interface HoltOptions {
  /** Share of a day in the level, above 0 and at most 1. */
  readonly alpha: number;
  /** Share of the last step of the level in its trend; 0 is simple exponential smoothing. */
  readonly beta: number;
  /** What is left of the trend from day to day, above 0 and at most 1. */
  readonly phi: number;
}

/** Open days whose mean is the level to begin with. */
const FIRST_DAYS = 14;

/**
 * Units of the next `horizon` days by Holt's linear trend, damped, over demand that is freed of its weekdays (Gardner and McKenzie,
 * "Forecasting trends in time series", Management Science 1985; Hyndman and Athanasopoulos, Forecasting: Principles and Practice,
 * sections 8.2 and 8.3, the form with multiplicative seasons that stand fixed). The steps in time are open days alone. A weak
 * weekday is noisier once it is divided by its factor, in proportion if demand is Poisson, and moves the level by so much less. No
 * day is forecast below 0.
 * @throws ForecastError for a series without a day
 */
export function dampedHolt(
  series: Series,
  horizon: number,
  profile: WeekdayProfile,
  { alpha, beta, phi }: HoltOptions,
): number {
  checkSeries(series);
  const { values, end, weekday } = series;
  const { level: first, next } = firstLevel(series, profile);
  let level = first;
  let trend = 0;
  for (let t = next; t < end; t++) {
    const factor = profile[(weekday + t) % WEEK]!;
    if (factor === 0) continue;
    const gain = alpha * Math.min(1, factor);
    const expected = level + phi * trend;
    const after = expected + gain * (values[t]! / factor - expected);
    trend = beta * (after - level) + (1 - beta) * phi * trend;
    level = after;
  }
  let sum = 0;
  let step = 0;
  let damped = 1;
  for (let t = end; t < end + horizon; t++) {
    const factor = profile[(weekday + t) % WEEK]!;
    if (factor === 0) continue;
    damped *= phi;
    step += damped;
    sum += factor * Math.max(0, level + step * trend);
  }
  return sum;
}

/** The mean of the first open days, and the place behind them. */
function firstLevel(
  { values, from, end, weekday }: Series,
  profile: WeekdayProfile,
): { level: number; next: number } {
  let units = 0;
  let factors = 0;
  let days = 0;
  let t = from;
  for (; t < end && days < FIRST_DAYS; t++) {
    const factor = profile[(weekday + t) % WEEK]!;
    if (factor === 0) continue;
    units += values[t]!;
    factors += factor;
    days++;
  }
  // An item that was first sold lately is not sold every day.
  return { level: units / Math.max(factors, WEEK), next: t };
}
