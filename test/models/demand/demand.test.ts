import { Field, Float64, TimestampMillisecond, Utf8, vectorFromArray } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { type Config, type ConfigInput, parseConfig } from '../../../lib/config/index.ts';
import { encodeArrow, recordBatch } from '../../../lib/data/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { demandFamily } from '../../../lib/models/demand/family.ts';
import { openUsers, type RunManifest, runIdOf } from '../../../lib/run/index.ts';
import type { ObjectStore } from '../../../lib/runtime/index.ts';
import { FIRST_DAY, PURCHASE, type RawEvent, RETURN, withStore } from '../../features/shop.ts';
import { runOver } from '../next/shop.ts';

const DAY = 86_400_000;
const AS_OF = 120;

const demandConfig = (task: object = {}): Config =>
  parseConfig({
    shop: { timeZone: 'UTC' },
    sources: {
      items: {
        format: 'csv',
        table: 'items',
        columns: { item: 'item' },
        attributes: { categories: ['kind'], numbers: ['stock'] },
      },
    },
    tasks: { demand: { kind: 'demand', horizonDays: 14, ...task } },
    shards: 2,
  } satisfies ConfigInput);

const sold = (user: string, day: number, item: string, quantity: number, type = PURCHASE): RawEvent => ({
  user,
  time: (FIRST_DAY + day) * DAY + 36_000_000,
  type,
  item,
  quantity,
});

/** Items that sell more the higher their number, a tenth of them grows, none on the seventh day of a week. */
function shopOf(items: number, days: number, seed: string): RawEvent[] {
  const rng = createRng(seed);
  const events: RawEvent[] = [];
  for (let day = 0; day < days; day++) {
    if ((FIRST_DAY + day) % 7 === 6) continue;
    for (let i = 0; i < items; i++) {
      if (rng.uniform() > 0.3 + i / (2 * items)) continue;
      events.push(sold(`user ${rng.integer(60)}`, day, `item ${i}`, 1 + rng.integer(2 + i)));
    }
  }
  return events;
}

const context = (store: ObjectStore, manifest: RunManifest) => ({
  store,
  manifest,
  users: async () => openUsers(store, manifest),
  group: manifest.groups[0]!,
  progress: () => {},
});

async function forecast(store: ObjectStore, manifest: RunManifest) {
  const files = await demandFamily.train(context(store, manifest));
  const group = manifest.groups[0]!;
  const scores = await demandFamily.score(files, {
    ...{ store, runId: runIdOf(manifest), manifest, group, threads: 1 },
  });
  return { files, scores, told: scores.forecasts!.demand! };
}

async function putStock(
  store: ObjectStore,
  rows: readonly (readonly [string, string, number | null, number])[],
) {
  const fields = [
    new Field('item', new Utf8(), false),
    new Field('kind', new Utf8(), true, new Map([['nightjar.kind', 'category']])),
    new Field('stock', new Float64(), true, new Map([['nightjar.kind', 'number']])),
    new Field('valid_from', new TimestampMillisecond('UTC'), true),
  ];
  const columns = [
    vectorFromArray(
      rows.map(([item]) => item),
      new Utf8(),
    ).data[0]!,
    vectorFromArray(
      rows.map(([, kind]) => kind),
      new Utf8(),
    ).data[0]!,
    vectorFromArray(
      rows.map(([, , stock]) => stock),
      new Float64(),
    ).data[0]!,
    vectorFromArray(
      rows.map(([, , , from]) => (FIRST_DAY + from) * DAY),
      new TimestampMillisecond('UTC'),
    ).data[0]!,
  ];
  const key = 'clean/items/stock/r1.arrow';
  await store.put(key, encodeArrow(fields, [recordBatch(fields, columns, rows.length)]));
  return key;
}

