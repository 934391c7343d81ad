import type { ItemTable } from './item-table.ts';

const { exp, log, log1p, max, min, abs, sign } = Math;
export const TINY = 1e-9;

/** What is known of a user and a unit. Lines are decayed and summed as in `Profile`; days count back from the table's day. */
export interface Pair {
  /** Has the user had the unit? All of the user's own numbers are 0 otherwise. */
  owned: boolean;
  lines: number;
  /** Lines of the last 30 and 90 days. */
  short: number;
  long: number;
  /** Days since the user had it last, and first. */
  last: number;
  first: number;
  /** Sums of similarities over the user's units, by users and by baskets. */
  shared: number;
  sharedLines: number;
  recent: number;
  baskets: number;
  /** Product of the user's taste and the unit's embedding. */
  affinity: number;
  /** Days of the window that is asked about. */
  readonly horizon: number;
  /** Of the user: days active, units, and totals over them. */
  activeDays: number;
  units: number;
  user: UserTotals;
  /** Largest values among the user's candidates. */
  largest: Largest;
}

/** All 0 of a user who never had the target's event. */
export interface UserTotals {
  readonly lines: number;
  /** Sum of log1p(lines). */
  readonly weight: number;
  readonly short: number;
  readonly last: number;
  readonly first: number;
}

export interface Largest {
  readonly lines: number;
  readonly long: number;
  readonly shared: number;
  readonly sharedLines: number;
  readonly recent: number;
  readonly affinity: number;
}

type Columns = Readonly<Record<string, (pair: Pair) => number>>;

const isRepeated = ({ lines, first, last }: Pair): boolean => lines > 1 && first > last;
/** Mean days between two times of a unit that the user had again. */
const gapOf = ({ lines, first, last }: Pair): number => max((first - last) / max(lines - 1, 1), TINY);

/** The user's own history with the unit. */
const OWN = {
  own: ({ owned }) => (owned ? 1 : 0),
  'own lines': ({ lines }) => log1p(lines),
  'own lines 30d': ({ short }) => log1p(short),
  'own lines 90d': ({ long }) => log1p(long),
  'own share 30d': ({ short, user }) => short / max(user.short, 0.05),
  'own lines per active day': ({ lines, activeDays }) => min(lines / max(activeDays, 1), 3),
  'own share': ({ lines, user }) => lines / max(user.lines, TINY),
  'own lines relative': ({ lines, largest }) => lines / max(largest.lines, TINY),
  'own lines 90d relative': ({ long, largest }) => long / max(largest.long, TINY),
  'own last': ({ last }) => log1p(last),
  'own first': ({ first }) => log1p(first),
  repeated: (pair) => (isRepeated(pair) ? 1 : 0),
  gap: (pair) => (isRepeated(pair) ? log1p(gapOf(pair)) : 0),
  overdue: (pair) => (isRepeated(pair) ? log1p(pair.last / max(gapOf(pair), 1)) : 0),
  due: (pair) =>
    isRepeated(pair) ? exp(-abs(log((pair.last + pair.horizon / 2) / max(gapOf(pair), 1)))) : 0,
  'in last basket': ({ owned, last, user }) => (owned && last === user.last ? 1 : 0),
  'own rate': ({ owned, lines, first, horizon }) =>
    owned ? log1p((lines * horizon) / (first + horizon)) : 0,
} satisfies Columns;

/** What describes units alone, once for all users. */
interface UnitStatistics {
  readonly table: ItemTable;
  /** Lines of a time times the mean unit's, logged. */
  readonly last7: Float64Array;
  readonly last30: Float64Array;
  readonly last90: Float64Array;
  readonly decayed: Float64Array;
  /** Place by decayed lines, from 0. */
  readonly rank: Float64Array;
  /** Share of the pairs of user and unit that are had again. */
  readonly repeatRate: number;
}

/** The unit. */
const UNIT = {
  'popularity 7d': ({ last7 }, i) => last7[i]!,
  'popularity 30d': ({ last30 }, i) => last30[i]!,
  'popularity 90d': ({ last90 }, i) => last90[i]!,
  'popularity decayed': ({ decayed }, i) => decayed[i]!,
  'trend 30d over 90d': ({ last30, last90 }, i) => last30[i]! - last90[i]!,
  'trend 7d over 30d': ({ last7, last30 }, i) => last7[i]! - last30[i]!,
  'popularity rank': ({ rank }, i) => log1p(rank[i]!),
  age: ({ table }, i) => log1p(table.age[i]!),
  repeaters: ({ table, repeatRate }, i) => (table.repeaters[i]! + 2 * repeatRate) / (table.users[i]! + 2),
  'lines per user': ({ table }, i) => log1p(table.lines[i]! / max(table.users[i]!, 1)),
} satisfies Readonly<Record<string, (units: UnitStatistics, unit: number) => number>>;

