import { type EventType, eventCode } from '../../data/index.ts';
import { createRng } from '../../engine/host/index.ts';
import type { UnitOf } from '../shared/index.ts';
import { Best } from './best.ts';
import { type Neighbours, neighbours, noNeighbours, type SparseRows } from './co-occurrence.ts';
import { embed } from './embedding.ts';
import { eachLine, type History, type UserHistory } from './history.ts';
import { hasLead } from './others.ts';
import { type Profile, ProfileReader } from './profile.ts';

/** A user's units, and a basket's, count for co-occurrence up to so many: those with the most lines, then by name. */
const MAX_UNITS_PER_USER = 500;
const MAX_UNITS_PER_BASKET = 200;
/** Neighbours kept of a unit. */
const NEIGHBOURS = 100;
/** Half-lives in days of the decayed popularity and of a basket's weight. */
const POPULARITY_HALF_LIFE = 60;
const BASKET_HALF_LIFE = 90;

/** What is known of the units by the users of one type beside the target's. */
export interface OtherStatistics {
  readonly type: EventType;
  /** Users who did it with the unit, and those who last did so in the last 7 days. */
  readonly users: Float64Array;
  readonly recent: Float64Array;
  /** Lines, decayed at the short half-life of items. */
  readonly short: Float64Array;
}

/**
 * What is known of the units on a day: of those that someone had to do with before it, and of those that were known by then
 * without that, where the model reads attributes; in ascending order of names.
 */
export interface ItemTable {
  /** Shop day: events before it count. */
  readonly day: number;
  readonly names: readonly string[];
  /** Lines of the last 7, 30 and 90 days, all lines decayed. */
  readonly last7: Float64Array;
  readonly last30: Float64Array;
  readonly last90: Float64Array;
  readonly decayed: Float64Array;
  readonly lines: Float64Array;
  /** Users who have it, and those with more than one line. */
  readonly users: Float64Array;
  readonly repeaters: Float64Array;
  /** Days since it was first seen. */
  readonly age: Float64Array;
  /** By users who share units, and by baskets (a user's day). */
  readonly byUser: Neighbours;
  readonly byBasket: Neighbours;
  /** (units, DIMENSIONS). */
  readonly embedding: Float32Array;
  /** In the order of the types' codes; none in a shop with one type of event. */
  readonly others: readonly OtherStatistics[];
  /** By baskets of all types that lead to a unit; none where no other type does. */
  readonly together: Neighbours;
}

/** What the table needs of a profile: all users' are held at once. */
type Owned = Pick<Profile, 'unit' | 'lines'>;

/** Units of the items of a history as of a day. */
export interface UnitIndex {
  readonly names: readonly string[];
  /** Number of an item's unit; -1 where it has none or nobody had it before the day. */
  readonly of: (item: number) => number;
}

/**
 * Numbers the units that someone had to do with before the day by their names.
 * @param cold units beside those that someone had to do with, which are named
 */
export function indexUnits(
  history: History,
  day: number,
  unitOf: UnitOf,
  cold: (had: ReadonlySet<string>) => readonly string[] = () => [],
): UnitIndex {
  const nameOf = history.names.map((item) => unitOf(item));
  const known = new Set<string>();
  for (const { together } of history.usersBefore(day)) {
    eachLine(together, Number.NEGATIVE_INFINITY, day, (item) => {
      const name = nameOf[item];
      if (name !== undefined) known.add(name);
    });
  }
  const names = [...known, ...cold(known)].sort();
  const numbers = new Map(names.map((name, i) => [name, i]));
  const of = Int32Array.from(nameOf, (name) => (name === undefined ? -1 : (numbers.get(name) ?? -1)));
  return { names, of: (item) => of[item]! };
}

/**
 * Builds the table of a day from the users' histories.
 * @param cutoff place of the day among the history's cut-offs
 * @param others types that are read beside the target's
 */
export function buildItemTable(
  history: History,
  cutoff: number,
  index: UnitIndex,
  others: readonly EventType[],
): ItemTable {
  const day = history.cutoffs[cutoff]!;
  const n = index.names.length;
  const column = () => new Float64Array(n);
  const [last7, last30, last90, decayed, lines, users, repeaters, age] = Array.from(
    { length: 8 },
    column,
  ) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const profiles: Owned[] = [];
  const reader = new ProfileReader(n, day);
  const baskets = new BasketRows(n);
  const known = history.usersBefore(day);
  for (const user of known) {
    eachLine(user.baskets, Number.NEGATIVE_INFINITY, day, (item, count, on) => {
      const unit = index.of(item);
      if (unit < 0) return;
      const ago = day - on;
      if (ago <= 7) last7[unit]! += count;
      if (ago <= 30) last30[unit]! += count;
      if (ago <= 90) last90[unit]! += count;
      decayed[unit]! += count * 2 ** (-ago / POPULARITY_HALF_LIFE);
      if (ago > age[unit]!) age[unit] = ago;
      baskets.add(unit, count, ago);
    });
    baskets.endUser();
    const profile = reader.read(user.profiles[cutoff]!, user.activeDays[cutoff]!, index.of);
    if (profile.count === 0) continue;
    profiles.push({ unit: profile.unit, lines: profile.lines });
    for (let i = 0; i < profile.count; i++) {
      const unit = profile.unit[i]!;
      lines[unit]! += profile.lines[i]!;
      users[unit]!++;
      if (profile.lines[i]! > 1) repeaters[unit]!++;
    }
  }
  const { rows, weights } = baskets.finish();
  return {
    day,
    names: index.names,
    last7,
    last30,
    last90,
    decayed,
    lines,
    users,
    repeaters,
    age,
    byUser: neighbours(userRows(profiles), n, { shrink: 2, top: NEIGHBOURS }),
    byBasket: neighbours(rows, n, { weights, shrink: 1, top: NEIGHBOURS }),
    embedding: embedUnits(profiles, users),
    others: others.map((type) => otherStatistics(known, cutoff, day, index, type)),
    together: hasLead(others) ? neighboursTogether(known, day, index) : noNeighbours(n),
  };
}

