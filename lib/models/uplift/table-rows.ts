import type { UpliftTask } from '../../config/index.ts';
import { DataError, stableUnit } from '../../data/index.ts';
import type { AttributeColumn, AttributeTable } from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { readSplitTable, type SplitTable } from '../table/index.ts';
import { upliftTask } from './uplift-task.ts';

/** The table of a trial, with what each row is. `table` holds the features alone. */
export interface TrialTable extends SplitTable {
  /** By place: 1 treated, 0 control, NaN where the row is not compared. */
  readonly treated: Float32Array;
  /** By place; NaN where it is not known. */
  readonly outcomes: Float32Array;
  /** By place, a number in [0, 1) per user, or per row where rows have no users. */
  readonly unit: Float32Array;
  /** Training rows that are compared. */
  readonly compared: Int32Array;
  /** Training rows that are not compared, and why. */
  readonly leftOut: readonly { readonly rows: number; readonly why: string }[];
}

/** Values that an error names. */
const NAMED = 8;

/**
 * Reads the table of a task, its arms and outcomes.
 * @throws DataError as `readSplitTable`, where an arm of the task is in no row, or an outcome that should be a number is none
 */
export async function readTrialTable(
  store: ObjectStore,
  manifest: RunManifest,
  name: string,
): Promise<TrialTable> {
  const task = upliftTask(manifest, name);
  const needed = [task.arm, task.outcome];
  const exclude = (task.exclude ?? []).filter((column) => !needed.includes(column));
  const split = await readSplitTable(store, manifest, name, { source: task.source!, exclude });
  const { table, rowIds } = split;
  const arms = textsOf(table, task.arm!);
  checkArms(name, task, arms);
  const side = new Map([
    ...task.treated.map((arm) => [arm, 1] as const),
    ...task.control.map((arm) => [arm, 0] as const),
  ]);
  const outcomes = outcomesOf(name, task, table);
  const treated = Float32Array.from(arms, (arm, row) =>
    Number.isNaN(outcomes[row]!) ? Number.NaN : (side.get(arm ?? '') ?? Number.NaN),
  );
  const others = new Map<string, number>();
  let unknown = 0;
  for (const row of split.train) {
    const arm = arms[row] ?? '';
    if (!side.has(arm)) others.set(arm, (others.get(arm) ?? 0) + 1);
    else if (Number.isNaN(outcomes[row]!)) unknown++;
  }
  const named = table.ids.every((id) => id !== '');
  return {
    ...split,
    table: { ...table, columns: table.columns.filter((column) => !needed.includes(column.name)) },
    treated,
    outcomes,
    unit: Float32Array.from(rowIds, (id, row) => stableUnit('fold', named ? table.ids[row]! : String(id))),
    compared: split.train.filter((row) => !Number.isNaN(treated[row]!)),
    leftOut: [
      ...[...others]
        .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
        .slice(0, NAMED)
        .map(([arm, rows]) => ({
          rows,
          why: arm === '' ? 'their arm is not known' : `of arm "${arm}", which the task does not name`,
        })),
      ...(unknown > 0 ? [{ rows: unknown, why: 'their outcome is not known' }] : []),
    ],
  };
}

/** A category as it stands; a number as it is written. */
function textsOf(table: AttributeTable, name: string): readonly (string | undefined)[] {
  const column = columnOf(table, name);
  if (column.kind !== 'number') return column.values;
  return Array.from(column.values, (value) => (Number.isNaN(value) ? undefined : String(value)));
}

function columnOf({ columns }: AttributeTable, name: string): AttributeColumn {
  const column = columns.find((one) => one.name === name);
  if (column) return column;
  throw new DataError(
    `the rows have no attribute "${name}" (there are: ${columns.map((one) => one.name).join(', ') || 'none'})`,
  );
}

function checkArms(
  name: string,
  { treated, control, arm }: UpliftTask,
  arms: readonly (string | undefined)[],
) {
  const counts = new Map<string, number>();
  for (const one of arms) if (one !== undefined) counts.set(one, (counts.get(one) ?? 0) + 1);
  const listed = [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, NAMED)
    .map(([one, rows]) => `"${one}" (${rows} rows)`);
  for (const [setting, wanted] of [['treated', treated] as const, ['control', control] as const]) {
    const missing = wanted.find((one) => !counts.has(one));
    if (missing === undefined) continue;
    throw new DataError(
      `task ${name}: no row's ${arm} is "${missing}"; there are ${listed.join(', ')}: correct tasks.${name}.${setting}`,
    );
  }
}

function outcomesOf(name: string, task: UpliftTask, table: AttributeTable): Float32Array {
  const { outcome, of, positive = '1' } = task;
  const texts = outcome === undefined ? table.labels : textsOf(table, outcome);
  if (of === 'chance') {
    const wanted = positive.toLowerCase();
    return Float32Array.from(texts, (text) =>
      text === undefined || text === '' ? Number.NaN : Number(text.toLowerCase() === wanted),
    );
  }
  return Float32Array.from(texts, (text, row) => {
    if (text === undefined || text.trim() === '') return Number.NaN;
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    throw new DataError(
      `task ${name}: the outcome of row ${table.rowIds[row]} is "${text}", and a number is expected where of is 'amount': ` +
        "correct it there, give the task another outcome, or ask for the 'chance' of a value",
    );
  });
}
