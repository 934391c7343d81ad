import { parseDay } from '../../data/index.ts';
import {
  type AttributeTable,
  dayStart,
  readUnlabelledRows,
  type UnlabelledRows,
} from '../../features/index.ts';
import { type RunManifest, unlabelledOf } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';

/**
 * The rows without a label that a task answers: those that came within its days before the as-of midnight, in ascending order of
 * ids. Of several rows with one id the one that came last counts, at one time the last one in the order of drops: so none is
 * answered twice, and nothing depends on the order in which files arrive.
 * @returns undefined where the task answers none, or the run has no day
 */
export async function readUnlabelled(
  store: ObjectStore,
  { config, inputs, asOf }: Pick<RunManifest, 'config' | 'inputs' | 'asOf'>,
  task: string,
): Promise<UnlabelledRows | undefined> {
  const asked = unlabelledOf(config, task);
  if (!asked || asOf === null) return undefined;
  const drops = (inputs.unlabelled ?? []).filter(({ source }) => source === asked.source);
  const rows = await readUnlabelledRows(
    store,
    drops.map(({ clean }) => clean),
  );
  const { timeZone } = config.shop;
  const day = parseDay(asOf);
  const counted = newest(rows, dayStart(timeZone, day - asked.days), dayStart(timeZone, day));
  return {
    table: someRows(rows.table, counted),
    keys: counted.map((row) => rows.keys[row]!),
    times: Float64Array.from(counted, (row) => rows.times[row]!),
  };
}

/** The row that counts of each id, of those within [from, before). */
function newest({ keys, times }: UnlabelledRows, from: number, before: number): number[] {
  const found = new Map<string, number>();
  for (const [row, key] of keys.entries()) {
    if (times[row]! < from || times[row]! >= before) continue;
    const other = found.get(key);
    if (other === undefined || times[row]! >= times[other]!) found.set(key, row);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function someRows(table: AttributeTable, rows: readonly number[]): AttributeTable {
  const of = <T>(values: readonly T[]) => rows.map((row) => values[row]!);
  const numbers = (values: Float64Array) => Float64Array.from(rows, (row) => values[row]!);
  return {
    rows: rows.length,
    ids: of(table.ids),
    validFrom: numbers(table.validFrom),
    columns: table.columns.map((column) =>
      column.kind === 'number'
        ? { ...column, values: numbers(column.values) }
        : { ...column, values: of(column.values) },
    ),
    emails: of(table.emails),
    rowIds: Int32Array.from(rows, (row) => table.rowIds[row]!),
    labels: of(table.labels),
    splits: of(table.splits),
    splitAt: numbers(table.splitAt),
  };
}
