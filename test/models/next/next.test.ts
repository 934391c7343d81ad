import { describe, expect, it } from 'vitest';
import { DataError } from '../../../lib/data/index.ts';
import type { NextModelManifest } from '../../../lib/models/next/manifest.ts';
import { ensureItemTable, itemTableKey } from '../../../lib/models/next/run-item-table.ts';
import { runIdOf } from '../../../lib/run/index.ts';
import { ALL } from '../../all.ts';
import { VIEW, withStore } from '../../features/shop.ts';
import { bought, listsOf, nextConfig, putItems, runOver, tasteOf, tasteShop, train } from './shop.ts';

const DAYS = 150;
const AS_OF = 130;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const described = (files: Readonly<Record<string, Uint8Array>>): NextModelManifest =>
  JSON.parse(text(files['manifest.json']!));

describe('a list task over items', { timeout: 180_000 }, () => {
  it('learns what goes together', async () => {
    await withStore(async (store) => {
      // given a shop where users keep to a taste of six items, and newcomers who took one of them
      const newcomers = Array.from({ length: 12 }, (_, i) => `user ${1000 + i}`);
      const first = newcomers.map((user, i) => bought(user, AS_OF - 3, `${tasteOf(user)} item ${i % 6}`));
      const events = [...tasteShop(120, DAYS), ...first];
      const manifest = await runOver(store, nextConfig({ k: 7 }), AS_OF, { a: events });
      // when it is learnt and everybody is ranked
      const files = await train(store, manifest);
      const lists = await listsOf(store, manifest, files);
      // then newcomers are offered what else there is of their taste
      const found = newcomers.map((user) => {
        const list = lists.get(user)!;
        return list.filter((item) => item.startsWith(tasteOf(user))).length;
      });
      expect(found.reduce((sum, n) => sum + n, 0) / found.length).toBeGreaterThan(5.5);
      // and the manifest tells how it was trained
      const manifestOf = described(files);
      expect(manifestOf).toMatchObject({
        kind: 'next',
        task: 'preference',
        k: 7,
        trainedBefore: manifest.asOf,
      });
      expect(manifestOf.curve.at(-1)!.trainLoss).toBeLessThan(manifestOf.curve[0]!.trainLoss);
      expect(manifestOf.rows).toBeGreaterThan(manifestOf.groups);
    });
  });

  // Of all types: others.test.ts.
  it.runIf(ALL)(
    'ends in the same bytes whatever the order of drops, and whatever comes after the as-of day',
    async () => {
      // given one shop told in two drops, in four drops in another order, and with a future it must not see
      const events = tasteShop(60, DAYS);
      const past = events.filter(({ time }) => time < bought('', AS_OF).time - 36_000_000);
      const future = [
        ...events.slice(past.length),
        bought('user 1', AS_OF, 'taste 1 item 1'),
        bought('user 1', AS_OF, 'planted'),
        bought('new user', AS_OF + 1, 'AAA'),
      ];
      const part = (n: number, of: number, from = past) => from.filter((_, i) => i % of === n);
      const run = (drops: Record<string, readonly (typeof past)[number][]>) =>
        withStore(async (store) => {
          const manifest = await runOver(store, nextConfig(), AS_OF, drops);
          const files = await train(store, manifest);
          const lists = await listsOf(store, manifest, files);
          const table = await (
            await store.get(itemTableKey(runIdOf(manifest), 'preference', { others: [], attributes: false }))
          ).bytes();
          return { files, table, lists };
        });
      // when each is run
      const plain = await run({ a: past });
      const split = await run({ d: part(3, 4), b: part(1, 4), c: part(2, 4), a: part(0, 4).reverse() });
      const planted = await run({ a: past, z: future });
      // then models, item tables and lists are equal
      for (const other of [split, planted]) {
        expect(Buffer.compare(other.files['model.onnx']!, plain.files['model.onnx']!)).toBe(0);
        expect(Buffer.compare(other.table, plain.table)).toBe(0);
        for (const [user, list] of plain.lists) expect(other.lists.get(user)).toEqual(list);
      }
      // and of a user who is not there yet nothing is said
      expect(planted.lists.get('new user')).toEqual([]);
    },
  );

  it('gives those who never bought what is popular, and as many as there are', async () => {
    await withStore(async (store) => {
      // given fewer items than a list has places, and a user who only looked
      const events = [...tasteShop(30, DAYS), { ...bought('looker', 100, 'milk'), type: VIEW }];
      const manifest = await runOver(store, nextConfig({ k: 50 }), AS_OF, { a: events });
      // when ranked
      const lists = await listsOf(store, manifest, await train(store, manifest));
      // then every list names every item once, and the looker's follows the purchases of the last 30 days
      const items = [...new Set(events.map(({ item }) => item!))].sort();
      for (const list of lists.values()) expect([...list].sort()).toEqual(items);
      const from = bought('', AS_OF - 30).time - 36_000_000;
      const to = bought('', AS_OF).time - 36_000_000;
      const counts = new Map(items.map((item) => [item, 0]));
      for (const { item, time, type } of events) {
        if (type !== VIEW && time >= from && time < to) counts.set(item!, counts.get(item!)! + 1);
      }
      const popularity = lists.get('looker')!.map((item) => counts.get(item)!);
      expect(popularity).toEqual([...popularity].sort((a, b) => b - a));
      expect(popularity[0]).toBeGreaterThan(popularity.at(-1)!);
    });
  });

  it('ranks by fixed weights where no window is closed', async () => {
    await withStore(async (store) => {
      // given four days of history and a window of fourteen
      const events = [
        bought('ann', 0, 'tea'),
        bought('ann', 1, 'tea'),
        bought('ann', 2, 'cup'),
        bought('bob', 3, 'milk'),
      ];
      const manifest = await runOver(store, nextConfig(), 4, { a: events });
      // when trained and scored
      const files = await train(store, manifest);
      const lists = await listsOf(store, manifest, files);
      // then it says so, and own items come first
      expect(described(files).selection.join(' ')).toContain('fixed weights');
      expect(described(files).rows).toBe(0);
      expect(lists.get('ann')![0]).toBe('tea');
      expect(lists.get('bob')![0]).toBe('milk');
    });
  });

  it('has empty lists where nobody bought anything', async () => {
    await withStore(async (store) => {
      // given users who only look
      const events = [{ ...bought('ann', 0, 'tea'), type: VIEW }, bought('bob', 40)];
      const manifest = await runOver(store, nextConfig(), 60, { a: events });
      // when trained and scored
      const lists = await listsOf(store, manifest, await train(store, manifest));
      // then there is nothing to rank
      expect([...lists.values()]).toEqual([[], []]);
    });
  });
});

