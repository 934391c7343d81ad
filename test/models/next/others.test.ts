import { describe, expect, it } from 'vitest';
import { EVENT_TYPES, eventCode } from '../../../lib/data/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { readShardDays, ShardedFiles } from '../../../lib/features/index.ts';
import { History } from '../../../lib/models/next/history.ts';
import { buildItemTable, type ItemTable, indexUnits } from '../../../lib/models/next/item-table.ts';
import { decodeItemTable, encodeItemTable } from '../../../lib/models/next/item-table-file.ts';
import { pairNames } from '../../../lib/models/next/other-columns.ts';
import { otherProfiles } from '../../../lib/models/next/other-features.ts';
import { PAIR_FEATURES } from '../../../lib/models/next/pair-columns.ts';
import { mostCandidates, PairFeatures } from '../../../lib/models/next/pair-features.ts';
import { ProfileReader } from '../../../lib/models/next/profile.ts';
import { itemTableKey } from '../../../lib/models/next/run-item-table.ts';
import { runIdOf } from '../../../lib/run/index.ts';
import { ALL } from '../../all.ts';
import { FIRST_DAY, PURCHASE, putDrop, type RawEvent, RETURN, VIEW, withStore } from '../../features/shop.ts';
import { bought, listsOf, nextConfig, runOver, train } from './shop.ts';

const CART = eventCode('cart');
const DAYS = 120;
const AS_OF = 100;
const HORIZON = 14;
const L = Math.log1p;
const READS = { others: ['view', 'cart', 'return'], attributes: false } as const;

const did = (type: number, user: string, day: number, item: string): RawEvent => ({
  ...bought(user, day, item),
  type,
});

/**
 * Users look at items all the time and buy, some days later, only what they had looked at and put into the cart. Which
 * of the sixty items that is, no purchase before tells.
 */
function lookingShop(users: number, days: number): RawEvent[] {
  const rng = createRng('looking shop');
  const events: RawEvent[] = [];
  for (let u = 0; u < users; u++) {
    const user = `user ${u}`;
    let carted: { item: string; due: number }[] = [];
    for (let day = rng.integer(5); day < days; day += 1 + rng.integer(4)) {
      const item = `item ${rng.integer(60)}`;
      events.push(did(VIEW, user, day, item));
      for (const { item: due } of carted.filter((one) => one.due <= day)) events.push(bought(user, day, due));
      carted = carted.filter((one) => one.due > day);
      if (rng.uniform() < 0.5) {
        events.push(did(CART, user, day, item));
        carted.push({ item, due: day + 3 + rng.integer(10) });
      }
      if (rng.uniform() < 0.05) events.push(did(RETURN, user, day, item));
    }
  }
  return events.sort((a, b) => a.time - b.time);
}

async function historyOf(
  drops: readonly (readonly RawEvent[])[],
  cutoffs: readonly number[],
  limit?: number,
): Promise<History> {
  return withStore(async (store) => {
    const config = nextConfig();
    const inputs = await Promise.all(drops.map((events, i) => putDrop(store, config, `${i}`, events)));
    const history = new History(
      cutoffs.map((day) => FIRST_DAY + day),
      'purchase',
      EVENT_TYPES,
      limit,
    );
    for (let shard = 0; shard < 2; shard++) {
      const before = FIRST_DAY + DAYS;
      const files = new ShardedFiles(store);
      const users = await readShardDays({ store, config, inputs, shard, shards: 2, before, files });
      for (const user of users) history.add(user, users.items);
    }
    return history;
  });
}

/** The table of a history's only cut-off, and all pairs of all users with units, by column name. */
function pairsOf(history: History): { table: ItemTable; pairs: Record<string, number>[][] } {
  const { others } = history;
  const day = history.cutoffs[0]!;
  const index = indexUnits(history, day, (item) => item);
  const table = buildItemTable(history, 0, index, others);
  const features = new PairFeatures(table, HORIZON);
  const reader = new ProfileReader(table.names.length, day);
  const names = pairNames(others);
  const out = new Float32Array(names.length);
  const pairs = history.users
    .toSorted((a, b) => a.unit - b.unit)
    .flatMap((user) => {
      const profile = reader.read(user.profiles[0]!, user.activeDays[0]!, index.of);
      if (profile.count === 0) return [];
      features.open(profile, otherProfiles(reader, user, 0, index, others));
      const rows = Array.from(features.candidates.subarray(0, features.count), (unit, c) => {
        features.write(c, out, 0);
        return { unit, ...Object.fromEntries(names.map((name, f) => [name, out[f]!])) };
      });
      return [rows];
    });
  return { table, pairs };
}