describe('demand of items', { timeout: 60_000 }, () => {
  it('is near to what then comes, nearer than the last week repeated', async () => {
    await withStore(async (store) => {
      // given
      const events = shopOf(40, AS_OF + 14, 'near');
      const config = demandConfig();
      const manifest = await runOver(store, config, AS_OF, { a: events });
      // when
      const { scores } = await forecast(store, manifest);
      const outcomes = await demandFamily.outcomes(
        { store, manifest, later: manifest, tasks: ['demand'] },
        scores,
      );
      // then
      const own = outcomes.demand!;
      if (own.kind !== 'demand') throw new Error('no outcome of demand');
      const error = (said: readonly number[]) =>
        said.reduce((sum, units, i) => sum + Math.abs(units - own.real[i]!), 0);
      expect(own.ids).toHaveLength(40);
      expect(error(own.units)).toBeLessThan(0.8 * error(own.naive));
      const within = own.real.filter((units, i) => units >= own.low[i]! && units <= own.high[i]!).length;
      expect(within / 40).toBeGreaterThan(0.6);
      // and what came is what was bought in the window
      const window = events.filter(({ time }) => time >= (FIRST_DAY + AS_OF) * DAY);
      const units = window.reduce((sum, { quantity = 0 }) => sum + quantity, 0);
      expect(own.real.reduce((sum, one) => sum + one, 0)).toBe(units);
    });
  });

  it('ends in the same bytes whatever the order of drops, and whatever comes from the as-of day on', async () => {
    await withStore(async (store) => {
      // given one shop told in two ways, and with a future that must not be seen
      const past = shopOf(12, AS_OF, 'order');
      const planted = [
        sold('user 1', AS_OF, 'item 3', 5000),
        sold('new user', AS_OF + 1, 'planted', 900),
        ...shopOf(12, 30, 'other').map((event) => ({ ...event, time: event.time + AS_OF * DAY })),
      ];
      const part = (n: number) => past.filter((_, i) => i % 3 === n);
      const run = (drops: Record<string, readonly RawEvent[]>) =>
        runOver(store, demandConfig(), AS_OF, drops);
      const first = await run({ a: past });
      const second = await run({ x: [...part(2), ...planted], y: part(0), z: [...part(1)].reverse() });
      // when
      const [one, other] = [await forecast(store, first), await forecast(store, second)];
      // then
      expect(other.files).toEqual(one.files);
      expect(other.scores).toEqual(one.scores);
    });
  });

  it('counts units of its event alone', async () => {
    await withStore(async (store) => {
      // given: returns beside purchases
      const bought = shopOf(10, AS_OF, 'returns');
      const returned = bought.map((event) => ({ ...event, type: RETURN, time: event.time + 1000 }));
      const config = demandConfig();
      // when
      const with_ = await forecast(
        store,
        await runOver(store, config, AS_OF, { a: [...bought, ...returned] }),
      );
      const without = await forecast(store, await runOver(store, config, AS_OF, { b: bought }));
      // then
      expect(with_.told).toEqual(without.told);
    });
  });

  it('tells the risk to run out where the stock is known, as of the day', async () => {
    await withStore(async (store) => {
      // given: much of one item, little of another, and a delivery that comes later
      const key = await putStock(store, [
        ['item 1', 'small', 100_000, 0],
        ['item 2', 'small', 0, 0],
        ['item 3', 'large', 100_000, 0],
        ['item 3', 'large', 1, 90],
        ['item 3', 'large', 100_000, AS_OF],
        ['item 4', 'large', null, 0],
      ]);
      const events = { a: shopOf(12, AS_OF, 'stock') };
      const manifest = await runOver(store, demandConfig({ stock: 'stock' }), AS_OF, events, [key]);
      // when
      const { scores, told } = await forecast(store, manifest);
      // then
      const risk = (item: string) => told.stockout[scores.users.indexOf(item)];
      expect(risk('item 1')).toBeLessThan(0.05);
      expect(risk('item 2')).toBeGreaterThan(0.95);
      expect(risk('item 3')).toBeGreaterThan(0.9);
      expect(risk('item 4')).toBeNaN();
      expect(risk('item 0')).toBeNaN();
      // and without the setting nothing is known
      const unset = await forecast(store, await runOver(store, demandConfig(), AS_OF, events, [key]));
      expect(unset.told.stockout.every(Number.isNaN)).toBe(true);
      expect(unset.told.units).toEqual(told.units);
    });
  });

  it('is of the values of an attribute, with the stock of their items together', async () => {
    await withStore(async (store) => {
      const rows = Array.from(
        { length: 40 },
        (_, i) => [`item ${i}`, i % 2 === 0 ? 'even' : 'odd', i, 0] as const,
      );
      const key = await putStock(store, rows);
      const config = demandConfig({ of: 'kind', stock: 'stock', horizonDays: 7 });
      const manifest = await runOver(store, config, AS_OF, { a: shopOf(40, AS_OF, 'kinds') }, [key]);
      const checked = await demandFamily.check(context(store, manifest));
      // Two values give few errors: 8 windows of 2.
      expect(checked.leftOut[0]?.why).toMatch(
        /^past windows have 16 forecasts of items together; at least 20/,
      );
      const { scores, told } = await forecast(store, manifest);
      expect(scores.users).toEqual(['even', 'odd']);
      expect(told.stockout[0]).not.toBeNaN();
    });
  });

  it('is left out while the history is too short, and says so', async () => {
    await withStore(async (store) => {
      const manifest = await runOver(store, demandConfig({ horizonDays: 28 }), 40, {
        a: shopOf(9, 40, 'short'),
      });
      const { tasks, leftOut } = await demandFamily.check(context(store, manifest));
      expect(tasks).toEqual([]);
      expect(leftOut[0]!.why).toMatch(/^sales begin on .*, \d+ days before the as-of day: that is too short/);
      const empty = await runOver(store, demandConfig(), 0, { b: shopOf(9, 40, 'none') });
      expect((await demandFamily.check(context(store, empty))).leftOut[0]!.why).toMatch(/^nothing was sold/);
    });
  });

  it('forecasts a later day by a model of before, from what was sold since', async () => {
    await withStore(async (store) => {
      const events = shopOf(20, AS_OF + 30, 'later');
      const config = demandConfig();
      const before = await runOver(store, config, AS_OF, { a: events });
      const after = await runOver(store, config, AS_OF + 14, { a: events });
      const { files, told } = await forecast(store, before);
      const { forecasts } = await demandFamily.score(files, {
        ...{ store, runId: 'later', manifest: after, group: after.groups[0]!, threads: 1 },
      });
      expect(forecasts!.demand!.units).not.toEqual(told.units);
    });
  });
});
