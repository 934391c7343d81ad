import { AT, type Interner, type UserState } from '../features/index.ts';

/**
 * What a user did with each item by a day, as numbers in a row: item, lines, first and last day, lines decayed at the
 * short and the long half-life of items. In ascending order of item names, so that sums over them are the same
 * whatever order the items were met in.
 */
export const ENTRY = { item: 0, lines: 1, first: 2, last: 3, short: 4, long: 5, size: 6 } as const;

/**
 * Reads the entries of one event type off a state.
 * @param day the state holds the days before it
 */
export function itemEntries(state: UserState, type: number, day: number, names: Interner): Float64Array {
  const { items, historyDays } = state;
  const rows: number[] = [];
  for (let at = 0; at < items.size; at++) {
    if (items.type[at] === type && items.days[at]! > 0 && items.lastDay[at]! >= day - historyDays)
      rows.push(at);
  }
  rows.sort((a, b) => names.compare(items.item[a]!, items.item[b]!));
  const entries = new Float64Array(rows.length * ENTRY.size);
  rows.forEach((at, i) => {
    const { short, long } = items.decayed(at, day);
    entries.set(
      [items.item[at]!, items.lines[at]!, items.firstDay[at]!, items.lastDay[at]!, short, long],
      i * ENTRY.size,
    );
  });
  return entries;
}

/** Days on which the user did this, ever. */
export const activeDays = (state: UserState, type: number): number => state.get(type, AT.activeDays);

/** A user at a day: the units that the user has, ascending, and what is known of each. */
export interface Profile {
  readonly count: number;
  readonly unit: Int32Array;
  readonly lines: Float64Array;
  /** Days since, at least 1. */
  readonly first: Float64Array;
  readonly last: Float64Array;
  readonly short: Float64Array;
  readonly long: Float64Array;
  readonly activeDays: number;
}

/** Sums entries of items into units. One object serves many users in turn. */
export class ProfileReader {
  readonly #day: number;
  /** Place of a unit in the sums; -1 for none. */
  readonly #place: Int32Array;

  constructor(units: number, day: number) {
    this.#day = day;
    this.#place = new Int32Array(units).fill(-1);
  }

  /**
   * @param unitOf number of an item's unit; -1 for none
   * @param entries as `itemEntries` gives them
   */
  read(entries: Float64Array, activeDays: number, unitOf: (item: number) => number): Profile {
    const place = this.#place;
    const places: {
      unit: number;
      lines: number;
      first: number;
      last: number;
      short: number;
      long: number;
    }[] = [];
    for (let at = 0; at < entries.length; at += ENTRY.size) {
      const unit = unitOf(entries[at + ENTRY.item]!);
      if (unit < 0) continue;
      const lines = entries[at + ENTRY.lines]!;
      const first = this.#day - entries[at + ENTRY.first]!;
      const last = this.#day - entries[at + ENTRY.last]!;
      const short = entries[at + ENTRY.short]!;
      const long = entries[at + ENTRY.long]!;
      const known = places[place[unit]!];
      if (!known) {
        place[unit] = places.push({ unit, lines, first, last, short, long }) - 1;
      } else {
        known.lines += lines;
        known.first = Math.max(known.first, first);
        known.last = Math.min(known.last, last);
        known.short += short;
        known.long += long;
      }
    }
    for (const { unit } of places) place[unit] = -1;
    places.sort((a, b) => a.unit - b.unit);
    return {
      count: places.length,
      unit: Int32Array.from(places, (p) => p.unit),
      lines: Float64Array.from(places, (p) => p.lines),
      first: Float64Array.from(places, (p) => p.first),
      last: Float64Array.from(places, (p) => p.last),
      short: Float64Array.from(places, (p) => p.short),
      long: Float64Array.from(places, (p) => p.long),
      activeDays,
    };
  }
}