const BESIDE = {
  // Co-occurrence with the user's units: among users, among baskets.
  'shared users': ({ shared, user }) => log1p((100 * shared) / max(user.weight, TINY)),
  'shared users sum': ({ shared }) => log1p(shared),
  'shared users relative': ({ shared, largest }) => shared / max(largest.shared, TINY),
  'shared baskets recent': ({ recent }) => log1p(10 * recent),
  'shared baskets recent relative': ({ recent, largest }) => recent / max(largest.recent, TINY),
  'shared baskets': ({ baskets, user }) => log1p((100 * baskets) / max(user.weight, TINY)),
  'shared baskets sum': ({ baskets }) => log1p(baskets),
  'shared users by lines': ({ sharedLines, user }) => log1p((100 * sharedLines) / max(user.lines, TINY)),
  'shared users by lines relative': ({ sharedLines, largest }) =>
    sharedLines / max(largest.sharedLines, TINY),
  // Embeddings.
  affinity: ({ affinity }) => sign(affinity) * log1p(10 * abs(affinity)),
  'affinity relative': ({ affinity, largest }) => max(affinity, 0) / max(largest.affinity, TINY),
  // The user.
  'user active days': ({ activeDays }) => log1p(max(activeDays, 1)),
  'user lines per active day': ({ user, activeDays }) => log1p(user.lines / max(activeDays, 1)),
  'user repeats': ({ units, user }) => (units > 0 ? 1 - units / user.lines : 0),
  'user last': ({ user }) => log1p(user.last),
  'user first': ({ user }) => log1p(user.first),
  'user units': ({ units }) => log1p(units),
} satisfies Columns;

export type PairFeature = keyof typeof OWN | keyof typeof UNIT | keyof typeof BESIDE;

/** Names of what the ranker reads of a pair by the target's type, in the order of its columns. */
export const PAIR_FEATURES = [OWN, UNIT, BESIDE].flatMap((part) => Object.keys(part)) as PairFeature[];
export const PAIR_WIDTH = PAIR_FEATURES.length;

/** Places of the columns that describe a unit alone: [from, before). */
export const UNIT_PLACES = {
  from: Object.keys(OWN).length,
  before: Object.keys(OWN).length + Object.keys(UNIT).length,
} as const;

const OWN_COLUMNS: readonly ((pair: Pair) => number)[] = Object.values(OWN);
const UNIT_COLUMNS: readonly ((units: UnitStatistics, unit: number) => number)[] = Object.values(UNIT);
const BESIDE_COLUMNS: readonly ((pair: Pair) => number)[] = Object.values(BESIDE);
const UNIT_WIDTH = UNIT_COLUMNS.length;

/**
 * Writes these columns of a pair to out[at, at + PAIR_WIDTH).
 * @param units what `unitFeatures` gives
 */
export function writePair(
  pair: Pair,
  units: Float32Array,
  unit: number,
  out: Float32Array,
  at: number,
): void {
  let place = at;
  for (const column of OWN_COLUMNS) out[place++] = column(pair);
  for (let f = 0; f < UNIT_WIDTH; f++) out[place++] = units[unit * UNIT_WIDTH + f]!;
  for (const column of BESIDE_COLUMNS) out[place++] = column(pair);
}

/** The columns that describe units alone: (units, columns). */
export function unitFeatures(table: ItemTable): Float32Array {
  const n = table.names.length;
  const total = (column: Float64Array) => column.reduce((sum, x) => sum + x, 0);
  const relative = (column: Float64Array) => {
    const mean = max(total(column) / n, TINY);
    return column.map((x) => log1p(x / mean));
  };
  const rank = new Float64Array(n);
  byScore(
    n,
    (a) => table.decayed[a]!,
    () => 0,
  ).forEach((unit, i) => {
    rank[unit] = i;
  });
  const units = {
    table,
    last7: relative(table.last7),
    last30: relative(table.last30),
    last90: relative(table.last90),
    decayed: relative(table.decayed),
    rank,
    repeatRate: total(table.repeaters) / max(total(table.users), 1),
  };
  return unitMatrix(n, UNIT_COLUMNS, units);
}

/** What columns say of all units: (n, columns). */
export function unitMatrix<U>(
  n: number,
  columns: readonly ((units: U, unit: number) => number)[],
  units: U,
): Float32Array {
  const width = columns.length;
  const out = new Float32Array(n * width);
  for (let i = 0; i < n; i++) {
    for (let f = 0; f < width; f++) out[i * width + f] = columns[f]!(units, i);
  }
  return out;
}

/** Units in descending order of a first and a second score, then by name. */
export function byScore(
  units: number,
  first: (unit: number) => number,
  second: (unit: number) => number,
): Int32Array {
  const order = Int32Array.from({ length: units }, (_, i) => i);
  return order.sort((a, b) => first(b) - first(a) || second(b) - second(a) || a - b);
}
