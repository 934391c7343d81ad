import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NextTask } from '../../../lib/config/index.ts';
import { DataError } from '../../../lib/data/index.ts';
import { ListPicker } from '../../../lib/models/next/list-picker.ts';
import type { NextModelManifest } from '../../../lib/models/next/manifest.ts';
import { taskGroups } from '../../../lib/run/index.ts';
import type { ObjectStore } from '../../../lib/runtime/index.ts';
import { FIRST_DAY, type RawEvent, withStore } from '../../features/shop.ts';
import {
  bought,
  listsOf,
  nextConfig,
  type Product,
  putItems,
  putProducts,
  runOver,
  tasteShop,
  train,
} from './shop.ts';

const DAYS = 130;
const AS_OF = 120;
const DAY = 86_400_000;
const K = 8;

type Rules = Partial<NextTask>;

const events = tasteShop(36, DAYS);
const items = [...new Set(events.map(({ item }) => item!))].sort();
/** Stock from 0 to 6, missing for some; milk has no row. */
const products: Product[] = items
  .filter((item) => item !== 'milk')
  .map((item, i) => ({
    item,
    category: item.slice(0, 7),
    ...(i % 8 === 7 ? {} : { stock: i % 7 }),
  }));
const productOf = new Map(products.map((product) => [product.item, product]));

/** Days ago of each item that a user had before the as-of day. */
function hadBy(user: string): Map<string, number> {
  const had = new Map<string, number>();
  for (const event of events) {
    const ago = FIRST_DAY + AS_OF - Math.floor(event.time / DAY);
    if (event.user === user && ago > 0) had.set(event.item!, ago);
  }
  return had;
}

async function shopWith(store: ObjectStore, rules: Rules, k = K, future: readonly RawEvent[] = []) {
  const key = await putProducts(store, 'products', products);
  const config = nextConfig({ k, rules });
  const drops = { a: events, ...(future.length > 0 ? { z: future } : {}) };
  return runOver(store, config, AS_OF, drops, [key]);
}

const described = (files: Readonly<Record<string, Uint8Array>>): NextModelManifest =>
  JSON.parse(new TextDecoder().decode(files['manifest.json']!));

