import type { Sql } from '../duckdb/index.ts';

/** Functions that no mapping may call, by name, and why. */
export type Forbidden = ReadonlyMap<string, string>;

/** Functions that DuckDB takes for consistent and that are not. */
const READERS = `
  current_localtime current_localtimestamp current_setting getvariable current_query version
  current_database current_schema current_schemas current_user txid_current pg_conf_load_time`;

let known: Promise<Forbidden> | undefined;

/**
 * A row's values must depend on that row alone, today and next year: no aggregates, and nothing that reads the clock, the
 * random source or the session.
 */
export function forbiddenNames(sql: Sql): Promise<Forbidden> {
  known ??= read(sql).catch((error) => {
    known = undefined;
    throw error;
  });
  return known;
}

async function read(sql: Sql): Promise<Forbidden> {
  const rows = await sql.rows(`
    SELECT function_name, bool_or(function_type = 'aggregate'), bool_or(function_type = 'scalar')
    FROM duckdb_functions() WHERE function_type = 'aggregate' OR (function_type = 'scalar' AND stability <> 'CONSISTENT')
    GROUP BY function_name`);
  const names = new Map<string, string>();
  for (const [name, aggregate] of rows) {
    const why = aggregate
      ? 'works on several rows; a mapping sees one row at a time'
      : 'gives another value at another time or place; a drop must read the same next year';
    names.set(String(name), why);
  }
  const clock = 'reads the clock or the machine; a drop must read the same next year';
  for (const name of READERS.trim().split(/\s+/)) names.set(name, clock);
  const list = 'makes several rows of one: use the setting unnest of the source, and its element here';
  for (const name of ['unnest', 'unlist']) names.set(name, list);
  return names;
}
