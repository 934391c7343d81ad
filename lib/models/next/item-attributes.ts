import type { NextTask } from '../../config/index.ts';
import { type AttributeColumn, dayStart, readAttributes, validRows } from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { describeUnits, type UnitAttributes } from './unit-attributes.ts';

/** Items beside those that somebody had that lists may name at most: those known last. */
const MOST_COLD = 2000;
const DAY_MS = 86_400_000;

/** What is said of items, and since when: new items are known by it before anybody had them. */
export interface ItemAttributes {
  /** Names of the attributes that are read. */
  readonly names: readonly string[];
  /** Does a row of some item say from when on it holds? */
  readonly dated: boolean;
  /**
   * Items that were first known before a shop day, by a row that says since when, and that are not among `had`: those known
   * last, equal ones by name. A row without a time tells nothing: it may have come long after the day.
   */
  coldBefore(day: number, had: ReadonlySet<string>): string[];
  /** What is said of items as of a shop day. @param units items, in any order */
  at(day: number, units: readonly string[]): UnitAttributes;
}

/**
 * Opens what the run's tables say of items.
 * @returns undefined for a task that is not of items, and where nothing is said of them
 */
export async function openItemAttributes(
  store: ObjectStore,
  { inputs, config }: RunManifest,
  task: NextTask,
): Promise<ItemAttributes | undefined> {
  if (task.of !== 'item' || inputs.items.length === 0) return undefined;
  const table = await readAttributes(
    store,
    inputs.items.map(({ clean }) => clean),
  );
  // How many are left of an item is no matter of taste.
  const columns: AttributeColumn[] = table.columns.filter(({ name }) => name !== task.stock);
  if (columns.length === 0) return undefined;
  /** ms UTC of each item's first row; -Infinity where one of its rows has no time. */
  const first = new Map<string, number>();
  table.ids.forEach((item, row) => {
    first.set(item, Math.min(first.get(item) ?? Number.POSITIVE_INFINITY, table.validFrom[row]!));
  });
  const zone = config.shop.timeZone;
  const dated = [...first].filter(([, from]) => Number.isFinite(from));
  dated.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return {
    names: columns.map(({ name }) => name),
    dated: dated.length > 0,
    coldBefore(day, had) {
      const before = dayStart(zone, day);
      const cold: string[] = [];
      for (const [item, from] of dated) {
        if (cold.length === MOST_COLD) break;
        if (from < before && !had.has(item)) cold.push(item);
      }
      return cold;
    },
    at(day, units) {
      const before = dayStart(zone, day);
      const rows = validRows(table, before);
      const since = Float64Array.from(units, (item) => {
        const from = first.get(item) ?? Number.NEGATIVE_INFINITY;
        return Number.isFinite(from) && from < before ? (before - from) / DAY_MS : Number.NaN;
      });
      const place = units.map((item) => rows.get(item) ?? -1);
      return describeUnits(columns, place, since);
    },
  };
}
