import type { MeasureName } from './measure.ts';
import { levelOf } from './quantiles.ts';

/** Values up to which the lower parts of a night's buyers reach, for each measure: quintiles, of prices terciles. */
export type Bands = Readonly<Record<MeasureName, readonly number[]>>;

/** In how many parts the buyers of a night are cut by each measure. */
export const LEVELS: Readonly<Record<MeasureName, number>> = {
  recent: 5,
  purchaseDays: 5,
  money: 5,
  price: 3,
};

export type Band = 'low' | 'medium' | 'high';

/** The quintile in a word: the upper two are high, the middle one is medium. */
export const bandOfQuintile = (quintile: number): Band =>
  quintile < 3 ? 'low' : quintile === 3 ? 'medium' : 'high';

/** The tercile in a word; undefined where the prices of the night are all the same. */
export const bandOfPrice = (price: number, bands: Bands): Band | undefined =>
  bands.price.length === 0
    ? undefined
    : (['low', 'medium', 'high'] as const)[levelOf(price, bands.price) - 1]!;
