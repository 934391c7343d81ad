import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES, shopClock } from '../../lib/data/index.ts';
import { featureNames, featureVector, readShardDays } from '../../lib/features/index.ts';
import { arbitraryEvents, FIRST_DAY, putDrop, type RawEvent, testConfig, withStore } from './shop.ts';

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
const distinct = <T>(values: T[]) => [...new Set(values)];

/** The features as the documentation says them, from raw events with simple means. */
function naive(events: RawEvent[], asOf: number, zone: string, halfLives: number[], historyDays: number) {
  const clock = shopClock(zone);
  const all = events.map((e) => ({ ...e, ...clock(e.time) })).filter((e) => e.day < asOf);
  const out: Record<string, number> = {};
  const perType = EVENT_TYPES.map((_, type) => all.filter((e) => e.type === type));
  const visitsOf = (list: typeof all) => distinct(list.map((e) => `${e.day} ${e.session ?? e.time}`)).length;
  const moneyOf = (list: typeof all) => Math.abs(sum(list.map((e) => e.amount ?? 0))) / 100;
  for (const [type, list] of perType.entries()) {
    const set = (name: string, value: number) => {
      out[`${EVENT_TYPES[type]}.${name}`] = value;
    };
    const days = distinct(list.map((e) => e.day)).sort((a, b) => a - b);
    const on = (day: number) => list.filter((e) => e.day === day);
    const last = days.at(-1);
    const first = days[0];
    const recency = last === undefined ? historyDays : Math.min(historyDays, asOf - last);
    const tenure = first === undefined ? 0 : asOf - first;
    const units = Math.abs(sum(list.map((e) => e.quantity ?? 1)));
    set('has', list.length > 0 ? 1 : 0);
    set('recency', recency);
    set('tenure', tenure);
    set('lines', list.length);
    set('units', units);
    set('visits', visitsOf(list));
    set('active_days', days.length);
    set('money', moneyOf(list));
    for (const h of halfLives) {
      const decayed = (of: (list: typeof all) => number) =>
        sum(days.map((day) => of(on(day)) * 0.5 ** ((asOf - day) / h)));
      set(
        `lines_half_${h}d`,
        decayed((l) => l.length),
      );
      set(`visits_half_${h}d`, decayed(visitsOf));
      set(
        `days_half_${h}d`,
        decayed(() => 1),
      );
      set(`money_half_${h}d`, decayed(moneyOf));
    }
    const kept = list.filter((e) => asOf - e.day <= historyDays);
    for (const w of [7, 14, 30, 60, 90, 180, 365]) {
      const within = kept.filter((e) => asOf - e.day <= w);
      set(`active_days_${w}d`, distinct(within.map((e) => e.day)).length);
      set(`visits_${w}d`, visitsOf(within));
      set(`money_${w}d`, moneyOf(within));
    }
    for (let month = 0; month < 6; month++) {
      const inMonth = kept.filter((e) => asOf - e.day > 30 * month && asOf - e.day <= 30 * (month + 1));
      set(`active_days_month_${month + 1}`, distinct(inMonth.map((e) => e.day)).length);
    }
    const known = list.length > 0;
    const daysIn = (w: number) => distinct(kept.filter((e) => asOf - e.day <= w).map((e) => e.day)).length;
    for (const w of [7, 14, 30, 60, 90, 180, 365]) {
      set(`log_rate_${w}d`, known ? Math.log((daysIn(w) + 0.5) / (Math.min(w, tenure) + 15)) : 0);
    }
    set('log_rate', known ? Math.log((days.length - 0.3) / (tenure + 30)) : 0);
    set('only_once', days.length === 1 ? 1 : 0);
    set('only_twice', days.length === 2 ? 1 : 0);
    set('trend', Math.log((daysIn(30) + 1) / (daysIn(90) / 3 + 1)));
    set('visits_per_day', share(visitsOf(list), days.length));
    const perDay = share(moneyOf(list), days.length);
    const isKept = last !== undefined && asOf - last <= historyDays;
    const lastMoney = isKept ? moneyOf(on(last)) : 0;
    set('money_per_day', perDay);
    set('money_last', lastMoney);
    const keptMoney = distinct(kept.map((e) => e.day)).map((day) => moneyOf(on(day)));
    set('money_max', Math.max(0, ...keptMoney));
    set('money_last_over_mean', share(lastMoney, perDay));
    set('money_per_unit', share(moneyOf(list), units));
    set('lines_last', isKept ? on(last).length : 0);
    set('lines_per_day', share(list.length, days.length));
    set('money_per_visit', share(moneyOf(list), visitsOf(list)));
    set('money_per_line', share(moneyOf(list), list.length));
    set('lines_per_visit', share(list.length, visitsOf(list)));
    set('units_per_line', share(units, list.length));
    // An item's days fall into lives: one ends when the item is not seen for more than historyDays.
    const lives = distinct(list.map((e) => e.item).filter((i) => i !== undefined)).map((item) => {
      const seen = distinct(list.filter((e) => e.item === item).map((e) => e.day)).sort((a, b) => a - b);
      let [count, start] = [1, seen[0]!];
      for (const [i, day] of seen.entries()) {
        if (i > 0 && day - seen[i - 1]! > historyDays) [count, start] = [count + 1, day];
      }
      const now = list.filter((e) => e.item === item && e.day >= start);
      return { count, seen, lines: now.length, days: distinct(now.map((e) => e.day)) };
    });
    const current = lives.filter(({ seen }) => asOf - seen.at(-1)! <= historyDays);
    const news = sum(lives.map(({ count }) => count));
    set('distinct_items', news);
    set('distinct_items_90d', current.filter(({ seen }) => asOf - seen.at(-1)! <= 90).length);
    set('new_item_share', share(news, sum(lives.map(({ seen }) => seen.length))));
    set('repeat_items', current.filter((life) => life.days.length > 1).length);
    set('loyal_items', current.filter((life) => life.days.length > 2).length);
    set('repeat_item_share', share(current.filter((life) => life.days.length > 1).length, news));
    set('top_item_share', share(Math.max(0, ...current.map((life) => life.lines)), list.length));
    const gaps = days.slice(1).map((day, i) => day - days[i]!);
    const mean = share(sum(gaps), gaps.length);
    const deviation = Math.sqrt(share(sum(gaps.map((g) => (g - mean) ** 2)), gaps.length));
    set('gap_mean', mean);
    set('gap_deviation', deviation);
    set('gap_last', gaps.at(-1) ?? 0);
    set('gap_max', Math.max(0, ...gaps));
    const expected = (sum(gaps) + 45) / (gaps.length + 1);
    set('gap_expected', known ? expected : 0);
    set('log_recency_over_expected', known ? Math.log(recency / expected) : 0);
    set('waiting_expected', known ? Math.exp(-recency / expected) : 0);
    set('log_recency_over_last', gaps.length > 0 ? Math.log(recency / gaps.at(-1)!) : 0);
    set('log_recency_over_max', gaps.length > 0 ? Math.log(recency / Math.max(...gaps)) : 0);
    set('gap_variation', known ? deviation / (expected + 1) : 0);
    for (const alpha of [15, 60]) {
      const x = days.length - 1;
      const silence = x > 0 ? ((alpha + tenure) / (alpha + last! - first!)) ** Math.min(0.7 + x, 30) : 0;
      set(`alive_${alpha}`, known ? 1 / (1 + (0.8 / (1.5 + x)) * silence) : 0);
    }
    set('has_gap', gaps.length > 0 ? 1 : 0);
    set('recency_over_gap', share(recency, mean));
    set('overdue', gaps.length > 0 ? (recency - mean) / (deviation + 1) : 0);
    set('still_waiting', gaps.length > 0 ? Math.exp(-recency / mean) : 0);
    set('repeat_rate', share(Math.max(0, days.length - 1), tenure));
    set('active_part', first === undefined ? 0 : (last! - first) / tenure);
    // An entry's lines count at the hour of its first event.
    const entryHour = (e: (typeof all)[number]) => {
      const alike = on(e.day).filter(
        (o) => o.item === e.item && (o.session ?? o.time) === (e.session ?? e.time),
      );
      return alike.reduce((a, b) => (b.time < a.time ? b : a)).hour;
    };
    const hours = list.map(entryHour);
    for (let part = 0; part < 6; part++) {
      const inPart = hours.filter((hour) => Math.floor(hour / 4) === part).length;
      set(`hours_${part * 4}_to_${part * 4 + 3}`, share(inPart, list.length));
    }
    const keptDays = days.filter((day) => asOf - day <= historyDays);
    const names = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
    for (const [weekday, name] of names.entries()) {
      const onIt = keptDays.filter((day) => new Date(day * 86_400_000).getUTCDay() === weekday).length;
      set(`on_${name}`, share(onIt, keptDays.length));
    }
  }
  const anyDays = (w: number) =>
    distinct(all.filter((e) => asOf - e.day <= Math.min(w, historyDays)).map((e) => e.day)).length;
  for (const w of [7, 14, 30, 60, 90, 180, 365]) out[`any_days_${w}d`] = anyDays(w);
  out.any_recency = Math.min(historyDays, ...all.map((e) => asOf - e.day));
  out.trend = share(3 * anyDays(30), anyDays(90));
  const [views, carts] = [perType[0]!, perType[2]!];
  const [bought, returned] = [perType[5]!, perType[6]!];
  out.purchases_per_view = share(visitsOf(bought), views.length);
  out.purchases_per_cart = share(bought.length, carts.length);
  out.return_line_share = share(returned.length, bought.length);
  out.return_money_share = share(moneyOf(returned), moneyOf(bought));
  return out;
}

