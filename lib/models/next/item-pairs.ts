import type { EventType } from '../../data/index.ts';
import { type RunManifest, sampledUsers } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { Best } from './best.ts';
import { History, type UserHistory } from './history.ts';
import { asOfDay } from './next-task.ts';

/** Others named of each item, and in how many baskets at least they went with it: once is chance. */
const MOST = 10;
const FEWEST = 2;
/** Baskets count up to so many items: a larger one is a wholesaler's, and says that all goes with all. */
const LARGEST = 200;

/** An item and another one that goes with it. */
export interface ItemPair {
  readonly item: string;
  /** In the same basket, or in a later one within the window. */
  readonly how: 'with' | 'next';
  /** From 1. */
  readonly rank: number;
  readonly other: string;
  /** Baskets (a user's day) of the item that the other one goes with. */
  readonly support: number;
  /** Their share of the item's baskets. */
  readonly confidence: number;
  /** How many times the share of all baskets: 1 is chance. */
  readonly lift: number;
}

/** Baskets in the order of users, then days; items by their number in the order of names. */
interface Baskets {
  readonly names: readonly string[];
  readonly start: Int32Array;
  readonly item: Int32Array;
  readonly day: Int32Array;
  /** The first basket behind it that is another user's or beyond the window. */
  readonly until: Int32Array;
}

/**
 * What goes with each item before the run's as-of day: association rules of two items (Brin et al. 1997, section 2), in the
 * same basket and in the baskets that follow within a window. Baskets whose window is not over do not count for what
 * follows. Named are those with the largest leverage, support less what chance would give (Piatetsky-Shapiro 1991): lift alone
 * prefers what is rare. In the order of items, `with` before `next`, then by rank.
 * @param withinDays days of the window
 */
export async function itemPairs(
  store: ObjectStore,
  manifest: RunManifest,
  { event, withinDays }: { readonly event: EventType; readonly withinDays: number },
): Promise<ItemPair[]> {
  const before = asOfDay(manifest);
  const history = new History([], event, []);
  const users = await sampledUsers(store, manifest);
  for (const shard of users.shards) {
    const read = await users.read(shard, before);
    for (const user of read) history.add(user, read.items);
  }
  const baskets = basketsOf(history, before, withinDays);
  const together = pairsOf(baskets, 'with', () => true);
  const next = pairsOf(baskets, 'next', (basket) => baskets.day[basket]! + withinDays < before);
  return baskets.names.flatMap((_, item) => [...together[item]!, ...next[item]!]);
}

function basketsOf(history: History, before: number, withinDays: number): Baskets {
  const names = [...history.names].sort();
  const numbers = new Map(names.map((name, i) => [name, i]));
  const numberOf = history.names.map((name) => numbers.get(name)!);
  const start = [0];
  const item: number[] = [];
  const day: number[] = [];
  const until: number[] = [];
  const addUser = ({ baskets }: UserHistory) => {
    const first = day.length;
    for (let at = 0; at < baskets.length; ) {
      const end = at + 2 + 2 * baskets[at + 1]!;
      if (baskets[at]! < before && (end - at - 2) / 2 <= LARGEST) {
        const items = new Set<number>();
        for (let i = at + 2; i < end; i += 2) items.add(numberOf[baskets[i]!]!);
        for (const one of items) item.push(one);
        day.push(baskets[at]!);
        start.push(item.length);
      }
      at = end;
    }
    for (let basket = first, last = first; basket < day.length; basket++) {
      while (last < day.length && day[last]! <= day[basket]! + withinDays) last++;
      until.push(last);
    }
  };
  for (const user of history.users) addUser(user);
  return {
    names,
    start: Int32Array.from(start),
    item: Int32Array.from(item),
    day: Int32Array.from(day),
    until: Int32Array.from(until),
  };
}

/**
 * The pairs of each item, counted item by item so that memory is that of the baskets.
 * @param counts does a basket take part?
 */
function pairsOf(
  { names, start, item, until }: Baskets,
  how: ItemPair['how'],
  counts: (basket: number) => boolean,
): ItemPair[][] {
  const n = names.length;
  const taking = Int32Array.from(until.keys()).filter(counts);
  const basketsOfItem: number[][] = Array.from({ length: n }, () => []);
  for (const basket of taking) {
    for (let i = start[basket]!; i < start[basket + 1]!; i++) basketsOfItem[item[i]!]!.push(basket);
  }
  const met = new Int32Array(n).fill(-1);
  let visit = 0;
  /** The items that go with a basket, each once. */
  const eachOther = (basket: number, on: (other: number) => void) => {
    const [from, to] = how === 'with' ? [basket, basket + 1] : [basket + 1, until[basket]!];
    visit++;
    for (let i = start[from]!; i < start[to]!; i++) {
      const other = item[i]!;
      if (met[other] === visit) continue;
      met[other] = visit;
      on(other);
    }
  };
  const base = new Float64Array(n);
  for (const basket of taking) eachOther(basket, (other) => base[other]!++);
  const sums = new Float64Array(n);
  const best = new Best(MOST);
  return basketsOfItem.map((own, a) => {
    const touched: number[] = [];
    for (const basket of own) {
      eachOther(basket, (other) => {
        if (sums[other] === 0) touched.push(other);
        sums[other]!++;
      });
    }
    for (const b of touched) {
      const leverage = sums[b]! - (own.length * base[b]!) / taking.length;
      if (b !== a && sums[b]! >= FEWEST && leverage > 0) best.offer(b, leverage);
    }
    const pairs = best.take().map((b, i): ItemPair => {
      const confidence = sums[b]! / own.length;
      const lift = confidence / (base[b]! / taking.length);
      return {
        ...{ item: names[a]!, how, rank: i + 1, other: names[b]! },
        ...{ support: sums[b]!, confidence, lift },
      };
    });
    for (const b of touched) sums[b] = 0;
    return pairs;
  });
}
