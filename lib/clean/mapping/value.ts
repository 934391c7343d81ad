import type { Source } from '../../config/index.ts';
import type { Sql } from '../duckdb/index.ts';
import type { Records } from '../read/index.ts';
import { bindAll, typesOf } from './bind.ts';

/**
 * One expression over a file's rows, as SQL over their relation.
 * @param reading how times are read, see `timeReadingText`
 * @throws Refusal where it does not fit the file
 */
export async function sqlOf(
  sql: Sql,
  expression: string,
  source: Source,
  records: Records,
  reading: string,
): Promise<string> {
  const scope = { columns: records.columns, given: records.given, optional: source.optional };
  const bound = await bindAll(sql, [{ path: 'the expression', expression }], scope, reading);
  await typesOf(sql, bound);
  return bound[0]!.sql;
}
