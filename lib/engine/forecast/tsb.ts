import { checkSeries, profileSum, type Series, WEEK, type WeekdayProfile } from './series.ts';

export interface TsbOptions {
  /** Share of a day with demand in the size of a demand, above 0 and at most 1. */
  readonly alpha: number;
  /** Share of a day in the chance of a demand, above 0 and at most 1. */
  readonly beta: number;
}

/** Open days whose share with demand is the chance to begin with. */
const FIRST_DAYS = 28;

/**
 * Units of the next `horizon` days for an item that sells on some days only: the chance of a day with demand times the size of a
 * demand, each smoothed by itself. The chance is brought forward on every open day, so that it falls while nothing is sold, which
 * Croston's method does not do (Teunter, Syntetos and Babai, "Intermittent demand: linking forecasting to inventory obsolescence",
 * European Journal of Operational Research 2011, section 3). Sizes are freed of their weekdays.
 * @throws ForecastError for a series without a day
 */
export function tsb(
  series: Series,
  horizon: number,
  profile: WeekdayProfile,
  { alpha, beta }: TsbOptions,
): number {
  checkSeries(series);
  const { values, from, end, weekday } = series;
  let open = 0;
  let sold = 0;
  let units = 0;
  for (let t = from; t < end && open < FIRST_DAYS; t++) {
    const factor = profile[(weekday + t) % WEEK]!;
    if (factor === 0) continue;
    open++;
    if (!(values[t]! > 0)) continue;
    sold++;
    units += values[t]! / factor;
  }
  let chance = sold / Math.max(open, WEEK);
  let size = sold > 0 ? units / sold : 0;
  let days = 0;
  for (let t = from; t < end; t++) {
    const factor = profile[(weekday + t) % WEEK]!;
    if (factor === 0 || days++ < FIRST_DAYS) continue;
    const value = values[t]!;
    if (value > 0) {
      const own = value / factor;
      size = size === 0 ? own : size + alpha * (own - size);
    }
    chance += beta * (Number(value > 0) - chance);
  }
  return chance * size * profileSum(profile, series, horizon);
}
