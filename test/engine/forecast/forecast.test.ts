import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blendWeights,
  chanceOfMore,
  dampedHolt,
  ForecastError,
  fitSpread,
  forecastErrors,
  intervalOf,
  movingAverage,
  type Series,
  seasonalNaive,
  tsb,
  weekdayProfile,
} from '../../../lib/engine/forecast/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { coverage } from '../../../lib/engine/metrics/index.ts';

const series = (values: readonly number[], from = 0): Series => ({
  values: Float64Array.from(values),
  from,
  end: values.length,
  weekday: 0,
});
const even = new Float64Array(7).fill(1);
const repeated = (week: readonly number[], weeks: number) => Array.from({ length: weeks }, () => week).flat();
const WEEKLY = [2, 4, 6, 8, 10, 12, 0];

describe('yardsticks', () => {
  it('repeat the last week, weekday by weekday', () => {
    expect(seasonalNaive(series([...repeated([1], 7), ...WEEKLY]), 7)).toBe(42);
    expect(seasonalNaive(series(WEEKLY), 10)).toBe(42 + 2 + 4 + 6);
  });

  it('go on with the mean of some days, of a week at least', () => {
    expect(movingAverage(series([100, 1, 2, 3, 4, 5, 6, 7]), 14, 7)).toBe(56);
    expect(movingAverage(series([0, 0, 14], 2), 7, 28)).toBe(14);
  });

  it('refuse a series without days', () => {
    expect(() => movingAverage(series([]), 7, 28)).toThrow(ForecastError);
    expect(() => dampedHolt({ ...series([1, 2]), end: 3 }, 7, even, { alpha: 0.1, beta: 0, phi: 1 })).toThrow(
      /from 0 to 3/,
    );
  });
});

describe('weekdays', () => {
  it('have factors with the mean 1, and 0 where nothing is sold', () => {
    const profile = weekdayProfile(series(repeated(WEEKLY, 4)));
    expect([...profile]).toEqual(WEEKLY.map((units) => expect.closeTo(units / 6, 12)));
    expect([...weekdayProfile(series([0, 0, 0]))]).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });

  it('are given back by every method that takes the profile', () => {
    const past = series(repeated(WEEKLY, 12));
    const profile = weekdayProfile(past);
    const options = { alpha: 0.1, beta: 0.05, phi: 0.98 };
    // Three days of the week that begins: 2, 4 and 6.
    expect(dampedHolt(past, 3, profile, options)).toBeCloseTo(12, 9);
    expect(movingAverage(past, 3, 28, profile)).toBeCloseTo(12, 9);
    expect(tsb(past, 3, profile, { alpha: 0.1, beta: 0.1 })).toBeCloseTo(12, 9);
  });
});

describe('Holt', () => {
  it('is the recursion of the book, step by step', () => {
    // given: 16 days, of which the first 14 give the level 10
    const values = [...new Array(14).fill(10), 20, 16];
    const [alpha, beta, phi] = [0.5, 0.4, 0.9];
    // when: level and trend are written out
    const l1 = 10 + 0.5 * (20 - 10);
    const b1 = 0.4 * (l1 - 10);
    const e2 = l1 + 0.9 * b1;
    const l2 = e2 + 0.5 * (16 - e2);
    const b2 = 0.4 * (l2 - l1) + 0.6 * 0.9 * b1;
    const expected = l2 + 0.9 * b2 + (l2 + (0.9 + 0.81) * b2);
    // then
    expect(dampedHolt(series(values), 2, even, { alpha, beta, phi })).toBeCloseTo(expected, 12);
  });

  it('forecasts no day below 0', () => {
    const falling = Array.from({ length: 60 }, (_, t) => Math.max(0, 60 - 2 * t));
    const units = dampedHolt(series(falling), 28, even, { alpha: 0.5, beta: 0.5, phi: 1 });
    expect(units).toBe(0);
  });
});

describe('TSB', () => {
  it('smooths chance and size apart', () => {
    // given: every second day 6 units, then two days without
    const values = [...Array.from({ length: 28 }, (_, t) => (t % 2 === 0 ? 6 : 0)), 0, 10];
    // when: the chance is 0.5, then 0.45, then 0.505; the size 6, then 6.4
    const units = tsb(series(values), 10, even, { alpha: 0.1, beta: 0.1 });
    // then
    expect(units).toBeCloseTo(10 * (0.45 + 0.1 * 0.55) * 6.4, 12);
  });

  it('forgets what is no longer sold', () => {
    const sold = repeated([0, 3, 0, 0, 5, 0, 0], 10);
    const of = (values: readonly number[]) => tsb(series(values), 28, even, { alpha: 0.2, beta: 0.03 });
    expect(of([...sold, ...new Array(90).fill(0)])).toBeLessThan(0.1 * of(sold));
  });
});

