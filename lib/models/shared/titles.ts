import { dayStart, readAttributes, validRows } from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';

/** Titles of items as they were known at a shop midnight. */
export interface Titles {
  at(day: number): (item: string) => string | undefined;
  /** Every item that ever had a row. */
  readonly items: ReadonlySet<string>;
}

/** Reads titles of items: their text attributes one behind the other. */
export async function openTitles(store: ObjectStore, { config, inputs }: RunManifest): Promise<Titles> {
  const keys = inputs.items.map(({ clean }) => clean);
  const table = await readAttributes(store, keys);
  const columns = table.columns.flatMap((column) => (column.kind === 'text' ? [column.values] : []));
  const titleOf = (row: number) =>
    columns.flatMap((values) => values[row]?.trim() || []).join(' ') || undefined;
  const timeless = table.validFrom.every((from) => from === Number.NEGATIVE_INFINITY);
  const byDay = new Map<number, Map<string, number>>();
  return {
    at(day) {
      const key = timeless ? 0 : day;
      let rows = byDay.get(key);
      if (!rows) byDay.set(key, (rows = validRows(table, dayStart(config.shop.timeZone, key))));
      return (item) => {
        const row = rows.get(item);
        return row === undefined ? undefined : titleOf(row);
      };
    },
    items: new Set(table.ids),
  };
}
