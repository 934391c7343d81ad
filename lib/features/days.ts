import { grown } from './grow.ts';
import type { Interner } from './interner.ts';

/**
 * What a user did on one shop day, as *entries*: the day's events summed by (type, visit key, item), or one entry per
 * event where the source gives events an identity. Entries stand in canonical order: type, key, item name (no item
 * first), id.
 */
export interface Entries {
  /** Code of the event type. */
  readonly type: Uint8Array;
  /** What events of one visit share: a 53-bit hash of the session, or the time in ms where there is no session. */
  readonly key: Float64Array;
  /** Time of the first event, ms UTC. */
  readonly time: Float64Array;
  /** Hour of that time in the shop's zone, 0 to 23. */
  readonly hour: Uint8Array;
  /** Interned item name; -1 for none. */
  readonly item: Int32Array;
  /** Number of events. */
  readonly lines: Int32Array;
  /** Sum of quantities in thousandths: an integer, so that the order of adding never shows. */
  readonly units: Float64Array;
  /** Sum of line totals in minor units: an integer. */
  readonly money: Float64Array;
  /** The event's identity, two words an entry, the low one first; both 0 where its source has none. */
  readonly id: Uint32Array;
}

/** The entries [start, end) of `entries`: one user's shop day. */
export interface UserDay {
  readonly day: number;
  readonly entries: Entries;
  readonly start: number;
  readonly end: number;
}

/** Entries that grow; `entries` is what has been written so far (its arrays may be longer than `length`). */
export class EntryBuilder {
  length = 0;
  entries: Entries = {
    type: new Uint8Array(16),
    key: new Float64Array(16),
    time: new Float64Array(16),
    hour: new Uint8Array(16),
    item: new Int32Array(16),
    lines: new Int32Array(16),
    units: new Float64Array(16),
    money: new Float64Array(16),
    id: new Uint32Array(32),
  };

  /** Forgets the entries and keeps the memory. */
  clear(): void {
    this.length = 0;
  }

  /** Appends a copy of one entry. */
  copy(from: Entries, i: number): void {
    const at = this.#next();
    const to = this.entries;
    to.type[at] = from.type[i]!;
    to.key[at] = from.key[i]!;
    to.time[at] = from.time[i]!;
    to.hour[at] = from.hour[i]!;
    to.item[at] = from.item[i]!;
    to.lines[at] = from.lines[i]!;
    to.units[at] = from.units[i]!;
    to.money[at] = from.money[i]!;
    to.id[2 * at] = from.id[2 * i]!;
    to.id[2 * at + 1] = from.id[2 * i + 1]!;
  }

  /** Adds one entry to the last one. */
  addToLast(from: Entries, i: number): void {
    const to = this.entries;
    const at = this.length - 1;
    if (from.time[i]! < to.time[at]!) {
      to.time[at] = from.time[i]!;
      to.hour[at] = from.hour[i]!;
    }
    to.lines[at]! += from.lines[i]!;
    to.units[at]! += from.units[i]!;
    to.money[at]! += from.money[i]!;
  }

  #next(): number {
    const at = this.length++;
    if (at >= this.entries.type.length) {
      const e = this.entries;
      const room = at + 1;
      this.entries = {
        type: grown(e.type, room),
        key: grown(e.key, room),
        time: grown(e.time, room),
        hour: grown(e.hour, room),
        item: grown(e.item, room),
        lines: grown(e.lines, room),
        units: grown(e.units, room),
        money: grown(e.money, room),
        id: grown(e.id, 2 * room),
      };
    }
    return at;
  }
}

/**
 * One day from its fragments (what several drops tell of it): equal (type, key, item, identity) add up. The result does
 * not depend on the order or grouping of the fragments: sums are of integers, the rest are minima. An identity that two
 * drops tell of counts once because the lines of the older version are taken off before (`versions/`).
 */
export function mergeDays(fragments: readonly UserDay[], items: Interner): UserDay {
  const only = fragments[0]!;
  if (fragments.length === 1) return only;
  const all = new EntryBuilder();
  for (const { entries, start, end } of fragments) {
    for (let i = start; i < end; i++) all.copy(entries, i);
  }
  const merged = new EntryBuilder();
  canonicalEntries(all, items, merged);
  return { day: only.day, entries: merged.entries, start: 0, end: merged.length };
}

/** `mergeDays` of two fragments of one user and day. */
export function mergeDay(a: UserDay, b: UserDay, items: Interner): UserDay {
  return mergeDays([a, b], items);
}

/** Appends entries in canonical order to `merged`, equal ones added up. */
export function canonicalEntries(all: EntryBuilder, items: Interner, merged: EntryBuilder): void {
  const e = all.entries;
  const order = Array.from({ length: all.length }, (_, i) => i);
  let sorted = true;
  for (let n = 1; n < order.length && sorted; n++) sorted = compareEntries(e, n - 1, n, items) <= 0;
  if (!sorted) order.sort((a, b) => compareEntries(e, a, b, items));
  let last = -1;
  for (const i of order) {
    if (last >= 0 && compareEntries(e, last, i, items) === 0) merged.addToLast(e, i);
    else merged.copy(e, i);
    last = i;
  }
}

/** The canonical order of entries. */
function compareEntries(e: Entries, a: number, b: number, items: Interner): number {
  return (
    e.type[a]! - e.type[b]! ||
    e.key[a]! - e.key[b]! ||
    items.compare(e.item[a]!, e.item[b]!) ||
    e.id[2 * a + 1]! - e.id[2 * b + 1]! ||
    e.id[2 * a]! - e.id[2 * b]!
  );
}
