import { AT, type Interner, type UserState } from '../../features/index.ts';

/**
 * What a user did with each item by a day, as numbers in a row: item, lines, first and last day, lines decayed at the
 * short and the long half-life of items. In ascending order of item names, so that sums over them are the same
 * whatever order the items were met in.
 */
export const ENTRY = { item: 0, lines: 1, first: 2, last: 3, short: 4, long: 5, size: 6 } as const;

/**
 * Reads the entries of one event type off a state.
 * @param day the state holds the days before it
 * @param most of more items those had last are read; then those with the most decayed lines, then by name
 */
export function itemEntries(
  state: UserState,
  type: number,
  day: number,
  names: Interner,
  most = Number.POSITIVE_INFINITY,
): Float64Array {
  const { items, historyDays } = state;
  const rows: number[] = [];
  for (let at = 0; at < items.size; at++) {
    if (items.type[at] === type && items.days[at]! > 0 && items.lastDay[at]! >= day - historyDays)
      rows.push(at);
  }
  const byName = (a: number, b: number) => names.compare(items.item[a]!, items.item[b]!);
  if (rows.length > most) {
    const long = new Map(rows.map((at) => [at, items.decayed(at, day).long]));
    const lastDay = (at: number) => items.lastDay[at]!;
    rows.sort((a, b) => lastDay(b) - lastDay(a) || long.get(b)! - long.get(a)! || byName(a, b));
    rows.length = most;
  }
  rows.sort(byName);
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

const EMPTY = new Float64Array(0);
/** Of a user without any unit. */
export const NO_PROFILE: Profile = {
  ...{ count: 0, activeDays: 0, unit: new Int32Array(0) },
  ...{ lines: EMPTY, first: EMPTY, last: EMPTY, short: EMPTY, long: EMPTY },
};

type Columns = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];

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
    const size = entries.length / ENTRY.size;
    const unit = new Int32Array(size);
    const [lines, first, last, short, long] = Array.from(
      { length: 5 },
      () => new Float64Array(size),
    ) as Columns;
    let count = 0;
    let ascending = true;
    for (let i = 0; i < entries.length; i += ENTRY.size) {
      const u = unitOf(entries[i + ENTRY.item]!);
      if (u < 0) continue;
      const known = place[u]! >= 0;
      const at = known ? place[u]! : count++;
      if (!known) {
        place[u] = at;
        unit[at] = u;
        last[at] = Number.POSITIVE_INFINITY;
        if (at > 0 && unit[at - 1]! > u) ascending = false;
      }
      lines[at]! += entries[i + ENTRY.lines]!;
      first[at] = Math.max(first[at]!, this.#day - entries[i + ENTRY.first]!);
      last[at] = Math.min(last[at]!, this.#day - entries[i + ENTRY.last]!);
      short[at]! += entries[i + ENTRY.short]!;
      long[at]! += entries[i + ENTRY.long]!;
    }
    for (let at = 0; at < count; at++) place[unit[at]!] = -1;
    const columns: Columns = [lines, first, last, short, long];
    const order = Int32Array.from({ length: count }, (_, at) => at);
    if (!ascending) order.sort((a, b) => unit[a]! - unit[b]!);
    const sorted = columns.map((c) =>
      ascending ? c.subarray(0, count) : Float64Array.from(order, (at) => c[at]!),
    );
    return {
      count,
      unit: ascending ? unit.subarray(0, count) : Int32Array.from(order, (at) => unit[at]!),
      lines: sorted[0]!,
      first: sorted[1]!,
      last: sorted[2]!,
      short: sorted[3]!,
      long: sorted[4]!,
      activeDays,
    };
  }
}