function otherStatistics(
  known: readonly UserHistory[],
  cutoff: number,
  day: number,
  index: UnitIndex,
  type: EventType,
): OtherStatistics {
  const n = index.names.length;
  const [users, recent, short] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const reader = new ProfileReader(n, day);
  for (const user of known) {
    const entries = user.others[cutoff]!.get(eventCode(type));
    if (!entries) continue;
    const profile = reader.read(entries, 0, index.of);
    for (let i = 0; i < profile.count; i++) {
      const unit = profile.unit[i]!;
      users[unit]!++;
      if (profile.last[i]! <= 7) recent[unit]!++;
      short[unit]! += profile.short[i]!;
    }
  }
  return { type, users, recent, short };
}

function neighboursTogether(known: readonly UserHistory[], day: number, index: UnitIndex): Neighbours {
  const baskets = new BasketRows(index.names.length);
  for (const { together } of known) {
    eachLine(together, Number.NEGATIVE_INFINITY, day, (item, count, on) => {
      const unit = index.of(item);
      if (unit >= 0) baskets.add(unit, count, day - on);
    });
    baskets.endUser();
  }
  const { rows, weights } = baskets.finish();
  return neighbours(rows, index.names.length, { weights, shrink: 1, top: NEIGHBOURS });
}

/** How much a user's lines of a unit weigh beside others: less for units that everybody has. */
export const embeddingWeight = (lines: number, users: number): number =>
  Math.log1p(lines) * Math.max(users, 1) ** -0.25;

function embedUnits(profiles: readonly Owned[], users: Float64Array): Float32Array {
  const rows = sparseRows(profiles.map(({ unit }) => unit));
  const values = new Float64Array(rows.column.length);
  let at = 0;
  for (const { unit, lines } of profiles) {
    for (let i = 0; i < unit.length; i++) values[at++] = embeddingWeight(lines[i]!, users[unit[i]!]!);
  }
  return embed(rows, values, users.length, createRng('unit embedding'));
}

const userRows = (profiles: readonly Owned[]): SparseRows =>
  sparseRows(profiles.map(({ unit, lines }) => most(unit, lines, MAX_UNITS_PER_USER)));

/** The units with the most lines, ascending. */
function most(unit: Int32Array, lines: Float64Array, limit: number): Int32Array {
  if (unit.length <= limit) return unit;
  const best = new Best(limit);
  unit.forEach((u, i) => {
    best.offer(u, lines[i]!);
  });
  return Int32Array.from(best.take()).sort();
}

function sparseRows(units: readonly Int32Array[]): SparseRows {
  const start = new Int32Array(units.length + 1);
  units.forEach((row, r) => {
    start[r + 1] = start[r]! + row.length;
  });
  const column = new Int32Array(start[units.length]!);
  units.forEach((row, r) => {
    column.set(row, start[r]!);
  });
  return { start, column };
}

/** Gathers a user's lines into baskets: the units of a day, each once. */
class BasketRows {
  readonly #lines: Float64Array;
  readonly #units: number[] = [];
  #ago = 0;
  readonly #rows: Int32Array[] = [];
  readonly #weights: number[] = [];

  constructor(units: number) {
    this.#lines = new Float64Array(units);
  }

  add(unit: number, lines: number, ago: number): void {
    if (ago !== this.#ago) this.endUser();
    this.#ago = ago;
    if (this.#lines[unit] === 0) this.#units.push(unit);
    this.#lines[unit]! += lines;
  }

  endUser(): void {
    if (this.#units.length > 0) {
      const units = Int32Array.from(this.#units).sort();
      const lines = Float64Array.from(units, (unit) => this.#lines[unit]!);
      this.#rows.push(most(units, lines, MAX_UNITS_PER_BASKET));
      this.#weights.push(2 ** (-this.#ago / BASKET_HALF_LIFE));
      for (const unit of units) this.#lines[unit] = 0;
      this.#units.length = 0;
    }
    this.#ago = 0;
  }

  finish(): { rows: SparseRows; weights: Float64Array } {
    return { rows: sparseRows(this.#rows), weights: Float64Array.from(this.#weights) };
  }
}