describe('the feature vector', () => {
  it.each([
    { zone: 'UTC', historyDays: 730 },
    { zone: 'America/New_York', historyDays: 15 },
  ])('equals a fold of plain objects over raw events in $zone', async ({ zone, historyDays }) => {
    const config = testConfig({ halfLives: [1, 7, 30], historyDays }, zone);
    const names = featureNames(config);
    await fc.assert(
      fc.asyncProperty(
        arbitraryEvents({ days: 60 }),
        fc.integer({ min: 1, max: 61 }),
        async (events, days) => {
          await withStore(async (store) => {
            // given the events of a few users and an as-of day
            const asOf = FIRST_DAY + days;
            const input = await putDrop(store, config, 'a', events);
            // when each is folded and made a vector
            const users = await readShardDays({
              store,
              config,
              inputs: [input],
              shard: 0,
              shards: 1,
              before: asOf,
            });
            const vector = new Float32Array(names.length);
            for (const { user, state, advance } of users) {
              advance(asOf);
              featureVector(state, asOf, config, vector);
              // then every feature is what its definition says
              const own = events.filter((e) => e.user === user);
              const expected = naive(own, asOf, zone, [1, 7, 30], historyDays);
              expect(Object.keys(expected).sort()).toEqual(names.map(({ name }) => name).sort());
              for (const [i, { name }] of names.entries()) {
                const value = expected[name]!;
                const error = Math.abs(vector[i]! - value) / Math.max(1, Math.abs(value));
                expect(error, `${name}: ${vector[i]} is not ${value}`).toBeLessThan(1e-6);
              }
            }
          });
        },
      ),
      { seed: 7, numRuns: 40 },
    );
  });

  it('has documented values for a user who never did it, and no NaN', async () => {
    await withStore(async (store) => {
      // given a user with one purchase
      const config = testConfig();
      const time = FIRST_DAY * 86_400_000;
      const input = await putDrop(store, config, 'a', [{ user: 'ann', time, type: 5 }]);
      // when the vector is made
      const names = featureNames(config);
      const vector = new Float32Array(names.length);
      const query = { store, config, inputs: [input], shard: 0, shards: 1, before: FIRST_DAY + 1 };
      for (const { state, advance } of await readShardDays(query)) {
        advance(FIRST_DAY + 1);
        featureVector(state, FIRST_DAY + 1, config, vector);
      }
      const value = (name: string) => vector[names.findIndex((one) => one.name === name)];
      // then what never happened is as far away as the history reaches, and flagged
      expect(value('view.has')).toBe(0);
      expect(value('view.recency')).toBe(730);
      expect(value('purchase.has')).toBe(1);
      expect(value('purchase.recency')).toBe(1);
      expect(vector.every(Number.isFinite)).toBe(true);
      expect(new Set(names.map(({ name }) => name)).size).toBe(names.length);
    });
  });
});
