import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { ALL } from '../../all.ts';
import { PURCHASE, type RawEvent, VIEW, withStore } from '../../features/shop.ts';
import { bought, listsOf, nextConfig, type Product, putProducts, runOver, train } from './shop.ts';

const DAYS = 120;
const AS_OF = 106;
const HORIZON = 14;
const NEW_DAYS = 14;
const CATEGORIES = 6;
const K = 5;

/** Items of six categories: ten of each from the first day on, and another one of some category every day. */
function catalogue(): Required<Pick<Product, 'item' | 'category' | 'from'>>[] {
  const rng = createRng('catalogue');
  const of = (n: number, from: number) => ({
    item: `item ${String(n).padStart(3, '0')}`,
    category: `category ${rng.integer(CATEGORIES)}`,
    from,
  });
  return [
    ...Array.from({ length: 60 }, (_, n) => of(n, 0)),
    ...Array.from({ length: DAYS }, (_, day) => of(60 + day, day)),
  ];
}

/** Users look at things of two categories and buy some of them; now and then they look at what is new in these. */
function noveltyShop(users: number): RawEvent[] {
  const rng = createRng('novelty shop');
  const products = catalogue();
  const events: RawEvent[] = [];
  for (let u = 0; u < users; u++) {
    const liked = new Set([`category ${u % CATEGORIES}`, `category ${(u + 1) % CATEGORIES}`]);
    const own = products.filter(({ category }) => liked.has(category));
    for (let day = 1 + rng.integer(10); day < DAYS; day += 2 + rng.integer(9)) {
      const known = own.filter(({ from }) => from < day);
      const fresh = known.filter(({ from }) => from >= day - NEW_DAYS);
      for (let n = 1 + rng.integer(3); n > 0; n--) {
        const from = fresh.length > 0 && rng.uniform() < 0.3 ? fresh : known;
        const { item } = from[rng.integer(from.length)]!;
        events.push({ ...bought(`user ${u}`, day, item), type: VIEW });
        if (rng.uniform() < 0.5) events.push(bought(`user ${u}`, day, item));
      }
    }
  }
  return events.sort((a, b) => a.time - b.time);
}

const midnight = (day: number) => bought('', day).time - 36_000_000;

describe('new items', { timeout: 180_000 }, () => {
  it.runIf(ALL)('get their share of lists where something is said of them, and are foretold', async () => {
    await withStore(async (store) => {
      const events = noveltyShop(150);
      const products = catalogue();
      const fresh = new Set(
        products.filter(({ from }) => from < AS_OF && from >= AS_OF - NEW_DAYS).map(({ item }) => item),
      );
      const share = (items: readonly string[]) =>
        items.filter((item) => fresh.has(item)).length / items.length;
      const between = (type: number, from: number, to: number) =>
        events.filter((e) => e.type === type && e.time >= midnight(from) && e.time < midnight(to));
      const views = between(VIEW, AS_OF - NEW_DAYS, AS_OF).map(({ item }) => item!);
      const later = between(PURCHASE, AS_OF, AS_OF + HORIZON);
      const run = async (dated: boolean) => {
        const key = await putProducts(store, `products ${dated}`, dated ? products : []);
        const manifest = await runOver(
          store,
          nextConfig({ k: K, horizonDays: HORIZON }),
          AS_OF,
          { a: events },
          [...(dated ? [key] : [])],
        );
        const files = await train(store, manifest);
        const lists = await listsOf(store, manifest, files);
        const named = [...lists.values()].flat();
        const hits = later.filter(({ user, item }) => lists.get(user)?.includes(item!));
        const newHits = hits.filter(({ item }) => fresh.has(item!));
        return {
          places: share(named),
          views: share(views),
          hits: hits.length,
          newHits: newHits.length,
          listed: new Set(named.filter((item) => fresh.has(item))).size,
        };
      };
      const [without, told] = [await run(false), await run(true)];
      // then: those of the last 14 days have at least their share of views, each is reached, and more is foretold
      expect(told.places).toBeGreaterThanOrEqual(told.views);
      expect(told.listed).toBe(fresh.size);
      expect(told.newHits).toBeGreaterThan(1.5 * without.newHits);
      expect(told.hits).toBeGreaterThan(1.2 * without.hits);
    });
  });
});
