import type { Source } from '../config/index.ts';
import { quoteIdentifier, quoteText, refusalOr, type Sql } from './engine.ts';
import { Refusal } from './errors.ts';
import { checkHeader, missingColumn } from './header.ts';
import type { Intake } from './intake.ts';
import { hashOf, loadText } from './read-text.ts';

export interface Column {
  readonly name: string;
  readonly type: string;
}

/** A drop inside DuckDB: table `raw`, and how to see it as records. */
export interface Records {
  /** Columns that mappings may use. */
  readonly columns: readonly Column[];
  /**
   * A FROM item with `nj_row` (0-based number of the record in the file), `nj_line` (its text, where kept), `nj_broken`
   * (why the reader could not take it, or NULL), `nj_hash` and the columns.
   */
  readonly relation: string;
  readonly count: number;
  /** Columns that make a row's identity; `raw.nj_hash` is a hash of them. */
  readonly identity: readonly string[];
  /** Whether the identity is a key that the config names. */
  readonly keyed: boolean;
}

/** Loads a drop into the temp table `raw`. @throws Refusal when the file can not be read or rows would get lost */
export async function readRecords(sql: Sql, intake: Intake, source: Source): Promise<Records> {
  if (source.format === 'parquet') return readParquet(sql, intake, source);
  const records =
    source.format === 'csv' ? await readCsv(sql, intake, source) : await readJsonLines(sql, intake, source);
  if (records.count !== intake.records) {
    throw new Refusal(
      `the reader and the counter disagree: DuckDB found ${records.count} records, our own count ${intake.records}`,
      'a quote is probably broken somewhere: export the file again with quotes doubled (""); nothing of it was used',
    );
  }
  return records;
}

async function readCsv(sql: Sql, intake: Intake, source: Source): Promise<Records> {
  const columns = intake.header ?? [];
  checkHeader(columns);
  const identity = identityOf(source, columns);
  // An empty file has no columns, and no rows to lose.
  if (columns.length === 0) return { columns: [], relation: '', count: 0, ...identity };
  const { delimiter, quote } = source.csv;
  const computed = `${hashOf(identity.identity)} AS nj_hash`;
  const loaded = await loadText(sql, intake, { columns, delimiter, quote, computed });
  return { columns: columns.map((name) => ({ name, type: 'VARCHAR' })), ...loaded, ...identity };
}

/** No JSON text holds this character unescaped, so no line is ever cut by it. */
const NO_DELIMITER = '\u0001';
const MAX_KEYS = 1000;

async function readJsonLines(sql: Sql, intake: Intake, source: Source): Promise<Records> {
  const shape = { columns: ['line'], delimiter: NO_DELIMITER, quote: '', where: 'line IS NOT NULL' };
  const lines = await loadText(sql, intake, shape);
  await sql.run(`
    CREATE OR REPLACE TEMP TABLE nj_lines AS
    SELECT nj_row, coalesce(nj_line, line) AS nj_line, coalesce(nj_broken, CASE
      WHEN NOT json_valid(line) THEN 'no JSON: the line does not parse'
      WHEN json_type(line) <> 'OBJECT' THEN 'no JSON object: the line holds ' || lower(json_type(line))
    END) AS nj_broken
    FROM ${lines.relation} ORDER BY nj_row`);
  const keys = (
    await sql.rows(`
      SELECT key FROM (SELECT unnest(json_keys(nj_line)) AS key, nj_row FROM nj_lines WHERE nj_broken IS NULL)
      GROUP BY key ORDER BY min(nj_row), key LIMIT ${MAX_KEYS + 1}`)
  ).map(([key]) => String(key));
  if (keys.length > MAX_KEYS) {
    throw new Refusal(
      `the objects have more than ${MAX_KEYS} different top-level keys`,
      'keys that are data belong one level down: {"values": {…}}',
    );
  }
  checkHeader(keys);
  if (lines.count === 0) return { columns: [], relation: '', count: 0, identity: [], keyed: false };
  if (keys.length === 0) {
    throw new Refusal(
      `none of the ${lines.count} lines is a JSON object with a key`,
      'write one object a line: {"user": "u1", …}; nothing of the file was used',
    );
  }
  const whole = keys.some((key) => key.toLowerCase() === 'json') ? [] : ['json'];
  const identity = identityOf(source, keys);
  // RFC 6901 pointers reach keys with dots and quotes in them.
  const pointer = (key: string) => quoteText(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  const extracted = keys.map(
    (key) =>
      `CASE WHEN nj_broken IS NULL THEN json_extract_string(nj_line, ${pointer(key)}) END AS ${quoteIdentifier(key)}`,
  );
  const values = [...whole.map(() => 'nj_line AS json'), ...extracted].map((value) => `, ${value}`).join('');
  await sql.run(`CREATE OR REPLACE TEMP TABLE raw AS
    SELECT *, ${hashOf(identity.identity)} AS nj_hash
    FROM (SELECT nj_row, nj_line, nj_broken${values} FROM nj_lines)`);
  return {
    columns: [...keys, ...whole].map((name) => ({ name, type: 'VARCHAR' })),
    count: lines.count,
    relation: 'raw',
    ...identity,
  };
}

async function readParquet(sql: Sql, intake: Intake, source: Source): Promise<Records> {
  const path = quoteText(intake.path);
  try {
    const [[expected] = []] = await sql.rows(`SELECT num_rows FROM parquet_file_metadata(${path})`);
    const columns = await sql.describe(`SELECT * FROM read_parquet(${path})`);
    const names = columns.map(({ name }) => name);
    checkHeader(names);
    const identity = identityOf(source, names);
    const [[count] = []] = await sql.rows(`
      CREATE OR REPLACE TEMP TABLE raw AS
      SELECT *, ${hashOf(identity.identity)} AS nj_hash FROM read_parquet(${path})`);
    if (count !== expected) {
      throw new Refusal(
        `the reader and the file disagree: DuckDB found ${count} rows, the footer says ${expected}`,
        'write the file again; nothing of it was used',
      );
    }
    const relation =
      '(SELECT rowid AS nj_row, NULL::VARCHAR AS nj_line, NULL::VARCHAR AS nj_broken, * FROM raw)';
    return { columns, count: Number(count), relation, ...identity };
  } catch (error) {
    throw refusalOr(error, 'the parquet file can not be read', 'write it again; nothing of it was used');
  }
}

function identityOf(
  source: Source,
  columns: readonly string[],
): { identity: readonly string[]; keyed: boolean } {
  if (!source.key) return { identity: columns, keyed: false };
  if (columns.length === 0) return { identity: [], keyed: true };
  for (const wanted of source.key) {
    if (!columns.some((name) => name.toLowerCase() === wanted.toLowerCase())) {
      throw missingColumn(wanted, 'key', columns);
    }
  }
  return { identity: source.key, keyed: true };
}
