import { DataError } from '../data/index.ts';
import { duckDbMessage, type Sql, timeReadingText, withConnection } from './duckdb/index.ts';
import { Refusal } from './errors.ts';
import { type Bound, bindAll, typesOf } from './mapping/index.ts';
import type { Column } from './read/index.ts';

/** A condition of the config over a table of ours. */
export interface ConditionOf {
  readonly condition: string;
  /** Where the config says it: 'tasks.preference.only'. */
  readonly setting: string;
  /** What has the columns: 'the table of items'. */
  readonly of: string;
  /** Of times that carry no zone. */
  readonly zone: string;
}

export interface ConditionColumn {
  readonly name: string;
  /** Missing numbers are NaN. */
  readonly values: Float64Array | readonly (string | undefined)[];
}

interface Named {
  readonly name: string;
  readonly isNumber: boolean;
}

/** Why no table with these columns can be asked the condition; undefined where one can. */
export async function conditionFault(
  asked: ConditionOf,
  columns: readonly Named[],
): Promise<string | undefined> {
  const read = await readCondition(asked, columns);
  return 'fault' in read ? read.fault : undefined;
}

/** The columns that a condition reads, in their order, or why no table with these columns can be asked it. */
export async function readCondition(
  asked: ConditionOf,
  columns: readonly Named[],
): Promise<{ readonly reads: readonly string[] } | { readonly fault: string }> {
  return withConnection({ threads: 1 }, async (sql) => {
    try {
      const { columns: read } = await bound(sql, asked, slotsOf(columns));
      const slots = new Set(read.map(({ slot }) => slot));
      return { reads: slotsOf(columns).flatMap(({ name, slot }) => (slots.has(slot) ? [name] : [])) };
    } catch (error) {
      if (error instanceof Refusal) return { fault: error.reason };
      throw error;
    }
  });
}

/**
 * Which rows of a table meet a condition: 1 where it is true, 0 where it is false or not known. As in a mapping, it sees one
 * row at a time, and nothing that reads the clock or draws at random.
 * @throws DataError that names the condition, what is wrong with it, and the columns there are
 */
export async function rowsThatMeet(
  asked: ConditionOf,
  rows: number,
  columns: readonly ConditionColumn[],
): Promise<Uint8Array> {
  const slots = slotsOf(columns.map(({ name, values }) => ({ name, isNumber: isNumbers(values) })));
  return withConnection({ threads: 1 }, async (sql) => {
    try {
      const { sql: condition } = await bound(sql, asked, slots);
      await fill(sql, rows, columns, slots);
      const meeting = await sql.run(`SELECT place FROM asked WHERE ${condition}`);
      const meets = new Uint8Array(rows);
      for (const [place] of await meeting.getRows()) meets[Number(place)] = 1;
      return meets;
    } catch (error) {
      const why = error instanceof Refusal ? error.reason : duckDbMessage(error);
      const known = columns.map(({ name }) => `"${name}"`).join(', ');
      throw new DataError(
        `${asked.setting}: given ${JSON.stringify(asked.condition)}, expected a condition in DuckDB’s SQL over ${asked.of} ` +
          `(its columns are ${known}): ${why}`,
        { cause: error },
      );
    }
  });
}

const isNumbers = (values: ConditionColumn['values']): values is Float64Array =>
  values instanceof Float64Array;

const slotsOf = (columns: readonly Named[]): Column[] =>
  columns.map(({ name, isNumber }, i) => ({ name, type: isNumber ? 'DOUBLE' : 'VARCHAR', slot: `c${i}` }));

/** The condition over the columns' slots. @throws Refusal where it is none */
async function bound(sql: Sql, asked: ConditionOf, columns: readonly Column[]): Promise<Bound> {
  const wanted = [{ path: asked.setting, expression: asked.condition }];
  const scope = { of: asked.of, columns, given: [], optional: [] };
  const reading = timeReadingText({ zone: asked.zone, abbreviations: {} });
  const [one] = await bindAll(sql, wanted, scope, reading);
  const [type] = await typesOf(sql, [one!]);
  if (type === 'BOOLEAN') return one!;
  throw new Refusal(`it gives a ${type}, and a condition is true or false`, 'compare it with something');
}

async function fill(
  sql: Sql,
  rows: number,
  columns: readonly ConditionColumn[],
  slots: readonly Column[],
): Promise<void> {
  const definitions = slots.map(({ slot, type }) => `${slot} ${type}`);
  await sql.run(`CREATE OR REPLACE TEMP TABLE asked (${['place INTEGER', ...definitions].join(', ')})`);
  const appender = await sql.connection.createAppender('asked');
  for (let row = 0; row < rows; row++) {
    appender.appendInteger(row);
    for (const { values } of columns) {
      const value = values[row];
      if (value === undefined || (typeof value === 'number' && Number.isNaN(value))) appender.appendNull();
      else if (typeof value === 'number') appender.appendDouble(value);
      else appender.appendVarchar(value);
    }
    appender.endRow();
  }
  appender.closeSync();
}
