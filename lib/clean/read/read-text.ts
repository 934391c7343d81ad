import { quoteText, refusalOr, type Sql } from '../duckdb/index.ts';
import { forEachRecord, type Intake } from '../intake/index.ts';

/** Lines that DuckDB's csv reader loads into the temp table `raw`, all columns as text. */
export interface TextShape {
  readonly columns: readonly string[];
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  /** Further columns, computed from the line's. */
  readonly computed?: string;
  /** Leaves out what is no record. */
  readonly where?: string;
}

/** How many records there are, and a FROM item of them all: `n`, `text` and `broken` of rejected lines, and `raw`'s columns. */
export interface LoadedText {
  readonly count: number;
  /** Without the lines that the reader rejected. */
  readonly stored: number;
  readonly relation: string;
}

interface Rejected {
  /** 0-based offset near the start of the record. */
  readonly offset: number;
  readonly why: string;
}

/** Records up to this size fit the reader's default buffer. */
const USUAL_RECORD = 2_000_000;

/** Reads lines into `raw` and puts those that the reader rejects back among them, at their place in the file. */
export async function loadText(sql: Sql, intake: Intake, shape: TextShape): Promise<LoadedText> {
  const { stored, rejected } = await loadLines(sql, intake, shape);
  if (rejected.length === 0) {
    const relation = '(SELECT rowid AS n, NULL::VARCHAR AS text, NULL::VARCHAR AS broken, * FROM raw)';
    return { stored, count: stored, relation };
  }
  await sql.run('CREATE OR REPLACE TEMP TABLE rejected (n BIGINT, text VARCHAR, broken VARCHAR)');
  await appendRejected(sql, intake, rejected);
  // The k-th broken line moves every good line behind it by one: good line i stands at i + (broken lines before it).
  return {
    stored,
    count: stored + rejected.length,
    relation: `(
      SELECT good + coalesce(before, 0) AS n, NULL::VARCHAR AS text, NULL::VARCHAR AS broken,
        * EXCLUDE (good, start, before)
      FROM (SELECT rowid AS good, * FROM raw) ASOF LEFT JOIN (
        SELECT n - index AS start, max(index) + 1 AS before
        FROM (SELECT n, row_number() OVER (ORDER BY n) - 1 AS index FROM rejected) GROUP BY 1
      ) ON good >= start
      UNION ALL BY NAME SELECT n, text, broken FROM rejected)`,
  };
}

/** Each reading leaves tables of what it rejected: they get names of their own, which is faster than to drop them. */
let loads = 0;

/** In parallel first; where that loses count, once more in one piece. */
async function loadLines(
  sql: Sql,
  intake: Intake,
  shape: TextShape,
): Promise<{ stored: number; rejected: Rejected[] }> {
  const columns = shape.columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  const size = intake.longest >= USUAL_RECORD ? `, max_line_size = ${intake.longest + 64}` : '';
  const lineEnd = intake.linesEndInLf ? `, new_line = '\\n'` : '';
  const computed = shape.computed ? `, ${shape.computed}` : '';
  const where = shape.where ? `WHERE ${shape.where}` : '';
  let loaded: { stored: number; rejected: Rejected[] } = { stored: 0, rejected: [] };
  for (const parallel of [true, false]) {
    const rejects = `rejects${++loads}`;
    try {
      const [[stored] = []] = await sql.rows(`
        CREATE OR REPLACE TEMP TABLE raw AS SELECT *${computed} FROM read_csv(${quoteText(intake.path)},
          columns = {${columns}}, auto_detect = false, header = false, delim = ${quoteText(shape.delimiter)},
          quote = ${quoteText(shape.quote)}, escape = ${quoteText(shape.escape)}, nullstr = '',
          compression = 'none', strict_mode = true, null_padding = false, store_rejects = true,
          rejects_table = '${rejects}', rejects_scan = '${rejects}_scans', rejects_limit = 0, parallel = ${parallel}${size}${lineEnd})
        ${where}`);
      const complete = Number(stored) === intake.records;
      loaded = { stored: Number(stored), rejected: complete ? [] : await rejectedLines(sql, rejects) };
    } catch (error) {
      const hint = 'look at it with "nightjar check"; nothing of it was used';
      if (!parallel) throw refusalOr(error, 'the file cannot be read', hint);
      continue;
    }
    if (loaded.stored + loaded.rejected.length === intake.records) break;
  }
  return loaded;
}

const REJECTION: Record<string, string> = {
  'MISSING COLUMNS': 'wrong number of columns',
  'TOO MANY COLUMNS': 'wrong number of columns',
  'UNQUOTED VALUE': 'broken quotes',
  'LINE SIZE OVER MAXIMUM': 'line too long',
};

async function rejectedLines(sql: Sql, rejects: string): Promise<Rejected[]> {
  const rows = await sql.rows(`
    SELECT line_byte_position, min(error_type::VARCHAR), min(error_message) FROM ${rejects}
    GROUP BY line_byte_position ORDER BY line_byte_position`);
  return rows.map(([position, type, message]) => ({
    offset: Number(position) - 1,
    why: `${REJECTION[String(type)] ?? 'broken line'}: ${message}`,
  }));
}

/** Finds the rejected records by their offsets, in one pass, and stores number and text of each. */
async function appendRejected(sql: Sql, intake: Intake, rejected: readonly Rejected[]): Promise<void> {
  const { dialect } = intake;
  if (!dialect) return;
  const appender = await sql.connection.createAppender('rejected');
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
  await forEachRecord(intake.path, dialect, (record, start, ordinal) => {
    // DuckDB's offset may be that of a line feed just before the record.
    append(start - 1);
    previous = { text: Uint8Array.from(record), ordinal };
  });
  append(Number.POSITIVE_INFINITY);
  appender.closeSync();
}