describe('a list task over a category', () => {
  it('ranks categories and ignores items without one', async () => {
    await withStore(async (store) => {
      // given items that are spread over products, milk without a category, and bread that no table knows
      const events = tasteShop(80, DAYS).flatMap((event, i) => [
        { ...event, item: event.item === 'milk' ? 'milk' : `${event.item} of brand ${i % 3}` },
        ...(i % 5 === 0 ? [{ ...event, item: 'bread' }] : []),
      ]);
      const products = [...new Set(events.map(({ item }) => item))].filter((item) => item !== 'bread');
      const key = await putItems(
        store,
        'products',
        products.map((item) => [item, item === 'milk' ? undefined : item.split(' of ')[0]] as const),
      );
      const manifest = await runOver(store, nextConfig({ of: 'category' }), AS_OF, { a: events }, [key]);
      // when ranked
      const lists = await listsOf(store, manifest, await train(store, manifest));
      const table = await ensureItemTable(store, runIdOf(manifest), manifest, 'preference', {
        others: [],
        attributes: undefined,
      });
      // then units are the categories
      expect(table.names).toEqual([...table.names].sort());
      expect(table.names).toHaveLength(36);
      expect(new Set([...lists.values()].flat()).size).toBeGreaterThan(10);
      for (const name of [...lists.values()].flat()) expect(table.names).toContain(name);
    });
  });

  it('takes the category that was known before the as-of day', async () => {
    await withStore(async (store) => {
      // given an item that moves from one category to another, and will move again
      const key = await putItems(store, 'products', [
        ['tea', 'drinks', 0],
        ['tea', 'hot drinks', 20],
        ['tea', 'planted', 30],
      ]);
      const config = nextConfig({ of: 'category' });
      const drops = { a: [bought('ann', 1, 'tea'), bought('ann', 2, 'tea')] };
      const namesAt = async (day: number) => {
        const manifest = await runOver(store, config, day, drops, [key]);
        return (
          await ensureItemTable(store, runIdOf(manifest), manifest, 'preference', {
            others: [],
            attributes: undefined,
          })
        ).names;
      };
      // when tables of several days are built
      // then each has the name of its day
      expect(await namesAt(20)).toEqual(['drinks']);
      expect(await namesAt(21)).toEqual(['hot drinks']);
      expect(await namesAt(30)).toEqual(['hot drinks']);
    });
  });

  it('names the attributes there are when the one asked for is missing', async () => {
    await withStore(async (store) => {
      // given a table with another attribute
      const key = await putItems(store, 'products', [['tea', 'drinks']]);
      const drops = { a: [bought('ann', 1, 'tea')] };
      const manifest = await runOver(store, nextConfig({ of: 'colour' }), 40, drops, [key]);
      // when trained
      const training = train(store, manifest);
      // then the error says what stands there
      await expect(training).rejects.toThrow(DataError);
      await expect(training).rejects.toThrow(/"colour".*category/);
    });
  });
});
