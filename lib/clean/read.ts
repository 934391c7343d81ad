import type { Source } from '../config/index.ts';
import { quoteIdentifier, quoteText, refusalOr, type Sql } from './engine.ts';
import { Refusal } from './errors.ts';
import { checkHeader } from './header.ts';
import { forEachRecord, type Intake } from './intake.ts';

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
   * (why the reader could not take it, or NULL) and the columns.
   */
  readonly relation: string;
  readonly count: number;
}

const READ_HINT = 'check the file with "nightjar check"; nothing of it was used';

/** Loads a drop into the temp table `raw`. @throws Refusal when the file can not be read or rows would get lost */
export async function readRecords(sql: Sql, intake: Intake, source: Source): Promise<Records> {
  if (source.format === 'parquet') return readParquet(sql, intake);
  const records =
    source.format === 'csv' ? await readCsv(sql, intake, source) : await readJsonLines(sql, intake);
  if (records.count !== intake.records) {
    throw new Refusal(
      `the reader and the counter disagree: DuckDB found ${records.count} records, our own count ${intake.records}`,
      'a quote is probably broken somewhere: export the file again with quotes doubled (""); nothing of it was used',
    );
  }
  return records;
}

async function readCsv(sql: Sql, intake: Intake, source: Source): Promise<Records> {
  const names = intake.header ?? [];
  checkHeader(names);
  if (names.length === 0) return emptyRecords(sql);
  const columns = names.map((name) => ({ name, type: 'VARCHAR' }));
  const { delimiter, quote } = source.csv;
  return withRejected(
    sql,
    intake,
    columns,
    await loadText(sql, intake, { columns: names, delimiter, quote }),
  );
}

async function emptyRecords(sql: Sql): Promise<Records> {
  await sql.run('CREATE OR REPLACE TEMP TABLE raw AS SELECT 0 AS nothing WHERE false');
  return {
    columns: [],
    relation: `(SELECT rowid AS nj_row, NULL::VARCHAR AS nj_line, NULL::VARCHAR AS nj_broken FROM raw)`,
    count: 0,
  };
}

interface TextShape {
  readonly columns: readonly string[];
  readonly delimiter: string;
  readonly quote: string;
  /** Leaves out what is no record. */
  readonly where?: string;
}

interface Loaded {
  readonly stored: number;
  readonly rejected: readonly Rejected[];
}

interface Rejected {
  /** 0-based offset near the start of the record. */
  readonly offset: number;
  readonly why: string;
}

/** Reads lines into `raw`, all columns as text. @returns how many, and the lines that DuckDB left out */
async function loadText(sql: Sql, intake: Intake, shape: TextShape): Promise<Loaded> {
  const list = shape.columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  // A buffer holds at least one record; the default of 32 MB fits records of 2 MB.
  const size = intake.longest >= 2_000_000 ? `, max_line_size = ${intake.longest + 64}` : '';
  const read = (parallel: boolean) => `
    CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM read_csv(${quoteText(intake.path)}, columns = {${list}},
      auto_detect = false, header = false, delim = ${quoteText(shape.delimiter)}, quote = ${quoteText(shape.quote)},
      escape = ${quoteText(shape.quote)}, nullstr = '', compression = 'none', strict_mode = true,
      null_padding = false, store_rejects = true, rejects_table = 'nj_rejects', rejects_scan = 'nj_scans',
      rejects_limit = 0, parallel = ${parallel}${size})${shape.where ? ` WHERE ${shape.where}` : ''}`;
  for (const parallel of [true, false]) {
    await sql.run('DROP TABLE IF EXISTS nj_rejects; DROP TABLE IF EXISTS nj_scans');
    let stored: number;
    try {
      stored = Number((await sql.rows(read(parallel)))[0]?.[0]);
    } catch (error) {
      if (parallel) continue;
      throw refusalOr(error, 'the file can not be read', READ_HINT);
    }
    const complete = stored === intake.records;
    const rejected = complete ? [] : await rejectedLines(sql);
    if (!parallel || stored + rejected.length === intake.records) return { stored, rejected };
  }
  return { stored: 0, rejected: [] };
}

const REJECTION: Record<string, string> = {
  'MISSING COLUMNS': 'wrong number of columns',
  'TOO MANY COLUMNS': 'wrong number of columns',
  'UNQUOTED VALUE': 'broken quotes',
  'LINE SIZE OVER MAXIMUM': 'line too long',
};

async function rejectedLines(sql: Sql): Promise<Rejected[]> {
  const rows = await sql.rows(`
    SELECT line_byte_position, min(error_type::VARCHAR), min(error_message) FROM nj_rejects
    GROUP BY line_byte_position ORDER BY line_byte_position`);
  return rows.map(([position, type, message]) => ({
    offset: Number(position) - 1,
    why: `${REJECTION[String(type)] ?? 'broken line'}: ${message}`,
  }));
}

