import type { DemandTask } from '../../config/index.ts';
import { eventCode } from '../../data/index.ts';
import type { RunUsers } from '../../run/index.ts';
import type { UnitOf } from '../shared/index.ts';

/** How far back forecasts look: two turns of the year. */
const HISTORY_DAYS = 730;
/** Items that are forecast at most. Their days are held in memory, about 120 MB. */
const MOST_ITEMS = 20_000;
/** Share of the lines that may lie before the day on which sales really begin: stray dates are no history. */
const STRAY = 0.005;

/** Units of each item on each shop day. */
export interface DailyUnits {
  /** Items, or values of an attribute, in the order of their names. */
  readonly names: readonly string[];
  /** Shop day of the first place of all rows. */
  readonly firstDay: number;
  readonly days: number;
  /** One row per item, `days` long. */
  readonly rows: readonly Float64Array[];
  /** Of each row the place of the first day with a sale. */
  readonly since: Int32Array;
  /** Items with sales that have no row: those that sold least. */
  readonly leftOut: number;
}

interface Sales {
  readonly users: RunUsers;
  readonly task: Pick<DemandTask, 'event'>;
  readonly unitOf: UnitOf;
  /** Shop days [from, before). */
  readonly from: number;
  readonly before: number;
}

/** Quantities are summed in thousandths, which are whole: the order of adding never shows. */
const PARTS = 1000;

/**
 * Calls `add` for each sale, shard by shard.
 * @param rowOf asked once a shard for each name; below 0: its sales are passed over
 * @param add gets thousandths of units, which may be no whole number of units
 */
async function eachSale(
  { users, task, unitOf, from, before }: Sales,
  rowOf: (name: string) => number,
  add: (row: number, day: number, thousandths: number, lines: number) => void,
): Promise<void> {
  const type = eventCode(task.event);
  for (const shard of users.shards) {
    const read = await users.read(shard, before);
    const rows = new Int32Array(read.items.size).fill(UNASKED);
    for (const { days } of read) {
      for (const { day, entries, start, end } of days) {
        if (day < from) continue;
        for (let i = start; i < end; i++) {
          const item = entries.item[i]!;
          if (entries.type[i] !== type || item < 0) continue;
          if (rows[item] === UNASKED) {
            const name = unitOf(read.items.text(item));
            rows[item] = name === undefined ? -1 : rowOf(name);
          }
          if (rows[item]! >= 0) add(rows[item]!, day, entries.units[i]!, entries.lines[i]!);
        }
      }
    }
  }
}

const UNASKED = -2;

/**
 * Reads what was sold of each item in the last two years before a day, from the day rows. They are read twice, so that only
 * days of items that get a row are held: those with the most units, of equal ones the first by name.
 * @param users all users of a run; a sample gives a sample of the sales
 * @returns undefined where nothing was sold
 */
export async function readDailyUnits(sales: Omit<Sales, 'from'>): Promise<DailyUnits | undefined> {
  const { before } = sales;
  const reach = { ...sales, from: before - HISTORY_DAYS };
  const places = new Map<string, number>();
  const totals: number[] = [];
  const lines = new Float64Array(HISTORY_DAYS);
  const known = (name: string) => {
    const place = places.get(name);
    if (place !== undefined) return place;
    places.set(name, totals.length);
    return totals.push(0) - 1;
  };
  await eachSale(reach, known, (row, day, units, count) => {
    totals[row]! += units;
    lines[day - reach.from]! += count;
  });
  const sold = [...places].filter(([, place]) => totals[place]! > 0);
  if (sold.length === 0) return undefined;
  const names = sold
    .sort(([a, i], [b, j]) => totals[j]! - totals[i]! || (a < b ? -1 : 1))
    .slice(0, MOST_ITEMS)
    .map(([name]) => name)
    .sort();
  const firstDay = reach.from + startOf(lines);
  const days = before - firstDay;
  const rows = names.map(() => new Float64Array(days));
  const rowOf = new Map(names.map((name, row) => [name, row]));
  await eachSale(
    { ...sales, from: firstDay },
    (name) => rowOf.get(name) ?? -1,
    (row, day, units) => {
      rows[row]![day - firstDay]! += units;
    },
  );
  for (const row of rows) for (let t = 0; t < days; t++) row[t]! /= PARTS;
  const since = Int32Array.from(rows, (row) => {
    const first = row.findIndex((units) => units > 0);
    return first < 0 ? days : first;
  });
  return { names, firstDay, days, rows, since, leftOut: sold.length - names.length };
}

/** Place of the day on which lines begin in earnest. */
function startOf(lines: Float64Array): number {
  const total = lines.reduce((sum, count) => sum + count, 0);
  let before = 0;
  return lines.findIndex((count) => {
    before += count;
    return before > STRAY * total;
  });
}

/** Units of each of some items on the days [from, before) together. */
export async function unitsWithin(sales: Sales, names: readonly string[]): Promise<Float64Array> {
  const rowOf = new Map(names.map((name, row) => [name, row]));
  const sums = new Float64Array(names.length);
  await eachSale(
    sales,
    (name) => rowOf.get(name) ?? -1,
    (row, _, units) => {
      sums[row]! += units;
    },
  );
  return sums.map((units) => units / PARTS);
}
