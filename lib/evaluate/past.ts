import { EVENT_TYPES, eventCode, formatDay, minorDigits } from '../data/index.ts';
import type { UserDay } from '../features/index.ts';
import { eachUser } from '../models/index.ts';
import { openIds, type RunManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** Orders of the shop's own past: what a purchase is worth. */
export interface Orders {
  /** Purchases of one user in one session of a day, or at one instant where there are no sessions; those with a price. */
  readonly count: number;
  /** Mean value in major units. */
  readonly mean: number;
  /** 'YYYY-MM-DD' */
  readonly from: string;
  readonly to: string;
}

/** What the events of a run show, in one pass. */
export interface Past {
  /** Events of each shop day by type. */
  readonly days: { day: string; rows: Record<string, number> }[];
  /** Undefined where no purchase has a price. */
  readonly orders: Orders | undefined;
}

/** Orders of so many days before the as-of day count. */
const ORDER_DAYS = 365;
const PURCHASE = eventCode('purchase');

/**
 * Reads the events that a run lists, a shard in memory at a time.
 * @param before shop day from which on orders do not count
 */
export async function readPast(store: ObjectStore, manifest: RunManifest, before: number): Promise<Past> {
  const counts = new Map<number, Float64Array>();
  const minor = 10 ** minorDigits(manifest.config.shop.currency);
  const orders = new OrderCounter(before, minor);
  for await (const { user } of eachUser(openIds(store, manifest), Number.POSITIVE_INFINITY)) {
    for (const of of user.days) {
      let own = counts.get(of.day);
      if (!own) counts.set(of.day, (own = new Float64Array(EVENT_TYPES.length)));
      for (let i = of.start; i < of.end; i++) own[of.entries.type[i]!]! += of.entries.lines[i]!;
      orders.add(of);
    }
  }
  return {
    days: [...counts]
      .sort(([a], [b]) => a - b)
      .map(([day, own]) => ({
        day: formatDay(day),
        rows: Object.fromEntries(EVENT_TYPES.flatMap((name, i) => (own[i]! > 0 ? [[name, own[i]!]] : []))),
      })),
    orders: orders.finish(),
  };
}

class OrderCounter {
  readonly #before: number;
  /** Minor units in a major one. */
  readonly #minor: number;
  #count = 0;
  #money = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  constructor(before: number, minor: number) {
    this.#minor = minor;
    this.#before = before;
  }

  add({ day, entries, start, end }: UserDay): void {
    if (day >= this.#before || day < this.#before - ORDER_DAYS) return;
    const visits = new Set<number>();
    for (let i = start; i < end; i++) {
      if (entries.type[i] !== PURCHASE || !(entries.money[i]! > 0)) continue;
      this.#money += entries.money[i]!;
      visits.add(entries.key[i]!);
    }
    if (visits.size === 0) return;
    this.#count += visits.size;
    this.#first = Math.min(this.#first, day);
    this.#last = Math.max(this.#last, day);
  }

  finish(): Orders | undefined {
    if (this.#count === 0) return undefined;
    return {
      count: this.#count,
      mean: this.#money / this.#minor / this.#count,
      from: formatDay(this.#first),
      to: formatDay(this.#last),
    };
  }
}
