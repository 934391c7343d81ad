import type { Source } from '../../config/index.ts';
import { quoteText, type Sql } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import type { Intake } from '../intake/index.ts';
import { type Column, givenColumns, type KeyFacts, type Records } from './columns.ts';
import { type Loaded, readCsv } from './csv.ts';
import { readJsonLines } from './jsonl.ts';
import { readParquet } from './parquet.ts';

/**
 * Loads a drop into DuckDB, one row per record of the file.
 * @throws Refusal when the file cannot be read or rows would get lost
 */
export async function readRecords(
  sql: Sql,
  intake: Intake,
  source: Source,
  facts: KeyFacts,
): Promise<Records> {
  const loaded = await load(sql, intake, source);
  if (intake.records !== undefined && loaded.count !== intake.records) {
    throw new Refusal(
      `the reader and the counter disagree: DuckDB found ${loaded.count} records, our own count ${intake.records}`,
      'a quote is probably broken somewhere: export the file again with quotes doubled (""); nothing of it was used',
    );
  }
  const { columns, content, count } = loaded;
  const { given, select } = givenColumns(facts);
  // The whole line is at hand in lines of JSON.
  const line: Column[] = source.format === 'jsonl' ? [{ name: 'json', type: 'VARCHAR', slot: 'line' }] : [];
  const text = source.format === 'jsonl' ? 'line' : 'text AS line';
  const slots = columns.map(({ slot }) => slot);
  const relation = `(SELECT n, 0 AS e, ${[text, 'broken', 'h', ...select, ...slots].join(', ')} FROM ${loaded.relation})`;
  const values = columns.map(({ name, slot }) => `${quoteText(name)}, ${slot}`).join(', ');
  return {
    columns,
    given: [...given, ...line],
    relation,
    records: count,
    rows: count,
    content,
    // Of lines of JSON the line is always there: no column is computed for a file that may have thousands of them.
    text: source.format === 'jsonl' ? 'line' : `coalesce(line, json_object(${values})::VARCHAR)`,
  };
}

function load(sql: Sql, intake: Intake, source: Source): Promise<Loaded> {
  if (source.format === 'parquet') return readParquet(sql, intake, source);
  return source.format === 'csv' ? readCsv(sql, intake, source) : readJsonLines(sql, intake);
}