describe('the rules of a list', { timeout: 120_000 }, () => {
  it('hold for every user, and lists stay as long as there are candidates', async () => {
    await withStore(async (store) => {
      // given one ranker
      const files = await train(store, await shopWith(store, {}));
      const known = [...new Set(events.map(({ user }) => user))].filter((user) => hadBy(user).size > 0);
      const rules = fc.record(
        {
          exclude: fc.constantFrom('bought' as const, { boughtWithinDays: 5 }, { boughtWithinDays: 20 }),
          never: fc.uniqueArray(fc.constantFrom(...items), { minLength: 1, maxLength: 9 }),
          only: fc.constantFrom(`category <> 'taste 2'`, 'stock >= 2', `item LIKE '%item 1'`),
          stock: fc.constant('stock'),
          mix: fc.record({ again: fc.constantFrom(0, 0.25, 0.5, 1) }),
        },
        { requiredKeys: [] },
      );
      const meets: Record<string, (product: Product) => boolean> = {
        "category <> 'taste 2'": ({ category }) => category !== 'taste 2',
        'stock >= 2': ({ stock }) => stock !== undefined && stock >= 2,
        "item LIKE '%item 1'": ({ item }) => item.endsWith('item 1'),
      };
      const check = async (rules: Rules, k: number) => {
        // when lists are made by some rules
        const lists = await listsOf(store, await shopWith(store, rules, k), files);
        for (const user of known) {
          const list = lists.get(user)!;
          const had = hadBy(user);
          const { exclude, never = [], only, stock, mix } = rules;
          const within = exclude === 'bought' ? DAYS : exclude ? exclude.boughtWithinDays : 0;
          const may = items.filter((item) => {
            const product = productOf.get(item);
            if (never.includes(item) || (had.get(item) ?? DAYS + 1) <= within) return false;
            if (only !== undefined && !(product && meets[only]!(product))) return false;
            return !(stock !== undefined && product?.stock === 0);
          });
          // then every entry may stand there, once, and none is missing
          expect(list.filter((item) => !may.includes(item))).toEqual([]);
          expect(new Set(list).size).toBe(list.length);
          expect(list.length).toBe(Math.min(k, may.length));
          // and what was had before keeps to its share, as long as there is something new
          if (mix) {
            const fresh = may.filter((item) => !had.has(item)).length;
            const most = Math.max(Math.round(mix.again * k), k - fresh);
            expect(list.filter((item) => had.has(item)).length).toBeLessThanOrEqual(most);
          }
        }
      };
      await fc.assert(fc.asyncProperty(rules, fc.constantFrom(3, K, 20), check), { numRuns: 25, seed: 11 });
    });
  });

  it('train nothing anew, and are measured', async () => {
    await withStore(async (store) => {
      // given the same shop with and without rules
      const plain = await shopWith(store, {});
      const ruled = await shopWith(store, { exclude: 'bought', mix: { again: 0.5 } });
      // when trained
      const [without, by] = [await train(store, plain), await train(store, ruled)];
      // then the ranker is the same
      expect(Buffer.compare(without['model.onnx']!, by['model.onnx']!)).toBe(0);
      expect(described(without).rules).toBeUndefined();
      // and the validation is that of lists by the rules, over the same users
      expect(described(by).rules).toEqual([
        'No items that the user has bought before.',
        'At most 4 of 8 entries are items that the user has had before.',
      ]);
      const [free, bound] = [without, by].map((files) => described(files).validation!.preference!);
      expect(bound!.assessment.n).toBe(free!.assessment.n);
      expect(bound!.assessment.recall!).toBeLessThan(free!.assessment.recall!);
    });
  });

  it('give their groups no name of their own', () => {
    // given a config, and one whose items have the same source
    const rules: Rules = { never: ['tea'] };
    const other: Rules = { exclude: 'bought', stock: 'stock', only: 'stock > 1' };
    // when groups are named
    const [one, two] = [rules, other].map((given) => taskGroups(nextConfig({ rules: given })));
    // then a champion serves under either
    expect(one).toEqual(two);
  });

  it('go by what was known before the as-of day', async () => {
    await withStore(async (store) => {
      // given rules, and a future in which stocks, categories and purchases change
      const rules: Rules = { exclude: 'bought', stock: 'stock', only: `category <> 'taste 2'` };
      const past = events.filter(({ time }) => time < (FIRST_DAY + AS_OF) * DAY);
      const listsWith = async (future: readonly RawEvent[], later: readonly Product[]) => {
        const key = await putProducts(store, `products ${later.length}`, [...products, ...later]);
        const drops = { a: past, ...(future.length > 0 ? { z: future } : {}) };
        const manifest = await runOver(store, nextConfig({ k: K, rules }), AS_OF, drops, [key]);
        return listsOf(store, manifest, await train(store, manifest));
      };
      const plain = await listsWith([], []);
      // when it is planted
      const planted = await listsWith(
        items.map((item) => bought('user 3', AS_OF, item)),
        products.map(({ item }) => ({ item, category: 'taste 2', stock: 0, from: AS_OF })),
      );
      // then nothing of it shows
      for (const [user, list] of plain) expect(planted.get(user)).toEqual(list);
    });
  });

  it('list a value of a category where one of its items may be listed', async () => {
    await withStore(async (store) => {
      // given two categories, one of which is sold out but for one item
      const key = await putProducts(store, 'two', [
        { item: 'green tea', category: 'tea', stock: 0 },
        { item: 'black tea', category: 'tea', stock: 3 },
        { item: 'cup', category: 'cups', stock: 0 },
        { item: 'mug', category: 'cups', stock: 0 },
      ]);
      const drops = { a: ['green tea', 'cup', 'mug'].map((item, i) => bought('ann', i, item)) };
      const config = nextConfig({ of: 'category', rules: { stock: 'stock' } });
      const manifest = await runOver(store, config, 10, drops, [key]);
      // when listed
      const lists = await listsOf(store, manifest, await train(store, manifest));
      // then
      expect(lists.get('ann')).toEqual(['tea']);
    });
  });

  it('raise what there is too much of', async () => {
    await withStore(async (store) => {
      // given one item that nobody but one user had, with plenty left
      const rare = items.find((item) => item.startsWith('taste 5'))!;
      const key = await putProducts(store, 'plenty', [{ item: rare, stock: 1000 }]);
      const rules: Rules = { stock: 'stock', overstock: { above: 999, boost: 100 } };
      const manifest = await runOver(store, nextConfig({ k: 50, rules }), AS_OF, { a: events }, [key]);
      // when listed
      const lists = await listsOf(store, manifest, await train(store, manifest));
      // then it leads every list that holds all there is
      for (const list of lists.values()) expect(list[0] ?? rare).toBe(rare);
    });
  });

  it('say which attributes there are when a condition cannot be asked', async () => {
    await withStore(async (store) => {
      // given conditions that are wrong in several ways
      const told = async (rules: Rules) => {
        const manifest = await shopWith(store, rules);
        return train(store, manifest).catch((error: unknown) => error);
      };
      // when trained
      const missing = await told({ only: `colour = 'red'` });
      const number = await told({ only: 'stock + 1' });
      const clock = await told({ only: 'random() < 0.5' });
      const key = await putItems(store, 'no stock', [['milk', 'drinks']]);
      const config = nextConfig({ rules: { stock: 'stock' } });
      const manifest = await runOver(store, config, AS_OF, { a: events }, [key]);
      const stock = await train(store, manifest).catch((error: unknown) => error);
      // then
      for (const error of [missing, number, clock, stock]) expect(error).toBeInstanceOf(DataError);
      expect(String(missing)).toMatch(
        /tasks\.preference\.only: given "colour = 'red'".*"item", "category", "stock".*no column "colour"/,
      );
      expect(String(number)).toContain('a condition is true or false');
      expect(String(clock)).toContain('random()');
      expect(String(stock)).toMatch(/tasks\.preference\.stock names "stock".*there are: none/);
    });
  });
});

describe('choosing a list', () => {
  const offered = (picker: ListPicker, had: readonly number[], scores: readonly number[]) => {
    scores.forEach((score, unit) => {
      picker.offer(unit, score, had.includes(unit));
    });
    return picker.take().map(({ id }) => id);
  };

  it('bounds what was had before, and fills up with either', () => {
    // given scores in descending order
    const scores = [9, 8, 7, 6, 5, 4];
    // when at most two of four may be had before
    const picker = new ListPicker(4, { again: 2 });
    // then the best new ones take the other places, a few had ones are no loss, and either fills up
    expect(offered(picker, [0, 1, 2, 3], scores)).toEqual([0, 1, 4, 5]);
    expect(offered(picker, [3], scores)).toEqual([0, 1, 2, 3]);
    expect(offered(picker, [0, 1, 2, 3, 4], scores)).toEqual([0, 1, 2, 5]);
    expect(offered(picker, [], [1, 2])).toEqual([1, 0]);
  });

  it('adds what a unit is raised by', () => {
    const picker = new ListPicker(2, { boost: Float64Array.of(0, 0, 5) });
    expect(offered(picker, [], [3, 2, 1])).toEqual([2, 0]);
  });
});
