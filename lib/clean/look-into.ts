import { join } from 'node:path';
import type { Config, Source } from '../config/index.ts';
import { withScratch } from '../runtime/index.ts';
import { textFormat, threadsFor } from './clean-file.ts';
import { type Sql, timeReadingText, withConnection } from './duckdb/index.ts';
import { takeInFile } from './intake/index.ts';
import { readingOf, shapeRows, sqlOf } from './mapping/index.ts';
import { type Column, keyFacts, readRecords } from './read/index.ts';

/** A file's records as a source's settings read them, before any mapping. */
export interface Look {
  readonly sql: Sql;
  /** Columns of the file. */
  readonly columns: readonly Column[];
  /** A FROM item with the columns' slots; records that could not be read have a text in `broken`. */
  readonly relation: string;
  readonly rows: number;
  /** The different values of an expression over the rows that `fill` and `unnest` make, the most frequent first. */
  values(expression: string, most?: number): Promise<{ value: string | null; rows: number }[]>;
}

/**
 * Reads a file as cleaning would, for a look at what stands in it.
 * @throws Refusal when the file cannot be read so, or an expression does not fit it
 */
export function lookInto<T>(
  file: string,
  source: Source,
  shop: Config['shop'],
  work: (look: Look) => Promise<T>,
): Promise<T> {
  return withScratch('check', async (folder) => {
    const intake = await takeInFile(file, join(folder, 'drop'), textFormat(source));
    return withConnection(threadsFor(intake, { threads: 2 }), async (sql) => {
      const records = await readRecords(sql, intake, source, keyFacts(file, ''));
      const reading = timeReadingText(readingOf(source, shop).time);
      const { columns, relation, rows } = records;
      return work({
        sql,
        columns,
        relation,
        rows,
        async values(expression, most = 1000) {
          const shaped = await shapeRows(sql, records, source, reading);
          const value = await sqlOf(sql, expression, source, shaped, reading);
          const counted = await sql.rows(
            `SELECT v, count(*) FROM (SELECT TRY((${value})::VARCHAR) AS v FROM ${shaped.relation} WHERE broken IS NULL)
             GROUP BY v ORDER BY 2 DESC, 1 LIMIT ${most}`,
          );
          return counted.map(([v, count]) => ({ value: v === null ? null : String(v), rows: Number(count) }));
        },
      });
    });
  });
}