describe('a list task in a shop with several types of events', { timeout: 180_000 }, () => {
  it.runIf(ALL)('offers what was put into the cart and not bought yet', async () => {
    await withStore(async (store) => {
      // given a shop where the cart alone tells what is bought next, and prospects who have carted and never bought
      const prospects = Array.from({ length: 30 }, (_, n) => ({
        user: `prospect ${n}`,
        item: `item ${2 * n}`,
      }));
      const events = [
        ...lookingShop(120, DAYS),
        ...prospects.map(({ user, item }) => did(CART, user, AS_OF - 3, item)),
      ];
      const manifest = await runOver(store, nextConfig({ k: 5 }), AS_OF, { a: events });
      // when it is learnt and everybody is ranked
      const files = await train(store, manifest);
      const lists = await listsOf(store, manifest, files);
      // then most of what was in carts by the as-of day and is bought within the window is on the lists
      const midnight = (day: number) => bought('', day).time - 36_000_000;
      const of = (type: number, from: number, to: number) =>
        events.filter((e) => e.type === type && e.time >= midnight(from) && e.time < midnight(to));
      const inCart = new Set(of(CART, AS_OF - 13, AS_OF).map(({ user, item }) => `${user} ${item}`));
      const taken = of(PURCHASE, AS_OF, AS_OF + HORIZON).filter(({ user, item }) =>
        inCart.has(`${user} ${item}`),
      );
      const found = taken.filter(({ user, item }) => lists.get(user)!.includes(item!));
      expect(taken.length).toBeGreaterThan(100);
      expect(found.length / taken.length).toBeGreaterThan(0.8);
      // and a prospect's list is their own
      expect(prospects.filter(({ user, item }) => lists.get(user)![0] !== item)).toEqual([]);
      // and the manifest names what was read
      const manifestOf = JSON.parse(new TextDecoder().decode(files['manifest.json']));
      expect(manifestOf.others).toEqual(['view', 'cart', 'return']);
    });
  });

  it('ends in the same bytes whatever the order of drops, and whatever of any type comes later', async () => {
    // given one shop in one drop, in three others, and with a future of all types
    const events = lookingShop(60, DAYS);
    const past = events.filter(({ time }) => time < bought('', AS_OF).time - 36_000_000);
    const types = [VIEW, CART, RETURN, PURCHASE, eventCode('favorite'), eventCode('search')];
    const future = [
      ...events.slice(past.length),
      ...types.flatMap((type) => [
        did(type, 'user 1', AS_OF, 'item 1'),
        did(type, 'user 2', AS_OF, 'planted'),
        did(type, 'new user', AS_OF + 1, 'AAA'),
      ]),
    ];
    const part = (n: number) => past.filter((_, i) => i % 3 === n);
    const run = (drops: Record<string, readonly RawEvent[]>) =>
      withStore(async (store) => {
        const manifest = await runOver(store, nextConfig(), AS_OF, drops);
        const files = await train(store, manifest);
        const lists = await listsOf(store, manifest, files);
        const table = await (await store.get(itemTableKey(runIdOf(manifest), 'preference', READS))).bytes();
        return { files, table, lists };
      });
    // when each is run
    const plain = await run({ a: past });
    const split = await run({ c: part(1), a: part(2).reverse(), b: part(0) });
    const planted = await run({ a: past, z: future });
    // then models, manifests, item tables and lists are equal
    for (const other of [split, planted]) {
      for (const file of ['model.onnx', 'manifest.json'] as const) {
        expect(Buffer.compare(other.files[file]!, plain.files[file]!)).toBe(0);
      }
      expect(Buffer.compare(other.table, plain.table)).toBe(0);
      for (const [user, list] of plain.lists) expect(other.lists.get(user)).toEqual(list);
    }
    expect(planted.lists.get('new user')).toEqual([]);
  });

  it('reads nothing of a cut-off day or later, of any type', async () => {
    // given the history by a past cut-off, with visitors who have not bought yet, alone and with what came in the window
    // behind it, where everybody buys
    const cutoff = bought('', 70).time - 36_000_000;
    const events = lookingShop(60, DAYS).filter(
      ({ time, type, user }) => time >= cutoff || type !== PURCHASE || Number(user.split(' ')[1]) % 3 > 0,
    );
    const past = events.filter(({ time }) => time < cutoff);
    const later = [VIEW, CART, RETURN, PURCHASE].flatMap((type) =>
      events.filter(({ time }) => time >= cutoff).map((event) => ({ ...event, type })),
    );
    // when pairs are written as of the cut-off
    const alone = pairsOf(await historyOf([past], [70]));
    const followed = pairsOf(await historyOf([past, later], [70]));
    // then they are the same
    expect(alone.pairs.flat().length).toBeGreaterThan(1000);
    expect(followed).toEqual(alone);
  });

  it('has no other columns where there is one type', async () => {
    // given purchases alone
    const events = lookingShop(30, DAYS).filter(({ type }) => type === PURCHASE);
    // when the history is read
    const { others } = await historyOf([events], [AS_OF]);
    // then the columns are those of the target's type
    expect(others).toEqual([]);
    expect(pairNames(others)).toEqual(PAIR_FEATURES);
  });

  it('serves a model that reads the target alone as before', async () => {
    await withStore(async (store) => {
      // given a model of purchases alone, as earlier versions trained them, and a shop with views by now
      const events = lookingShop(30, DAYS);
      const purchases = await runOver(store, nextConfig(), AS_OF, {
        a: events.filter(({ type }) => type === PURCHASE),
      });
      const files = await train(store, purchases);
      const before = await listsOf(store, purchases, files);
      // when it ranks
      const lists = await listsOf(store, await runOver(store, nextConfig(), AS_OF, { b: events }), files);
      // then lists are those that it gave without the views
      for (const [user, list] of before) expect(lists.get(user)).toEqual(list);
    });
  });
});

