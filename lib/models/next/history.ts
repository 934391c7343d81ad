import { EVENT_TYPES, type EventType, eventCode, stableUnit } from '../../data/index.ts';
import type { Interner, ShardUser } from '../../features/index.ts';
import { isLead, otherEntries } from './others.ts';
import { activeDays, ENTRY, itemEntries } from './profile.ts';

/**
 * Numbers kept of users at most (entries of their profiles and baskets, some 40 bytes each). Beyond it users are left
 * out by a stable hash, the same ones at every cut-off; statistics of items are then those of the users kept.
 */
const MAX_ENTRIES = 6_000_000;
/** An array of a type beside the target's counts as so many entries more: there are many, and most are short. */
const ARRAY = 4;
/** One for all users and cut-offs without other types. */
const NO_ENTRIES: ReadonlyMap<number, Float64Array> = new Map();

/** What one user did with items. */
export interface UserHistory {
  /** In [0, 1), the same every night. */
  readonly unit: number;
  /** Per active day, ascending: day, number of entries n, then n times (item, lines). */
  readonly baskets: Int32Array;
  /** By cut-off, in the order asked for: the entries of `itemEntries`, and days active before it. */
  readonly profiles: readonly Float64Array[];
  readonly activeDays: readonly number[];
  /** By cut-off, then by code of a type that is not the target's: its entries, where there are any. */
  readonly others: readonly ReadonlyMap<number, Float64Array>[];
  /** Like `baskets`, of the target's type and all that lead to an item; `baskets` itself where there is nothing else. */
  readonly together: Int32Array;
  /** Codes of the types beside the target's that the user had items with. */
  readonly types: readonly number[];
}

/**
 * What users did who ever had the target's event. Items are numbered in the order they were met: no result may depend
 * on that order.
 */
export class History {
  users: UserHistory[] = [];
  readonly names: string[] = [];
  readonly cutoffs: readonly number[];
  readonly #type: number;
  /** Codes of the types that may be read beside the target's. */
  readonly #reads: ReadonlySet<number>;
  readonly #limit: number;
  readonly #ids = new Map<string, number>();
  readonly #ofShard = new Map<Interner, Int32Array>();
  #threshold = 1;
  #entries = 0;

  /**
   * @param cutoffs ascending
   * @param others types to read beside the target's
   * @param limit entries at most
   */
  constructor(
    cutoffs: readonly number[],
    target: EventType,
    others: readonly EventType[] = EVENT_TYPES,
    limit = MAX_ENTRIES,
  ) {
    this.cutoffs = cutoffs;
    this.#type = eventCode(target);
    this.#reads = new Set(others.map(eventCode).filter((type) => type !== this.#type));
    this.#limit = limit;
  }

  /** Share of users that are kept. */
  get share(): number {
    return this.#threshold;
  }

  /** Types beside the target's that these users had items with, in the order of their codes. */
  get others(): EventType[] {
    const codes = new Set(this.users.flatMap(({ types }) => types));
    return EVENT_TYPES.filter((type) => codes.has(eventCode(type)));
  }

  /**
   * Users with the target's event before a day. Whoever has it later only is not known on that day: what such users did
   * before would tell of what they are about to do.
   */
  usersBefore(day: number): UserHistory[] {
    return this.users.filter(({ baskets }) => baskets[0]! < day);
  }

  /** Adds a user, advancing the state over the cut-offs. */
  add(user: ShardUser, items: Interner): void {
    const unit = stableUnit('ranking', user.user);
    if (unit >= this.#threshold) return;
    const baskets = this.#baskets(user, items, (type) => type === this.#type);
    if (baskets.length === 0) return;
    const types = this.#otherTypes(user);
    const leads = new Set(types.filter((type) => isLead(EVENT_TYPES[type]!)));
    const together =
      leads.size > 0 ? this.#baskets(user, items, (type) => type === this.#type || leads.has(type)) : baskets;
    const profiles: Float64Array[] = [];
    const others: ReadonlyMap<number, Float64Array>[] = [];
    const days: number[] = [];
    for (const cutoff of this.cutoffs) {
      user.advance(cutoff);
      profiles.push(this.#named(itemEntries(user.state, this.#type, cutoff, items), items));
      const read = types.map((type) => [type, otherEntries(user.state, type, cutoff, items)] as const);
      const found = read.filter(([, entries]) => entries.length > 0);
      for (const [, entries] of found) this.#named(entries, items);
      others.push(found.length > 0 ? new Map(found) : NO_ENTRIES);
      days.push(activeDays(user.state, this.#type));
    }
    const added = { unit, baskets, profiles, activeDays: days, others, together, types };
    this.users.push(added);
    this.#entries += size(added);
    while (this.#entries > this.#limit) {
      this.#threshold /= 2;
      this.users = this.users.filter((kept) => kept.unit < this.#threshold);
      this.#entries = this.users.reduce((sum, kept) => sum + size(kept), 0);
    }
  }

  /** Codes of the types beside the target's that a user had items with. */
  #otherTypes({ days }: ShardUser): number[] {
    const types = new Set<number>();
    for (const { entries, start, end } of days) {
      for (let i = start; i < end; i++) if (entries.item[i]! >= 0) types.add(entries.type[i]!);
    }
    return [...types].filter((type) => this.#reads.has(type));
  }

  /** Entries with our numbers of items. */
  #named(entries: Float64Array, items: Interner): Float64Array {
    for (let at = 0; at < entries.length; at += ENTRY.size) {
      entries[at + ENTRY.item] = this.#id(entries[at + ENTRY.item]!, items);
    }
    return entries;
  }

  #baskets({ days }: ShardUser, items: Interner, takes: (type: number) => boolean): Int32Array {
    const out: number[] = [];
    for (const { day, entries, start, end } of days) {
      const at = out.length;
      for (let i = start; i < end; i++) {
        if (!takes(entries.type[i]!) || entries.item[i]! < 0) continue;
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

function size({ baskets, profiles, others, together }: UserHistory): number {
  let numbers = baskets.length / 2;
  if (together !== baskets) numbers += together.length / 2;
  for (const entries of profiles) numbers += entries.length / ENTRY.size;
  for (const byType of others) {
    for (const entries of byType.values()) numbers += ARRAY + entries.length / ENTRY.size;
  }
  return numbers;
}

/** Calls back for each item of the days in [from, before) of a user's baskets. */
export function eachLine(
  baskets: Int32Array,
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
