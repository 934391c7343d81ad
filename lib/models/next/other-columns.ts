import type { EventType } from '../../data/index.ts';
import { ALIKE_NAMES } from './alike-columns.ts';
import type { ItemTable, OtherStatistics } from './item-table.ts';
import { hasLead } from './others.ts';
import { PAIR_FEATURES, TINY, unitMatrix } from './pair-columns.ts';

const { log1p, max } = Math;

/** What is known of a user, a unit and one type beside the target's; summed and counted as in `Pair`. */
export interface OtherPair {
  /** Did the user ever do it with the unit? The pair's own numbers are 0 otherwise. */
  owned: boolean;
  lines: number;
  short: number;
  last: number;
  /** Days since the target's event of the user and the unit; Infinity without one. */
  target: number;
  /** Of the user. */
  user: OtherTotals;
  /** Most lines among the user's candidates. */
  largest: number;
}

export interface OtherTotals {
  readonly units: number;
  readonly lines: number;
  /** Days since the last; 0 without any. */
  readonly last: number;
}

const PAIR = {
  own: ({ owned }) => (owned ? 1 : 0),
  'own lines': ({ lines }) => log1p(lines),
  'own lines 30d': ({ short }) => log1p(short),
  'own share': ({ lines, user }) => lines / max(user.lines, 1),
  'own lines relative': ({ lines, largest }) => lines / max(largest, TINY),
  'own last': ({ owned, last }) => (owned ? log1p(last) : 0),
  'on the last day': ({ owned, last, user }) => (owned && last === user.last ? 1 : 0),
  // Carted and not bought since.
  'target since': ({ owned, last, target }) => (owned && target <= last ? 1 : 0),
  'no target since': ({ owned, last, target }) => (owned && target > last ? 1 : 0),
  'user units': ({ user }) => log1p(user.units),
  'user last': ({ user }) => log1p(user.last),
} satisfies Readonly<Record<string, (pair: OtherPair) => number>>;

interface OtherUnits {
  readonly table: ItemTable;
  readonly other: OtherStatistics;
  /** Of the mean unit with any. */
  readonly recent: number;
  readonly short: number;
  /** Users of the target per user of this type, over all units. */
  readonly rate: number;
}

const UNIT = {
  'popularity 7d': ({ other, recent }, i) => log1p(other.recent[i]! / recent),
  'popularity decayed': ({ other, short }, i) => log1p(other.short[i]! / short),
  'target users': ({ table, other, rate }, i) =>
    log1p((table.users[i]! + 2 * rate) / (other.users[i]! + 2) / max(rate, TINY)),
} satisfies Readonly<Record<string, (units: OtherUnits, unit: number) => number>>;

/** By baskets of all types: sums of similarities over the user's units. */
export interface TogetherPair {
  recent: number;
  all: number;
  /** Largest values among the user's candidates. */
  largest: { recent: number; all: number };
  /** Sum of the weights of the user's units. */
  weight: number;
}

const TOGETHER = {
  'together recent': ({ recent }) => log1p(10 * recent),
  'together recent relative': ({ recent, largest }) => recent / max(largest.recent, TINY),
  together: ({ all, weight }) => log1p((100 * all) / max(weight, TINY)),
  'together relative': ({ all, largest }) => all / max(largest.all, TINY),
} satisfies Readonly<Record<string, (pair: TogetherPair) => number>>;

const PAIR_COLUMNS: readonly ((pair: OtherPair) => number)[] = Object.values(PAIR);
const UNIT_COLUMNS: readonly ((units: OtherUnits, unit: number) => number)[] = Object.values(UNIT);
const TOGETHER_COLUMNS: readonly ((pair: TogetherPair) => number)[] = Object.values(TOGETHER);
const UNIT_WIDTH = UNIT_COLUMNS.length;
const OTHER_NAMES = [...Object.keys(PAIR), ...Object.keys(UNIT)];
/** Columns of one type beside the target's. */
export const OTHER_WIDTH = OTHER_NAMES.length;

/**
 * Names of what the ranker reads of a pair of user and unit, in the order of its columns: by the target's type, then by
 * each other type that is read, then by all together that lead to units, then by what is said of items.
 */
export const pairNames = (others: readonly EventType[], attributes = false): string[] => [
  ...PAIR_FEATURES,
  ...others.flatMap((type) => OTHER_NAMES.map((name) => `${type}: ${name}`)),
  ...(hasLead(others) ? Object.keys(TOGETHER) : []),
  ...(attributes ? ALIKE_NAMES : []),
];

/** The columns that describe units by one type alone: (units, columns). */
export function otherUnitFeatures(table: ItemTable, other: OtherStatistics): Float32Array {
  const n = table.names.length;
  const total = (column: Float64Array) => column.reduce((sum, x) => sum + x, 0);
  const known = max(
    other.users.reduce((sum, users) => sum + Number(users > 0), 0),
    1,
  );
  const units = {
    table,
    other,
    recent: max(total(other.recent) / known, TINY),
    short: max(total(other.short) / known, TINY),
    rate: total(table.users) / max(total(other.users), 1),
  };
  return unitMatrix(n, UNIT_COLUMNS, units);
}

/**
 * Writes a type's columns of a pair to out[at, at + OTHER_WIDTH).
 * @param units what `otherUnitFeatures` gives
 */
export function writeOther(
  pair: OtherPair,
  units: Float32Array,
  unit: number,
  out: Float32Array,
  at: number,
): void {
  let place = at;
  for (const column of PAIR_COLUMNS) out[place++] = column(pair);
  for (let f = 0; f < UNIT_WIDTH; f++) out[place++] = units[unit * UNIT_WIDTH + f]!;
}

/** Writes the columns of all types together. */
export function writeTogether(pair: TogetherPair, out: Float32Array, at: number): void {
  let place = at;
  for (const column of TOGETHER_COLUMNS) out[place++] = column(pair);
}
