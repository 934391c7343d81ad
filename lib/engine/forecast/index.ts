export { type ForecastErrors, forecastErrors } from './assess.ts';
export { blendWeights } from './blend.ts';
export { ForecastError } from './errors.ts';
export { dampedHolt, type HoltOptions } from './holt.ts';
export { movingAverage, seasonalNaive } from './naive.ts';
export { type Series, WEEK, type WeekdayProfile, weekdayProfile } from './series.ts';
export { chanceOfMore, fitSpread, intervalOf, type Spread, type SpreadClass } from './spread.ts';
export { type TsbOptions, tsb } from './tsb.ts';