/** Puts the rejected lines back among the others, at their place in the file. */
async function withRejected(
  sql: Sql,
  intake: Intake,
  columns: readonly Column[],
  { stored, rejected }: Loaded,
): Promise<Records> {
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  if (rejected.length === 0) {
    return {
      columns,
      count: stored,
      relation: `(SELECT rowid AS nj_row, NULL::VARCHAR AS nj_line, NULL::VARCHAR AS nj_broken, ${names} FROM raw)`,
    };
  }
  await sql.run('CREATE OR REPLACE TEMP TABLE nj_broken (nj_row BIGINT, nj_line VARCHAR, nj_broken VARCHAR)');
  await appendBroken(sql, intake, rejected);
  // The k-th broken line moves every good line behind it by one: good line i stands at i + (broken lines before it).
  return {
    columns,
    count: stored + rejected.length,
    relation: `(
      SELECT nj_good + coalesce(nj_before, 0) AS nj_row, NULL::VARCHAR AS nj_line, NULL::VARCHAR AS nj_broken, ${names}
      FROM (SELECT rowid AS nj_good, * FROM raw) ASOF LEFT JOIN (
        SELECT nj_row - nj_index AS nj_from, max(nj_index) + 1 AS nj_before
        FROM (SELECT nj_row, row_number() OVER (ORDER BY nj_row) - 1 AS nj_index FROM nj_broken) GROUP BY 1
      ) ON nj_good >= nj_from
      UNION ALL BY NAME SELECT nj_row, nj_line, nj_broken FROM nj_broken)`,
  };
}

async function appendBroken(sql: Sql, intake: Intake, rejected: readonly Rejected[]): Promise<void> {
  if (!intake.dialect) return;
  const appender = await sql.connection.createAppender('nj_broken');
  let next = 0;
  let previous: { text: Uint8Array; ordinal: number } | undefined;
  const append = (end: number) => {
    const line = rejected[next];
    if (!previous || !line || line.offset >= end) return;
    appender.appendBigInt(BigInt(previous.ordinal));
    appender.appendVarchar(Buffer.from(previous.text).toString('utf8'));
    appender.appendVarchar(line.why);
    appender.endRow();
    next++;
  };
  await forEachRecord(intake.path, intake.dialect, (record, start, ordinal) => {
    // DuckDB's offset may be that of a line feed just before the record.
    append(start - 1);
    previous = { text: Uint8Array.from(record), ordinal };
  });
  append(Number.POSITIVE_INFINITY);
  appender.closeSync();
}

/** No JSON text holds this character unescaped, so no line is ever cut by it. */
const NO_DELIMITER = '\u0001';
const MAX_KEYS = 1000;

async function readJsonLines(sql: Sql, intake: Intake): Promise<Records> {
  const shape = { columns: ['line'], delimiter: NO_DELIMITER, quote: '', where: 'line IS NOT NULL' };
  const loaded = await loadText(sql, intake, shape);
  const lines = await withRejected(sql, intake, [{ name: 'line', type: 'VARCHAR' }], loaded);
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
  // RFC 6901 pointers reach keys with dots and quotes in them.
  const pointer = (key: string) => quoteText(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  const extracted = keys.map(
    (key) => `TRY(json_extract_string(nj_line, ${pointer(key)})) AS ${quoteIdentifier(key)}`,
  );
  const whole = keys.some((key) => key.toLowerCase() === 'json') ? [] : ['nj_line AS json'];
  await sql.run(`CREATE OR REPLACE TEMP TABLE raw AS
    SELECT ${['nj_line', 'nj_broken', ...extracted].join(', ')} FROM nj_lines ORDER BY nj_row`);
  const selected = [...whole, ...keys.map(quoteIdentifier)].map((column) => `, ${column}`).join('');
  return {
    columns: [...keys, ...(whole.length > 0 ? ['json'] : [])].map((name) => ({ name, type: 'VARCHAR' })),
    count: Number((await sql.rows('SELECT count(*) FROM raw'))[0]?.[0]),
    relation: `(SELECT rowid AS nj_row, nj_line, nj_broken${selected} FROM raw)`,
  };
}

async function readParquet(sql: Sql, intake: Intake): Promise<Records> {
  const path = quoteText(intake.path);
  let expected: number;
  try {
    expected = Number((await sql.rows(`SELECT num_rows FROM parquet_file_metadata(${path})`))[0]?.[0]);
    await sql.run(`CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM read_parquet(${path})`);
  } catch (error) {
    throw refusalOr(error, 'the parquet file can not be read', 'write it again; nothing of it was used');
  }
  const columns = await sql.describe('raw');
  const count = Number((await sql.rows('SELECT count(*) FROM raw'))[0]?.[0]);
  if (count !== expected) {
    throw new Refusal(
      `the reader and the file disagree: DuckDB found ${count} rows, the footer says ${expected}`,
      'write the file again; nothing of it was used',
    );
  }
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  return {
    columns,
    count,
    relation: `(SELECT rowid AS nj_row, NULL::VARCHAR AS nj_line, NULL::VARCHAR AS nj_broken, ${names} FROM raw)`,
  };
}
