import { stableUnit } from '../../data/index.ts';
import type { Interner, ShardUser } from '../../features/index.ts';
import { activeDays, ENTRY, itemEntries } from './profile.ts';

/**
 * Numbers kept of users at most (entries of their profiles and baskets, some 40 bytes each). Beyond it users are left
 * out by a stable hash, the same ones at every cut-off; statistics of items are then those of the users kept.
 */
const MAX_ENTRIES = 6_000_000;

/** What one user did with items. */
export interface UserHistory {
  /** In [0, 1), the same every night. */
  readonly unit: number;
  /** Per active day, ascending: day, number of entries n, then n times (item, lines). */
  readonly baskets: Int32Array;
  /** By cut-off, in the order asked for: the entries of `itemEntries`, and days active before it. */
  readonly profiles: readonly Float64Array[];
  readonly activeDays: readonly number[];
}

/** Users' doings with one event type, items numbered in the order they were met: no result may depend on that order. */
export class History {
  users: UserHistory[] = [];
  readonly names: string[] = [];
  readonly cutoffs: readonly number[];
  readonly #type: number;
  readonly #limit: number;
  readonly #ids = new Map<string, number>();
  readonly #ofShard = new Map<Interner, Int32Array>();
  #threshold = 1;
  #entries = 0;

  /**
   * @param cutoffs ascending
   * @param limit entries at most
   */
  constructor(cutoffs: readonly number[], type: number, limit = MAX_ENTRIES) {
    this.cutoffs = cutoffs;
    this.#type = type;
    this.#limit = limit;
  }

  /** Share of users that are kept. */
  get share(): number {
    return this.#threshold;
  }

  /** Adds a user, advancing the state over the cut-offs. */
  add(user: ShardUser, items: Interner): void {
    const unit = stableUnit('ranking', user.user);
    if (unit >= this.#threshold) return;
    const baskets = this.#baskets(user, items);
    if (baskets.length === 0) return;
    const profiles: Float64Array[] = [];
    const days: number[] = [];
    for (const cutoff of this.cutoffs) {
      user.advance(cutoff);
      const entries = itemEntries(user.state, this.#type, cutoff, items);
      for (let at = 0; at < entries.length; at += ENTRY.size) {
        entries[at + ENTRY.item] = this.#id(entries[at + ENTRY.item]!, items);
      }
      profiles.push(entries);
      days.push(activeDays(user.state, this.#type));
    }
    const added = { unit, baskets, profiles, activeDays: days };
    this.users.push(added);
    this.#entries += size(added);
    while (this.#entries > this.#limit) {
      this.#threshold /= 2;
      this.users = this.users.filter((kept) => kept.unit < this.#threshold);
      this.#entries = this.users.reduce((sum, kept) => sum + size(kept), 0);
    }
  }

  #baskets({ days }: ShardUser, items: Interner): Int32Array {
    const out: number[] = [];
    for (const { day, entries, start, end } of days) {
      const at = out.length;
      for (let i = start; i < end; i++) {
        if (entries.type[i] !== this.#type || entries.item[i]! < 0) continue;
        if (out.length === at) out.push(day, 0);
        out.push(this.#id(entries.item[i]!, items), entries.lines[i]!);
        out[at + 1]!++;
      }
    }
    return Int32Array.from(out);
  }

  /** The number of an item of a shard. */
  #id(interned: number, items: Interner): number {
    let known = this.#ofShard.get(items);
    if (!known || known.length <= interned) {
      const larger = new Int32Array(Math.max(1024, 2 * items.size)).fill(-1);
      if (known) larger.set(known);
      else this.#ofShard.clear();
      this.#ofShard.set(items, larger);
      known = larger;
    }
    if (known[interned]! >= 0) return known[interned]!;
    const name = items.text(interned);
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.names.push(name) - 1;
      this.#ids.set(name, id);
    }
    known[interned] = id;
    return id;
  }
}

const size = ({ baskets, profiles }: UserHistory): number =>
  profiles.reduce((sum, entries) => sum + entries.length / ENTRY.size, baskets.length / 2);

/** Calls back for each item of the days in [from, before). */
export function eachLine(
  { baskets }: UserHistory,
  from: number,
  before: number,
  onLine: (item: number, lines: number, day: number) => void,
): void {
  for (let at = 0; at < baskets.length; ) {
    const day = baskets[at]!;
    const end = at + 2 + 2 * baskets[at + 1]!;
    if (day >= before) return;
    if (day >= from) for (let i = at + 2; i < end; i += 2) onLine(baskets[i]!, baskets[i + 1]!, day);
    at = end;
  }
}
