import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/index.ts';
import { DataError, EVENT_TYPES } from '../data/index.ts';
import { explain, explainedAt, scratchPrefix, temporaryPlace } from '../runtime/index.ts';
import { latestTime, setTimeZone, textFormat } from './drop.ts';
import { type EngineOptions, quoteIdentifier, refusalOr, type Sql, withConnection } from './engine.ts';
import { Refusal } from './errors.ts';
import { takeIn } from './intake.ts';
import { judge, quarantineQuery } from './judge.ts';
import type { NamedSource } from './keys.ts';
import { planFor } from './plan.ts';
import { readRecords } from './read.ts';
import type { TablePlan } from './table.ts';

type Value = string | number | boolean | null;

/** How a config reads a file, without writing anything. */
export type Preview =
  | {
      readonly status: 'read';
      /** Columns that expressions may use. */
      readonly columns: readonly string[];
      readonly rowsIn: number;
      readonly clean: number;
      readonly duplicates: number;
      /** Rows by reason. */
      readonly quarantined: Readonly<Record<string, number>>;
      /** The first clean rows, with the user's own id; money in minor units, times in UTC. */
      readonly rows: readonly Readonly<Record<string, Value>>[];
      /** The first quarantined rows. */
      readonly errors: readonly { readonly row: number; readonly column: string; readonly reason: string }[];
    }
  | { readonly status: 'refused'; readonly reason: string; readonly hint: string };

/**
 * Maps a local file as `cleanDrop` would, for "nightjar check".
 * @param file on disk; its modification time stands for the drop's
 * @param n how many rows and errors to show
 */
export async function previewDrop(
  file: string,
  named: NamedSource,
  config: Config,
  n = 10,
  engine: EngineOptions = {},
): Promise<Preview> {
  const info = await stat(file);
  if (!info.isFile())
    throw new DataError(`${file} is ${info.isDirectory() ? 'a folder' : 'no file'}: give one file`);
  const { mtime } = info;
  const folder = await explainedAt(temporaryPlace(), mkdtemp(join(tmpdir(), scratchPrefix('check'))));
  try {
    const intake = await takeIn(createReadStream(file), join(folder, 'drop'), textFormat(named.source));
    return await withConnection(engine, async (sql): Promise<Preview> => {
      await setTimeZone(sql, named.source.timeZone ?? config.shop.timeZone);
      const records = await readRecords(sql, intake, named.source);
      const columns = records.columns.map(({ name }) => name);
      const empty = { columns, rowsIn: 0, clean: 0, duplicates: 0, quarantined: {}, rows: [], errors: [] };
      if (columns.length === 0) return { status: 'read', ...empty };
      const plan = await planFor(sql, named, records, config.shop.timeZone);
      const judged = await judge(sql, records, plan, named.source, latestTime(mtime, named.source));
      return {
        status: 'read',
        columns,
        rowsIn: judged.rowsIn,
        clean: judged.clean,
        duplicates: judged.duplicatesFound,
        quarantined: judged.quarantined,
        rows: await firstRows(sql, plan, n),
        errors: await firstErrors(sql, plan, n),
      };
    });
  } catch (error) {
    const fault = refusalOr(error, 'DuckDB could not map it', 'change the expression in the config');
    if (!(fault instanceof Refusal)) throw explain(error, temporaryPlace()) ?? error;
    return { status: 'refused', reason: fault.reason, hint: fault.hint };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function firstRows(sql: Sql, plan: TablePlan, n: number): Promise<Record<string, Value>[]> {
  const shown = plan.outputs.filter(({ name }) => name !== 'flags' && name !== 'id');
  const columns = shown.map(({ name, type }) => {
    const column = quoteIdentifier(`o_${name}`);
    if (type === 'instant') return `strftime(make_timestamp(${column} * 1000), '%Y-%m-%dT%H:%M:%S.%gZ')`;
    return type === 'int64' ? `${column}::DOUBLE` : column;
  });
  const rows = await sql.rows(`
    SELECT nj_subject, ${columns.join(', ')} FROM mapped WHERE nj_bad = 0 ORDER BY nj_row LIMIT ${n}`);
  return rows.map(([subject, ...values]) => {
    const row: Record<string, Value> = plan.subject === 'user' ? { user: subject ?? null } : {};
    for (const [index, { name }] of shown.entries()) {
      const value = values[index] ?? null;
      row[name] = name === 'type' ? (EVENT_TYPES[Number(value)] ?? null) : value;
    }
    return row;
  });
}

async function firstErrors(sql: Sql, plan: TablePlan, n: number) {
  const rows = await sql.rows(`SELECT "row", "column", "reason" FROM (${quarantineQuery(plan)}) LIMIT ${n}`);
  return rows.map(([row, column, reason]) => ({
    row: Number(row),
    column: String(column),
    reason: String(reason),
  }));
}
