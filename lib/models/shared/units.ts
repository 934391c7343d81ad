import { DataError } from '../../data/index.ts';
import { type AttributeTable, dayStart, readAttributes, validRows } from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';

/** Name of the unit that an item belongs to; undefined where it belongs to none, so that its events do not count. */
export type UnitOf = (item: string) => string | undefined;

/** What a task is of, and interests are told in: items themselves, or the values of one of their category attributes. */
export interface Units {
  /** The mapping as it was known at a shop midnight: of several rows of an item, the latest valid from before it. */
  at(day: number): UnitOf;
}

/**
 * Reads what the task's units are.
 * @throws DataError when `of` names no category attribute of the items that the run lists
 */
export async function openUnits(
  store: ObjectStore,
  manifest: RunManifest,
  { of }: { readonly of: string },
): Promise<Units> {
  const table = of === 'item' ? undefined : await readItems(store, manifest);
  const units = unitsIn(table, manifest, of);
  if (units) return units;
  const known = table!.columns.filter(({ kind }) => kind === 'category').map(({ name }) => name);
  throw new DataError(
    `a task is of values of "${of}", which is no category attribute of the run's items ` +
      `(there are: ${known.join(', ') || 'none'}): name one of them, or "item"`,
  );
}

/** The units of a name; undefined where the items that the run lists have no such category attribute. */
export async function unitsNamed(
  store: ObjectStore,
  manifest: RunManifest,
  of: string,
): Promise<Units | undefined> {
  return unitsIn(of === 'item' ? undefined : await readItems(store, manifest), manifest, of);
}

const readItems = (store: ObjectStore, { inputs }: RunManifest): Promise<AttributeTable> =>
  readAttributes(
    store,
    inputs.items.map(({ clean }) => clean),
  );

function unitsIn(table: AttributeTable | undefined, manifest: RunManifest, of: string): Units | undefined {
  if (!table) return { at: () => (item) => item };
  const column = table.columns.find(({ name, kind }) => name === of && kind === 'category');
  if (column?.kind !== 'category') return undefined;
  const { values } = column;
  const timeless = table.validFrom.every((from) => from === Number.NEGATIVE_INFINITY);
  const mappings = new Map<number, UnitOf>();
  const at = (day: number): UnitOf => {
    const key = timeless ? 0 : day;
    let mapping = mappings.get(key);
    if (!mapping) {
      const rows = validRows(table, timeless ? 0 : dayStart(manifest.config.shop.timeZone, day));
      mapping = (item) => {
        const row = rows.get(item);
        return row === undefined ? undefined : values[row];
      };
      mappings.set(key, mapping);
    }
    return mapping;
  };
  return { at };
}
