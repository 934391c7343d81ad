import { describe, expect, it } from 'vitest';
import { type ProfileSettings, parseConfig } from '../../lib/config/index.ts';
import { eventCode, parseDay } from '../../lib/data/index.ts';
import { addDay, Interner, UserState } from '../../lib/features/index.ts';
import { NO_CODE, PARTS_OF_DAY, partOfDay, WEEKDAYS, weekday } from '../../lib/score/profiles/habits.ts';
import { interestsOf } from '../../lib/score/profiles/interests.ts';
import { expectedGap, lifecycleOf } from '../../lib/score/profiles/lifecycle.ts';

const D = parseDay('2025-06-02');
const config = (profiles: object | true = true, features = {}) =>
  parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {}, exports: { profiles }, features });
const settings = (profiles: object | true = true): ProfileSettings => config(profiles).exports.profiles!;

interface Act {
  /** Days before the as-of day. */
  readonly ago: number;
  readonly type?: Parameters<typeof eventCode>[0];
  readonly hour?: number;
  readonly item?: number;
}

/** The state of a user who did this, each a line of its own. */
function stateOf(acts: readonly Act[], features = {}): UserState {
  const state = new UserState(config(true, features));
  const days = [...new Set(acts.map(({ ago }) => ago))].sort((a, b) => b - a);
  for (const ago of days) {
    const own = acts
      .filter((act) => act.ago === ago)
      .map(({ type = 'purchase', hour = 10, item = -1 }) => ({ type: eventCode(type), hour, item }))
      .sort((a, b) => a.type - b.type || a.hour - b.hour || a.item - b.item);
    const time = own.map(({ hour }) => (D - ago) * 86_400_000 + hour * 3_600_000);
    const entries = {
      type: Uint8Array.from(own, ({ type }) => type),
      key: Float64Array.from(time),
      time: Float64Array.from(time),
      hour: Uint8Array.from(own, ({ hour }) => hour),
      item: Int32Array.from(own, ({ item }) => item),
      lines: new Int32Array(own.length).fill(1),
      units: new Float64Array(own.length).fill(1000),
      money: new Float64Array(own.length).fill(500),
      id: new Uint32Array(2 * own.length),
    };
    addDay(state, { day: D - ago, entries, start: 0, end: own.length });
  }
  return state;
}

const bought = (...ago: number[]) => stateOf(ago.map((days) => ({ ago: days })));
const standing = (state: UserState, profiles: object | true = true) =>
  lifecycleOf(state, D, settings(profiles));