describe('columns of other types', () => {
  it('are what their formulas say', async () => {
    // given what three users did by day 20
    const events = [
      bought('ann', 1, 'tea'),
      did(VIEW, 'ann', 10, 'tea'),
      did(VIEW, 'ann', 18, 'tea'),
      did(VIEW, 'ann', 18, 'cup'),
      did(CART, 'ann', 18, 'cup'),
      did(CART, 'ann', 4, 'milk'),
      bought('ann', 4, 'milk'),
      bought('bob', 5, 'tea'),
      did(VIEW, 'bob', 5, 'cup'),
      did(VIEW, 'bob', 19, 'pot'),
    ];
    const history = await historyOf([events], [20]);
    // when their pairs are written
    const { table, pairs } = pairsOf(history);
    const ann = pairs.find((rows) => rows.some((row) => row['cart: own'] === 1))!;
    const of = (item: string) => ann.find(({ unit }) => table.names[unit!] === item)!;
    // then units are all that someone had to do with, and all of them are candidates
    expect(table.names).toEqual(['cup', 'milk', 'pot', 'tea']);
    expect(ann).toHaveLength(4);
    // and counts, ages and shares are those of the type
    const decayed = (...ages: number[]) => ages.reduce((sum, age) => sum + 0.5 ** (age / 30), 0);
    const expected = {
      tea: { own: 1, 'own lines': L(2), 'own lines 30d': L(decayed(10, 2)), 'own share': 2 / 3 },
      cup: { own: 1, 'own lines': L(1), 'own lines 30d': L(decayed(2)), 'own share': 1 / 3 },
      milk: { own: 0, 'own lines': 0, 'own lines 30d': 0, 'own share': 0 },
    };
    for (const [item, columns] of Object.entries(expected)) {
      for (const [name, value] of Object.entries(columns)) {
        expect({ item, name, value: of(item)[`view: ${name}`] }).toEqual({
          item,
          name,
          value: expect.closeTo(value, 5),
        });
      }
    }
    expect(of('tea')['view: own last']).toBeCloseTo(L(2), 5);
    expect(of('cup')['view: on the last day']).toBe(1);
    // and a cart is open until the item is bought
    expect(of('cup')['cart: no target since']).toBe(1);
    expect(of('milk')['cart: no target since']).toBe(0);
    expect(of('milk')['cart: target since']).toBe(1);
    expect(of('tea')['cart: no target since']).toBe(0);
    // and popularity counts users of the last week
    const popular = (item: string) => of(item)['view: popularity 7d']!;
    expect(popular('tea')).toBeCloseTo(popular('pot'), 6);
    expect(popular('milk')).toBe(0);
    // and what was looked at beside the user's own is near
    expect(of('pot')['together recent']).toBe(0);
    expect(of('tea')['together recent']).toBeGreaterThan(0);
  });

  it('do not change by way of the item table file', async () => {
    // given tables with other types, and with one that leads to no item
    const events = lookingShop(20, DAYS);
    const undone = events.filter(({ type }) => type === PURCHASE || type === RETURN);
    for (const [shop, count] of [[events, 3] as const, [undone, 1] as const]) {
      const { table } = pairsOf(await historyOf([shop], [AS_OF]));
      // when written and read
      const read = decodeItemTable(encodeItemTable(table), 'items.arrow');
      // then nothing is lost
      expect(table.others).toHaveLength(count);
      expect(read).toEqual(table);
    }
  });

  it('stand beside the same candidates where no type leads to an item', async () => {
    // given purchases, alone and with returns; more items than there are popular ones
    const sold = Array.from({ length: 150 }, (_, i) => bought(`user ${i % 5}`, 10, `item ${i}`));
    const events = [...lookingShop(30, DAYS).filter(({ type }) => type === PURCHASE), ...sold];
    const returns = sold.slice(0, 40).map((event) => ({ ...event, type: RETURN }));
    // when pairs are written
    const alone = pairsOf(await historyOf([events], [AS_OF]));
    const both = pairsOf(await historyOf([events, returns], [AS_OF]));
    // then candidates and the columns of purchases are the same, and what was given back is told
    const ofPurchases = (rows: readonly Record<string, number>[]) =>
      rows.map((row) => ['unit', ...PAIR_FEATURES].map((name) => row[name]));
    expect(both.pairs.map(ofPurchases)).toEqual(alone.pairs.map(ofPurchases));
    expect(both.pairs.flat().filter((row) => row['return: own'] === 1)).toHaveLength(40);
  });

  it('count for what is kept of users at most', async () => {
    // given room for all purchases and not for everything beside them
    const events = lookingShop(60, DAYS);
    const room = 3 * events.filter(({ type }) => type === PURCHASE).length;
    // when read
    const purchases = await historyOf([events.filter(({ type }) => type === PURCHASE)], [AS_OF], room);
    const all = await historyOf([events], [AS_OF], room);
    // then a share of the users is kept
    expect(purchases.share).toBe(1);
    expect(all.share).toBeLessThan(1);
    expect(all.users.length).toBeGreaterThan(0);
    expect(all.users.length).toBeLessThan(purchases.users.length);
  });

  it('come from a bounded number of items and candidates', async () => {
    // given a user who bought 400 items, looked at 600 others, and gave one back that nobody else knows
    const many = (name: string, count: number) =>
      Array.from({ length: count }, (_, i) => `${name} ${String(i).padStart(3, '0')}`);
    const events = [
      ...many('bought', 400).map((item) => bought('ann', 10, item)),
      ...many('seen', 600).map((item, i) => did(VIEW, 'ann', 10 + Math.floor(i / 100), item)),
      did(RETURN, 'ann', 15, 'given back'),
    ];
    const history = await historyOf([events], [20]);
    // when the user's pairs are written
    const { table, pairs } = pairsOf(history);
    const [rows] = pairs;
    const named = rows!.map(({ unit }) => table.names[unit!]!);
    // then there are no more candidates than ever, of both kinds
    expect(named.length).toBeLessThanOrEqual(mostCandidates(false));
    expect(named.filter((name) => name.startsWith('bought')).length).toBeGreaterThanOrEqual(100);
    expect(named.filter((name) => name.startsWith('seen')).length).toBeGreaterThanOrEqual(100);
    // and what was seen is read of the latest only, and what was only given back is no unit
    const seen = rows!.filter((row) => row['view: own'] === 1).map(({ unit }) => table.names[unit!]!);
    for (const name of seen) expect(Number(name.split(' ')[1])).toBeGreaterThanOrEqual(400);
    expect(table.others.find(({ type }) => type === 'view')!.users.reduce((a, b) => a + b)).toBe(200);
    expect(table.names).not.toContain('given back');
  });
});
