import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  expectedTransactions,
  fitBgNbd,
  fitParetoNbd,
  medianTimeToTransaction,
  probabilityAlive,
  probabilityOfTransaction,
} from '../../../lib/engine/customer-base/index.ts';
import { MeanParetoLikelihood } from '../../../lib/engine/customer-base/pareto-likelihood.ts';
import { simulatePareto } from './support.ts';

const { pareto: recorded } = JSON.parse(
  readFileSync(new URL('./fixtures/value.json', import.meta.url), 'utf8'),
);
const { frequency, recency, age } = recorded;
type Forecast = Record<
  'r' | 'alpha' | 's' | 'beta' | 'x' | 'tx' | 'T' | 'horizon' | 'alive' | 'expected' | 'chance',
  number
>;
/** Of the CDNOW customers, as the walk-through of the R package BTYD has them, and Fader & Hardie's notes to two digits. */
const CDNOW = { r: 0.553, alpha: 10.58, s: 0.606, beta: 11.656 };

describe('Pareto/NBD by maximum likelihood', () => {
  it('has the likelihood that mpmath has by 2F1, alpha above beta and below', () => {
    const likelihood = new MeanParetoLikelihood({ frequency, recency, age });
    for (const { parameters, value } of recorded.likelihoods) {
      const ours = likelihood.evaluate(Float64Array.from(parameters, Math.log), new Float64Array(4));
      expect(ours * likelihood.customers).toBeCloseTo(value, 9);
    }
  });

  it.each([
    [-0.8, 1.4, 0.3, 0.9],
    [0.4, 0.2, -1.5, 4],
    [0.1, 2, 0.1, 2],
  ])('has the gradient of finite differences at %d, %d, %d, %d', (...given) => {
    // given
    const likelihood = new MeanParetoLikelihood({ frequency, recency, age, weights: age });
    const point = Float64Array.from(given);
    // when
    const gradient = new Float64Array(4);
    likelihood.evaluate(point, gradient);
    // then
    gradient.forEach((slope, j) => {
      const at = (by: number) =>
        likelihood.evaluate(
          point.map((each, k) => (k === j ? each + by : each)),
          new Float64Array(4),
        );
      expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 8);
    });
  });

  it('finds what a search without derivatives finds', () => {
    const fit = fitParetoNbd({ frequency, recency, age });
    const [r, alpha, s, beta] = recorded.fit.parameters;
    expect(fit.converged).toBe(true);
    expect(fit.logLikelihood).toBeCloseTo(recorded.fit.value, 7);
    Object.entries({ r, alpha, s, beta }).forEach(([name, value]) => {
      expect(fit[name as 'r'] / value).toBeCloseTo(1, 4);
    });
  });

  it('finds the parameters that customers were made with, and is likelier than BG/NBD of them', () => {
    // given 10,000 of them
    const truth = { r: 0.8, alpha: 6, s: 0.9, beta: 15 };
    const histories = simulatePareto(10_000, truth, 0, 12);
    // when
    const fit = fitParetoNbd(histories);
    // then within about three standard errors
    expect(fit.converged).toBe(true);
    expect(Math.abs(Math.log(fit.r / truth.r))).toBeLessThan(0.12);
    expect(Math.abs(Math.log(fit.alpha / truth.alpha))).toBeLessThan(0.12);
    expect(Math.abs(Math.log(fit.s / truth.s))).toBeLessThan(0.35);
    expect(Math.abs(Math.log(fit.beta / truth.beta))).toBeLessThan(0.5);
    expect(fit.logLikelihood).toBeGreaterThan(fitBgNbd(histories).logLikelihood + 10);
  });

  it('does not depend on the unit of time, nor on how customers are counted', () => {
    // given the same customers in seconds, the first ten twice
    const seconds = (times: number[]) => times.map((time) => time * 604_800);
    const twice = <T>(all: T[]) => [...all, ...all.slice(0, 10)];
    const weights = frequency.map((_: number, i: number) => (i < 10 ? 2 : 1));
    // when
    const weighted = fitParetoNbd({ frequency, recency, age, weights });
    const repeated = fitParetoNbd({
      frequency: twice<number>(frequency),
      recency: twice(seconds(recency)),
      age: twice(seconds(age)),
    });
    // then
    for (const name of ['alpha', 'beta'] as const) {
      expect(repeated[name] / 604_800 / weighted[name]).toBeCloseTo(1, 4);
    }
    for (const name of ['r', 's'] as const) expect(repeated[name] / weighted[name]).toBeCloseTo(1, 4);
  });

  it('stays finite where nobody leaves, or all but leave at once, and for very many transactions', () => {
    // given customers who buy until the end, customers who come back once, and one who buys all the time
    const count = 100;
    const xs = Array.from({ length: count }, (_, i) => 1 + (i % 9));
    const last = xs.map((x, i) => 40 - (40 / x) * 0.1 * (i % 3));
    const bases = [
      { frequency: xs, recency: last, age: Array(count).fill(40) },
      {
        frequency: xs.map((x) => Number(x > 4)),
        recency: xs.map((x) => (x > 4 ? x : 0)),
        age: Array(count).fill(4000),
      },
      { frequency: [...xs, 200_000], recency: [...last, 40], age: Array(count + 1).fill(40) },
    ];
    for (const histories of bases) {
      // when
      const fit = fitParetoNbd(histories);
      // then
      for (const value of [fit.r, fit.alpha, fit.s, fit.beta]) expect(value > 0 && value < 1e12).toBe(true);
      expect(Number.isFinite(fit.logLikelihood)).toBe(true);
      expect(fit.converged).toBe(true);
    }
  });
});

