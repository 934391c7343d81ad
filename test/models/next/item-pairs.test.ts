import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { type ItemPair, itemPairs } from '../../../lib/models/next/item-pairs.ts';
import { FIRST_DAY, type RawEvent, withStore } from '../../features/shop.ts';
import { bought, nextConfig, runOver } from './shop.ts';

const AS_OF = 60;
const WITHIN = 7;
const DAY = 86_400_000;
const asked = { event: 'purchase', withinDays: WITHIN } as const;

/** Bread with butter, a printer and ink a few days later, and noise. */
function shop(): RawEvent[] {
  const rng = createRng('pairs');
  const events: RawEvent[] = [];
  for (let u = 0; u < 30; u++) {
    const user = `user ${u}`;
    for (let day = rng.integer(5); day < AS_OF; day += 1 + rng.integer(6)) {
      if (rng.uniform() < 0.5) events.push(bought(user, day, 'bread'), bought(user, day, 'butter'));
      if (rng.uniform() < 0.2) {
        events.push(bought(user, day, 'printer'));
        if (day + 3 < AS_OF) events.push(bought(user, day + 3, 'ink'));
      }
      events.push(bought(user, day, `thing ${rng.integer(15)}`));
    }
  }
  return events;
}

/** Every number by its definition, over all baskets. */
function counted(events: readonly RawEvent[], how: ItemPair['how']): Map<string, Omit<ItemPair, 'rank'>> {
  const baskets = new Map<string, { user: string; day: number; items: Set<string> }>();
  for (const { user, time, item } of events) {
    const day = Math.floor(time / DAY) - FIRST_DAY;
    const key = `${user} ${day}`;
    if (!baskets.has(key)) baskets.set(key, { user, day, items: new Set() });
    baskets.get(key)!.items.add(item!);
  }
  const all = [...baskets.values()];
  const taking = all.filter(({ day }) => how === 'with' || day + WITHIN < AS_OF);
  const goesWith = (one: (typeof all)[number]) =>
    how === 'with'
      ? one.items
      : new Set(
          all
            .filter(({ user, day }) => user === one.user && day > one.day && day <= one.day + WITHIN)
            .flatMap(({ items }) => [...items]),
        );
  const sets = taking.map((basket) => ({ own: basket.items, others: goesWith(basket) }));
  const items = [...new Set(events.map(({ item }) => item!))];
  const pairs = new Map<string, Omit<ItemPair, 'rank'>>();
  for (const item of items) {
    const own = sets.filter(({ own }) => own.has(item));
    for (const other of items) {
      const support = own.filter(({ others }) => others.has(other)).length;
      const confidence = support / own.length;
      const lift = confidence / (sets.filter(({ others }) => others.has(other)).length / sets.length);
      pairs.set(`${item}, ${other}`, { item, how, other, support, confidence, lift });
    }
  }
  return pairs;
}

const pairsOf = (drops: Readonly<Record<string, readonly RawEvent[]>>) =>
  withStore(async (store) => itemPairs(store, await runOver(store, nextConfig(), AS_OF, drops), asked));

describe('what goes with an item', () => {
  it('is counted by the definitions of support, confidence and lift', async () => {
    // given a shop in which bread goes with butter, and ink follows printers
    const events = shop();
    // when
    const pairs = await pairsOf({ a: events });
    // then what was planted leads
    const first = (item: string, how: ItemPair['how']) =>
      pairs.find((pair) => pair.item === item && pair.how === how && pair.rank === 1)?.other;
    expect(first('bread', 'with')).toBe('butter');
    expect(first('printer', 'next')).toBe('ink');
    // and every number is that of its definition
    for (const { rank, ...pair } of pairs) {
      const expected = counted(events, pair.how).get(`${pair.item}, ${pair.other}`)!;
      expect({ ...pair, lift: 0 }).toEqual({ ...expected, lift: 0 });
      expect(pair.lift).toBeCloseTo(expected.lift, 12);
      expect(rank).toBeLessThanOrEqual(10);
      expect(pair.lift).toBeGreaterThan(1);
    }
    expect(pairs.length).toBeGreaterThan(40);
  });

  it('is the same whatever the order of drops, and whatever comes after the as-of day', async () => {
    // given the shop told in another way, and with a future
    const events = shop();
    const future = Array.from({ length: 20 }, (_, i) => [
      bought(`user ${i}`, AS_OF, 'bread'),
      bought(`user ${i}`, AS_OF, 'planted'),
      bought(`user ${i}`, AS_OF + 1, 'ink'),
    ]).flat();
    // when
    const plain = await pairsOf({ a: events });
    const other = await pairsOf({
      z: future,
      b: events.filter((_, i) => i % 2 === 1).reverse(),
      a: events.filter((_, i) => i % 2 === 0),
    });
    // then
    expect(other).toEqual(plain);
  });
});
