import { type ConditionOf, rowsThatMeet } from '../../clean/index.ts';
import type { NextTask } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';
import { type AttributeTable, dayStart, readAttributes, validRows } from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';

/** What holds for everybody, by unit. */
export interface UnitRules {
  /** 1 where no list names the unit; undefined where none is barred by a rule. */
  readonly barred?: Uint8Array;
  /** What is added to the ranker's score. */
  readonly boost?: Float64Array;
}

/**
 * The rules of a task that go by items, as of any day: `never`, `only`, `stock`, `overstock`. A value of a category may be
 * listed where one of its items may be. Items without a row meet no condition, and nothing is known of their stock.
 * @param name of the task, for messages
 * @throws DataError when the run's items have no number attribute of the name that `stock` gives
 */
export async function openItemRules(
  store: ObjectStore,
  manifest: RunManifest,
  name: string,
  task: NextTask,
): Promise<{ at(day: number, units: readonly string[]): Promise<UnitRules> }> {
  const { never = [], only, stock: attribute, overstock } = task;
  if (only === undefined && attribute === undefined) {
    return { at: async (_, units) => (never.length > 0 ? { barred: barredBy(units, never) } : {}) };
  }
  const zone = manifest.config.shop.timeZone;
  const keys = manifest.inputs.items.map(({ clean }) => clean);
  const table = await readAttributes(store, keys);
  const stock = attribute === undefined ? undefined : stockOf(table, attribute, name);
  const unitsOf = unitsOfRows(table, task.of);
  return {
    async at(day, units) {
      const rows = [...validRows(table, dayStart(zone, day)).values()];
      const meets =
        only === undefined
          ? undefined
          : await rowsOnly(table, rows, { condition: only, setting: `tasks.${name}.only`, zone });
      const numbers = new Map(units.map((unit, i) => [unit, i]));
      const barred = barredBy(units, never);
      const boost = overstock && new Float64Array(units.length);
      /** Has the unit an item with a row, and one that may be listed? */
      const [known, open] = [new Uint8Array(units.length), new Uint8Array(units.length)];
      rows.forEach((row, i) => {
        const unit = numbers.get(unitsOf[row] ?? '');
        if (unit === undefined) return;
        const left = stock?.[row] ?? Number.NaN;
        known[unit] = 1;
        if ((meets?.[i] ?? 1) === 1 && !(left <= 0)) open[unit] = 1;
        if (boost && left > overstock.above) boost[unit] = overstock.boost;
      });
      for (let unit = 0; unit < units.length; unit++) {
        // What no row is known of meets no condition, but there may be some left of it.
        if (known[unit] === 1 ? open[unit] === 0 : meets !== undefined) barred[unit] = 1;
      }
      return { barred, ...(boost ? { boost } : {}) };
    },
  };
}

function barredBy(units: readonly string[], never: readonly string[]): Uint8Array {
  const names = new Set(never);
  return Uint8Array.from(units, (unit) => Number(names.has(unit)));
}

/** The unit of each row's item. */
function unitsOfRows(table: AttributeTable, of: string): readonly (string | undefined)[] {
  if (of === 'item') return table.ids;
  const column = table.columns.find(({ name, kind }) => name === of && kind === 'category');
  return column?.kind === 'category' ? column.values : [];
}

function stockOf(table: AttributeTable, attribute: string, task: string): Float64Array {
  const column = table.columns.find(({ name, kind }) => name === attribute && kind === 'number');
  if (column?.kind === 'number') return column.values;
  const known = table.columns.filter(({ kind }) => kind === 'number').map(({ name }) => name);
  throw new DataError(
    `tasks.${task}.stock names "${attribute}", which is no number attribute of the run's items ` +
      `(there are: ${known.join(', ') || 'none'}): name one of them`,
  );
}

/** Which of some rows meet the condition, in their order. */
function rowsOnly(
  table: AttributeTable,
  rows: readonly number[],
  asked: Omit<ConditionOf, 'of'>,
): Promise<Uint8Array> {
  const columns = [
    { name: 'item', values: rows.map((row) => table.ids[row]!) },
    ...table.columns
      .filter(({ name }) => name !== 'item')
      .map(({ name, values }) => ({
        name,
        values:
          values instanceof Float64Array
            ? Float64Array.from(rows, (row) => values[row]!)
            : rows.map((row) => values[row]),
      })),
  ];
  return rowsThatMeet({ ...asked, of: 'the table of items' }, rows.length, columns);
}
