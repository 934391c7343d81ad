import { expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';
import { eventCode, parseDay } from '../../lib/data/index.ts';
import { addDay, UserState } from '../../lib/features/index.ts';
import { TRAITS, traitsOf } from '../../lib/score/profiles/traits.ts';

const D = parseDay('2025-06-02');
const config = parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {} });

interface Act {
  readonly ago: number;
  readonly type: 'view' | 'purchase' | 'return';
  readonly hour: number;
  readonly units: number;
  readonly money: number;
}

/** The state of a user with these lines, in order of time; each hour is a visit. */
function stateOf(acts: readonly Act[]): UserState {
  const state = new UserState(config);
  for (const ago of [...new Set(acts.map((act) => act.ago))].sort((a, b) => b - a)) {
    const own = acts.filter((act) => act.ago === ago).sort((a, b) => eventCode(a.type) - eventCode(b.type));
    const time = own.map(({ hour }) => (D - ago) * 86_400_000 + hour * 3_600_000);
    const entries = {
      type: Uint8Array.from(own, ({ type }) => eventCode(type)),
      key: Float64Array.from(time),
      time: Float64Array.from(time),
      hour: Uint8Array.from(own, ({ hour }) => hour),
      item: new Int32Array(own.length).fill(-1),
      lines: new Int32Array(own.length).fill(1),
      units: Float64Array.from(own, ({ units }) => 1000 * units),
      money: Float64Array.from(own, ({ money }) => 100 * money),
      id: new Uint32Array(2 * own.length),
    };
    addDay(state, { day: D - ago, entries, start: 0, end: own.length });
  }
  return state;
}

it('traits are what the lines of a buyer say', () => {
  // given: two orders on a day, one of them at night, a third a day later, half of the money of which comes back
  const state = stateOf([
    { ago: 10, type: 'view', hour: 2, units: 1, money: 0 },
    { ago: 10, type: 'purchase', hour: 2, units: 3, money: 30 },
    { ago: 10, type: 'purchase', hour: 12, units: 1, money: 10 },
    { ago: 9, type: 'purchase', hour: 12, units: 2, money: 20 },
    { ago: 5, type: 'return', hour: 12, units: -3, money: -30 },
  ]);
  // when
  const traits = Object.fromEntries(traitsOf(state, D, 100).map((value, t) => [TRAITS[t]!.name, value]));
  // then: three lines, drawn towards none by five
  expect(traits.returned_lines).toBeCloseTo(1 / 8, 12);
  expect(traits.returned_money).toBeCloseTo(1.5 / 8, 12);
  expect(traits.money_per_order).toBeCloseTo(Math.log1p(20), 12);
  expect(traits.price_per_unit).toBeCloseTo(Math.log1p(10), 12);
  expect(traits.units_per_line).toBeCloseTo(Math.log1p(2), 12);
  expect(traits.lines_per_order).toBeCloseTo(Math.log1p(1), 12);
  expect(traits.orders_per_day).toBeCloseTo(Math.log1p(3 / 2), 12);
  expect(traits.buying_pace).toBeCloseTo(1 / 40, 12);
  expect(traits.at_night).toBeCloseTo(1 / 8, 12);
  expect(traits.early_morning).toBe(0);
  expect(traits.views_per_order).toBeCloseTo(Math.log1p(1 / 3), 12);
  expect(traits.carts_per_order).toBe(0);
});

it('who never bought has none', () => {
  const looked = stateOf([{ ago: 3, type: 'view', hour: 9, units: 1, money: 0 }]);
  expect(traitsOf(looked, D, 100)).toEqual(TRAITS.map(() => Number.NaN));
});