describe('lifecycle', () => {
  it.each([
    ['never bought', stateOf([{ ago: 3, type: 'view' }]), 'prospect'],
    ['first bought a few days ago', bought(5), 'new'],
    ['first bought 30 days ago, twice by now', bought(30, 4), 'new'],
    ['bought once, 31 days ago: 45 are expected', bought(31), 'active'],
    ['bought once, two expected gaps ago', bought(90), 'active'],
    ['bought once, more than two expected gaps ago', bought(91), 'lapsing'],
    ['bought once, four expected gaps ago', bought(180), 'lapsing'],
    ['bought once, more than four expected gaps ago', bought(181), 'lost'],
    // gaps of 10 days: (40 + 45) / 5 = 17 are expected
    ['every ten days up to 34 days ago', bought(74, 64, 54, 44, 34), 'active'],
    ['every ten days up to 35 days ago', bought(75, 65, 55, 45, 35), 'lapsing'],
    ['every ten days up to 69 days ago', bought(109, 99, 89, 79, 69), 'lost'],
    // after 200 days where (20 + 45) / 3 were expected
    ['came back after being lost', bought(230, 220, 210, 10), 'won_back'],
    ['came back, and bought again since', bought(230, 220, 210, 10, 3), 'won_back'],
    ['came back 30 days ago', bought(240, 230, 220, 30), 'won_back'],
    ['came back 31 days ago', bought(241, 231, 221, 31, 2), 'active'],
    ['came back in time', bought(100, 90, 80, 10), 'active'],
  ])('who %s', (_, state, expected) => {
    expect(standing(state)).toBe(expected);
  });

  it('nobody lapses within leastDays, however short the gaps', () => {
    const daily = (last: number) => bought(...Array.from({ length: 60 }, (_, i) => last + i));
    expect([14, 15, 28, 29].map((last) => standing(daily(last)))).toEqual([
      ...['active', 'lapsing', 'lapsing', 'lost'],
    ]);
    expect(standing(daily(9), { leastDays: 4 })).toBe('lost');
  });

  it('follows the settings', () => {
    const state = bought(100, 40);
    expect(standing(state)).toBe('active');
    expect(standing(state, { newDays: 100 })).toBe('new');
    expect(standing(state, { lapsingAfter: 0.7 })).toBe('lapsing');
    expect(standing(state, { lapsingAfter: 0.5, lostAfter: 0.7 })).toBe('lost');
    expect(expectedGap(state, settings())).toBe((60 + 45) / 2);
    expect(expectedGap(state, settings({ gapDays: 10 }))).toBe(35);
    expect(expectedGap(stateOf([]), settings())).toBeNaN();
  });

  it('knows a return whose day before is forgotten', () => {
    // given: 100 days of daily detail
    const states = [
      [300, 12, 5],
      [300, 290, 12],
      [900, 12, 5],
      [320, 300, 105, 12, 5],
    ].map((ago) => {
      const acts: Act[] = [...ago.map((days) => ({ ago: days })), { ago: 1, type: 'view' }];
      return stateOf(acts, { historyDays: 100 });
    });
    for (const state of states) expect(state.dayOf[state.dayStart]).toBe(D - 12);
    // when
    const own = settings({ gapDays: 10, leastDays: 2 });
    const standings = states.map((state) => lifecycleOf(state, D, own));
    // then
    expect(standings).toEqual(['won_back', 'won_back', 'won_back', 'active']);
  });
});

describe('habits', () => {
  it('are the part of the day with the most lines and the weekday of the most days', () => {
    // 2025-06-02 is a Monday: 7 and 14 days before it, too; 3 days before it a Friday with many lines
    const state = stateOf([
      { ago: 7, hour: 9 },
      { ago: 14, hour: 20, type: 'view' },
      ...[13, 14, 15].map((hour) => ({ ago: 3, hour, type: 'view' as const })),
    ]);
    expect(PARTS_OF_DAY[partOfDay(state)]).toBe('afternoon');
    expect(WEEKDAYS[weekday(state, D)]).toBe('monday');
  });

  it('are none where only the shop wrote', () => {
    const state = stateOf([{ ago: 2, type: 'message' }]);
    expect([partOfDay(state), weekday(state, D)]).toEqual([NO_CODE, NO_CODE]);
  });
});

describe('interests', () => {
  const items = new Interner();
  const [tea, pot, cake, odd] = ['tea-1', 'tea-2', 'cake', 'odd'].map((name) => items.internText(name)) as [
    number,
    number,
    number,
    number,
  ];
  const nameOf = (item: number) => ({ [tea]: 'tea', [pot]: 'tea', [cake]: 'cake' })[item];
  const told = (state: UserState, most = 3) =>
    JSON.parse(interestsOf(state, D, items, nameOf, most) ?? 'null');

  it('are shares of what was bought, older lines counting less', () => {
    const state = stateOf([
      { ago: 1, item: tea },
      { ago: 1, item: pot },
      { ago: 91, item: cake },
      { ago: 1, item: odd },
      { ago: 1, item: cake, type: 'view' },
    ]);
    // 90 days are one half-life of a line
    expect(told(state)).toEqual([
      { name: 'tea', value: 0.8 },
      { name: 'cake', value: 0.2 },
    ]);
    expect(told(state, 1)).toEqual([{ name: 'tea', value: 0.8 }]);
  });

  it('are what was looked at where nothing was bought, and nothing where nothing is known', () => {
    expect(
      told(
        stateOf([
          { ago: 1, item: cake, type: 'view' },
          { ago: 1, item: odd },
        ]),
      ),
    ).toEqual([{ name: 'cake', value: 1 }]);
    expect(told(stateOf([{ ago: 1, item: odd }]))).toBeNull();
    expect(told(stateOf([{ ago: 1, item: tea, type: 'return' }]))).toBeNull();
  });
});