describe('a blend', () => {
  it('is no worse than its best member on what it was weighed by', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (seed) => {
        // given: members that are off in ways of their own
        const rng = createRng(seed);
        const real = Float64Array.from({ length: 40 }, () => rng.integer(50));
        const members = Array.from({ length: 4 }, (_, m) =>
          real.map((units) => Math.max(0, units + (m + 1) * rng.normal())),
        );
        // when
        const weights = blendWeights(members, real);
        const blended = real.map((_, i) => members.reduce((sum, own, m) => sum + weights[m]! * own[i]!, 0));
        // then
        const wapes = members.map((own) => forecastErrors(own, real).wape!);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
        expect(forecastErrors(blended, real).wape!).toBeLessThanOrEqual(Math.min(...wapes) * 1.1);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses members of other lengths', () => {
    expect(() => blendWeights([new Float64Array(2)], new Float64Array(3))).toThrow(/of 2 values/);
  });
});

describe('intervals from past errors', () => {
  const rng = createRng('spread');
  const drawn = (n: number) => {
    const forecast = Float64Array.from({ length: n }, () => 0.2 + 200 * rng.uniform() ** 3);
    const came = forecast.map((units) => {
      // Poisson by its waiting times, with a level of its own.
      const mean = units * Math.exp(0.4 * rng.normal());
      let [count, waited] = [0, -Math.log(1 - rng.uniform())];
      while (waited < mean) {
        count++;
        waited -= Math.log(1 - rng.uniform());
      }
      return count;
    });
    return { forecast, came };
  };
  const past = drawn(2000);
  const spread = fitSpread(past.forecast, past.came);

  it('hold what comes about as often as they say', () => {
    const { forecast, came } = drawn(4000);
    const intervals = [...forecast].map((units) => intervalOf(spread, units, 0.8));
    const held = coverage(
      came,
      intervals.map(({ low }) => low),
      intervals.map(({ high }) => high),
    );
    // Whole numbers stand on the ends of intervals: somewhat more.
    expect(held).toBeGreaterThan(0.78);
    expect(held).toBeLessThan(0.87);
  });

  it('are narrower, for their size, where more is sold', () => {
    const width = (units: number) => {
      const { low, high } = intervalOf(spread, units, 0.8);
      return (high - low) / units;
    };
    expect(width(150)).toBeLessThan(width(2));
    expect(intervalOf(spread, 0.3, 0.8).low).toBe(0);
  });

  it('give chances that fall with the stock and agree with the interval', () => {
    const { low, high } = intervalOf(spread, 100, 0.8);
    expect(chanceOfMore(spread, 100, high)).toBeCloseTo(0.1, 1);
    expect(chanceOfMore(spread, 100, low)).toBeCloseTo(0.9, 1);
    const chances = Array.from({ length: 50 }, (_, k) => chanceOfMore(spread, 100, 10 * k));
    expect(chances).toEqual([...chances].sort((a, b) => b - a));
    expect(chances[0]).toBeLessThan(1);
    expect(chances.at(-1)).toBeGreaterThan(0);
  });

  it('put all equal errors on one side of what they are equal to', () => {
    // given: nothing was sold in nine of ten
    const forecast = new Float64Array(50).fill(0.1);
    const came = forecast.map((_, i) => Number(i % 10 === 0));
    const own = fitSpread(forecast, came);
    // then
    expect(own).toHaveLength(1);
    expect(chanceOfMore(own, 0.1, 0)).toBeCloseTo(0.1, 1);
    expect(intervalOf(own, 0.1, 0.8).low).toBe(0);
  });
});

describe('errors of forecasts', () => {
  it('are means and shares, and not defined of nothing', () => {
    expect(forecastErrors([1, 5], [2, 8])).toEqual({ mae: 2, wape: 0.4 });
    expect(forecastErrors([1], [0])).toEqual({ mae: 1, wape: null });
    expect(forecastErrors([], [])).toEqual({ mae: null, wape: null });
    expect(() => forecastErrors([1], [])).toThrow(ForecastError);
  });
});