describe('forecasts by Pareto/NBD', () => {
  it.each(recorded.forecasts as Forecast[])(
    'has the values of mpmath: x $x, T $T, alpha $alpha, beta $beta, $horizon ahead',
    (theirs) => {
      const { x, tx, T, horizon, r, alpha, s, beta } = theirs;
      const parameters = { r, alpha, s, beta };
      const ours = {
        alive: probabilityAlive(parameters, x, tx, T),
        expected: expectedTransactions(parameters, x, tx, T, horizon),
        chance: probabilityOfTransaction(parameters, x, tx, T, horizon),
      };
      for (const name of ['alive', 'expected', 'chance'] as const) {
        expect(Math.abs(ours[name] - theirs[name]), name).toBeLessThanOrEqual(1e-10 * theirs[name]);
      }
    },
  );

  it('expects what the walk-through of BTYD prints of the CDNOW customers', () => {
    // customer 1516, within 52 weeks
    expect(expectedTransactions(CDNOW, 26, 30.86, 31, 52)).toBeCloseTo(25.46, 2);
    expect(probabilityAlive(CDNOW, 26, 30.86, 31)).toBeCloseTo(0.9979, 4);
  });

  it('is right about customers who were made that way: how many are there, buy again, and how often', () => {
    // given 10,000 customers, in groups of equal size by the chance that the model gives
    const [customers, horizon, groups] = [10_000, 8, 10];
    const parameters = { r: 0.7, alpha: 7, s: 0.9, beta: 12 };
    const made = simulatePareto(customers, parameters, horizon, 3);
    const rows = Array.from(made.frequency, (x, i) => {
      const of = [parameters, x, made.recency[i]!, made.age[i]!] as const;
      const chance = probabilityOfTransaction(...of, horizon);
      return {
        chance,
        alive: probabilityAlive(...of) - made.alive[i]!,
        again: chance - Number(made.later[i]! > 0),
        count: expectedTransactions(...of, horizon) - made.later[i]!,
      };
    }).sort((a, b) => a.chance - b.chance);
    // when, then: the mean error of each group is within four standard errors of none
    for (let group = 0; group < groups; group++) {
      const own = rows.slice((group * customers) / groups, ((group + 1) * customers) / groups);
      for (const name of ['alive', 'again', 'count'] as const) {
        const mean = own.reduce((sum, row) => sum + row[name], 0) / own.length;
        const variance = own.reduce((sum, row) => sum + (row[name] - mean) ** 2, 0) / own.length;
        expect(Math.abs(mean)).toBeLessThanOrEqual(4 * Math.sqrt(variance / own.length));
      }
    }
  });

  it('has no seam at s = 1, nor at alpha = beta, and says what is wrong', () => {
    const at = (change: object) => expectedTransactions({ ...CDNOW, ...change }, 3, 20, 30, 25);
    expect(at({ s: 1 + 1e-9 })).toBeCloseTo(at({ s: 1 }), 7);
    expect(at({ beta: 10.58 + 1e-9 })).toBeCloseTo(at({ beta: 10.58 }), 7);
    expect(at({ beta: 10.58 - 1e-9 })).toBeCloseTo(at({ beta: 10.58 }), 7);
    expect(probabilityOfTransaction(CDNOW, 3, 20, 30, 0)).toBe(0);
    expect(() => at({ s: 0 })).toThrow(/the parameter s is 0/);
    expect(() => at({ beta: Number.NaN })).toThrow(/the parameter beta is NaN/);
  });
});

describe('the time to the next transaction by BG/NBD', () => {
  const parameters = { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

  it('is the horizon at which a customer who is alive has bought with a chance of one half', () => {
    for (const [x, tx, T] of [
      [0, 0, 0],
      [2, 30.43, 38.86],
      [50, 10, 39],
    ] as const) {
      const time = medianTimeToTransaction(parameters, x, tx, T);
      const alive = probabilityAlive(parameters, x, tx, T);
      expect(probabilityOfTransaction(parameters, x, tx, T, time) / alive).toBeCloseTo(0.5, 12);
    }
  });

  it('is Infinity only where float64 ends', () => {
    expect(medianTimeToTransaction({ ...parameters, r: 1e-4 }, 0, 0, 30)).toBe(Number.POSITIVE_INFINITY);
    expect(() => medianTimeToTransaction(parameters, 1, 3, 2)).toThrow(/recency 3 and age 2/);
  });
});
