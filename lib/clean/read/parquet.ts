import type { Source } from '../../config/index.ts';
import { quoteText, refusalOr, type Sql } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import { foreignOf, type Intake, packingOf } from '../intake/index.ts';
import { type Column, contentOf, hashOf } from './columns.ts';
import type { Loaded } from './csv.ts';
import { readingsOf } from './parquet-types.ts';

/**
 * Loads a parquet file; columns keep their types. What DuckDB would read as another value than the format means is put right
 * (INT96 holds UTC) or cannot be named in an expression (decimals of more than 38 digits).
 */
export async function readParquet(sql: Sql, intake: Intake, source: Source): Promise<Loaded> {
  const path = quoteText(intake.path);
  try {
    const [[expected] = []] = await sql.rows(`SELECT num_rows FROM parquet_file_metadata(${path})`);
    const described = await sql.describe(`SELECT * FROM read_parquet(${path}, hive_partitioning = false)`);
    const readings = await readingsOf(sql, path, described);
    const slots = described.map((_, i) => `c${i}`);
    const known = slots.filter((_, i) => readings[i]?.unreadable === undefined);
    const select = readings.map(({ sql: value }, i) => (value ? `${value(`c${i}`)} AS c${i}` : `c${i}`));
    const from = `read_parquet(${path}, hive_partitioning = false) AS file(${slots.join(', ')})`;
    const [[count] = []] = await sql.rows(`
      CREATE OR REPLACE TEMP TABLE raw AS
      SELECT *, ${hashOf(known)} AS h FROM (SELECT ${select.join(', ')} FROM ${from})`);
    if (count !== expected) {
      throw new Refusal(
        `the reader and the file disagree: DuckDB found ${count} rows, the footer says ${expected}`,
        'write the file again; nothing of it was used',
      );
    }
    const hidden = readings.find(({ unreadable }) => unreadable !== undefined)?.unreadable;
    // Rows that differ in such a column alone would look like copies of each other.
    if (hidden && !source.key && source.duplicates === 'drop') throw hidden;
    const columns = readings.map(({ name, type, unreadable }, i): Column => {
      return { name, type, slot: `c${i}`, ...(unreadable && { unreadable }) };
    });
    const relation = '(SELECT rowid AS n, NULL::VARCHAR AS text, NULL::VARCHAR AS broken, * FROM raw)';
    return { columns, count: Number(count), stored: Number(count), relation, content: contentOf(known) };
  } catch (error) {
    // The path is that of a scratch copy, and says nothing to anybody.
    if (error instanceof Error) error.message = error.message.replaceAll(intake.path, 'the file');
    const fault = refusalOr(
      error,
      'the parquet file cannot be read',
      'write it again; nothing of it was used',
    );
    throw fault instanceof Refusal && fault !== error ? ((await otherFormat(intake)) ?? fault) : fault;
  }
}

/** What the file is, where it is no parquet at all. */
async function otherFormat({ head }: Intake): Promise<Refusal | undefined> {
  const packing = packingOf(head);
  if (packing) {
    return new Refusal(
      `the file is a ${packing} file, no parquet`,
      'drop the parquet file itself: it is compressed inside',
    );
  }
  const foreign = foreignOf(head);
  if (Buffer.from(head.subarray(0, 4)).toString('latin1') === 'PAR1') {
    return new Refusal(
      'the parquet file is cut off or damaged: its columns cannot be read',
      'the upload was probably cut off: drop it again; nothing of it was used',
    );
  }
  if (foreign) return new Refusal(`the file is ${foreign.what}, no parquet`, foreign.hint);
  return undefined;
}
