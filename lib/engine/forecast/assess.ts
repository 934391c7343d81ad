import { ForecastError } from './errors.ts';

/** How far forecasts were off; a measure that is not defined is null. */
export interface ForecastErrors {
  /** Mean absolute error, in units. */
  readonly mae: number | null;
  /** Sum of the absolute errors by the sum of what came (weighted absolute percentage error). */
  readonly wape: number | null;
}

/**
 * MAE and WAPE of forecasts (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 5.8; WAPE: Kolassa and
 * Schütz, "Advantages of the MAD/Mean ratio over the MAPE", Foresight 2007).
 * @throws ForecastError where there are other numbers of forecasts than of outcomes
 */
export function forecastErrors(forecast: ArrayLike<number>, came: ArrayLike<number>): ForecastErrors {
  const n = came.length;
  if (forecast.length !== n)
    throw new ForecastError(`${forecast.length} forecasts and ${n} outcomes: expected as many of both`);
  let error = 0;
  let units = 0;
  for (let i = 0; i < n; i++) {
    error += Math.abs(forecast[i]! - came[i]!);
    units += came[i]!;
  }
  return { mae: n > 0 ? error / n : null, wape: units > 0 ? error / units : null };
}
