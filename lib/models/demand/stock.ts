import type { DemandTask } from '../../config/index.ts';
import { DataError, parseDay } from '../../data/index.ts';
import { dayStart, readAttributes, validRows } from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import type { UnitOf } from '../shared/index.ts';

/**
 * Units in stock as they were known at the as-of midnight. A value of an attribute has what its items have together, as far as that
 * is known. A stock below 0 counts as none.
 * @returns undefined where the task names no stock
 * @throws DataError when `stock` is no number attribute of the items that the run lists
 */
export async function openStock(
  store: ObjectStore,
  manifest: RunManifest,
  { stock }: Pick<DemandTask, 'stock'>,
  unitOf: UnitOf,
): Promise<ReadonlyMap<string, number> | undefined> {
  if (stock === undefined) return undefined;
  const table = await readAttributes(
    store,
    manifest.inputs.items.map(({ clean }) => clean),
  );
  const column = table.columns.find(({ name, kind }) => name === stock && kind === 'number');
  if (column?.kind !== 'number') {
    const known = table.columns.filter(({ kind }) => kind === 'number').map(({ name }) => name);
    throw new DataError(
      `a task reads the stock from "${stock}", which is no number attribute of the run's items ` +
        `(there are: ${known.join(', ') || 'none'}): name one of them, or leave "stock" out`,
    );
  }
  const rows = validRows(table, dayStart(manifest.config.shop.timeZone, parseDay(manifest.asOf!)));
  const units = new Map<string, number>();
  // In the order of names: the order of adding is that of no file.
  for (const [item, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = unitOf(item);
    const own = column.values[row]!;
    if (name === undefined || Number.isNaN(own)) continue;
    units.set(name, (units.get(name) ?? 0) + Math.max(0, own));
  }
  return units;
}
