import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CustomerBaseError,
  expectedTransactions,
  probabilityAlive,
  probabilityOfTransaction,
} from '../../../lib/engine/customer-base/index.ts';
import { simulate } from './support.ts';

const recorded = JSON.parse(readFileSync(new URL('./fixtures/bg-nbd.json', import.meta.url), 'utf8'));
type Forecast = Record<
  'r' | 'alpha' | 'a' | 'b' | 'x' | 'tx' | 'T' | 'horizon' | 'alive' | 'expected',
  number
>;
const CDNOW = { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

describe('forecasts by BG/NBD', () => {
  it.each(recorded.forecasts as Forecast[])(
    'has the values of mpmath: x $x, T $T, a $a, b $b, $horizon ahead',
    (theirs) => {
      const { x, tx, T, horizon, ...parameters } = theirs;
      const alive = probabilityAlive(parameters, x, tx, T);
      const expected = expectedTransactions(parameters, x, tx, T, horizon);
      const close = (ours: number, value: number) => Math.abs(ours - value) <= 1e-10 * value;
      expect([alive, expected]).toSatisfy(
        () => close(alive, theirs.alive) && close(expected, theirs.expected),
      );
    },
  );

  it('expects 1.226 transactions of the customer in the paper', () => {
    expect(expectedTransactions(CDNOW, 2, 30.43, 38.86, 39)).toBeCloseTo(1.226, 3);
  });

  it('is right about customers who were made that way: how many are there, buy again, and how often', () => {
    // given 20,000 customers, in groups of equal size by the chance that the model gives
    const [customers, horizon, groups] = [20_000, 8, 10];
    const parameters = { r: 0.7, alpha: 7, a: 0.9, b: 2.2 };
    const { frequency, recency, age, later, alive } = simulate(customers, parameters, horizon, 3);
    const of = (i: number) => [parameters, frequency[i]!, recency[i]!, age[i]!] as const;
    const rows = Array.from(frequency, (_, i) => ({
      chance: probabilityOfTransaction(...of(i), horizon),
      alive: probabilityAlive(...of(i)) - alive[i]!,
      again: probabilityOfTransaction(...of(i), horizon) - Number(later[i]! > 0),
      count: expectedTransactions(...of(i), horizon) - later[i]!,
    })).sort((a, b) => a.chance - b.chance);
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

  it('has no seam at a = 1, and none at a horizon of 0', () => {
    const at = (a: number) => expectedTransactions({ ...CDNOW, a }, 3, 20, 30, 25);
    expect(at(1 + 1e-9)).toBeCloseTo(at(1), 7);
    expect(at(1 - 1e-9)).toBeCloseTo(at(1), 7);
    expect(expectedTransactions(CDNOW, 3, 20, 30, 0)).toBe(0);
    expect(probabilityOfTransaction(CDNOW, 3, 20, 30, 0)).toBeCloseTo(0, 15);
  });

  it('is a number for any customer: chances within 0 and 1, more in a longer time', () => {
    // given corners of what fits and histories can be
    const ends = [1e-4, 1, 1e4];
    let cases = 0;
    for (const r of ends) {
      for (const a of ends) {
        for (const b of ends) {
          for (const [x, tx, T] of [
            [0, 0, 0],
            [0, 0, 4000],
            [1, 0, 4000],
            [100_000, 4000, 4000],
            [100_000, 1, 4000],
          ] as const) {
            const parameters = { r, alpha: 30 * r, a, b };
            // when
            const [short, long] = [3, 300].map((horizon) => ({
              chance: probabilityOfTransaction(parameters, x, tx, T, horizon),
              // alpha of 0.003 and no age: the far horizon would be beyond the series
              count: expectedTransactions(
                parameters,
                x,
                tx,
                T,
                Math.min(horizon, 50 * (parameters.alpha + T)),
              ),
            }));
            // then
            expect(short!.chance >= 0 && long!.chance >= short!.chance && long!.chance <= 1).toBe(true);
            expect(short!.count >= 0 && Number.isFinite(long!.count)).toBe(true);
            expect(long!.count).toBeGreaterThanOrEqual(short!.count * (1 - 1e-9));
            cases += 1;
          }
        }
      }
    }
    expect(cases).toBe(135);
  });

  it('says what is wrong with what it is given', () => {
    expect(() => probabilityAlive({ ...CDNOW, a: 0 }, 1, 1, 2)).toThrow(CustomerBaseError);
    expect(() => probabilityAlive({ ...CDNOW, a: 0 }, 1, 1, 2)).toThrow(/the parameter a is 0/);
    expect(() => probabilityAlive(CDNOW, 1, 3, 2)).toThrow(/the customer has recency 3 and age 2/);
    expect(() => expectedTransactions(CDNOW, 1, 1, 2, -1)).toThrow(/the horizon is -1/);
    expect(() => probabilityOfTransaction(CDNOW, 1, 1, 2, Number.NaN)).toThrow(/the horizon is NaN/);
    expect(() => expectedTransactions(CDNOW, 1, 1, 2, 1e9)).toThrow(/at most 100000 times alpha \+ age/);
  });
});
