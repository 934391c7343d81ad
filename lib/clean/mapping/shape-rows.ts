import type { Source } from '../../config/index.ts';
import { quoteText, type Sql } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import type { Column, Records } from '../read/index.ts';
import { bindAll, typesOf } from './bind.ts';
import { columnOf, type Scope } from './scope.ts';

/** Column of the relation, where records are cut into elements: what stood where the list should be; NULL where one did. */
export const NO_LIST = 'no_list';

/**
 * The rows that a source's settings make of its records: `fill` writes what stands on the first line of an order into its
 * other lines, `unnest` makes a row of each element of a list.
 * @throws Refusal for a column that is missing, or a list that is none by its type
 */
export async function shapeRows(
  sql: Sql,
  records: Records,
  source: Source,
  reading: string,
): Promise<Records> {
  const filled = source.fill ? await fill(sql, records, source, source.fill) : records;
  return source.unnest === undefined ? filled : unnest(sql, filled, source, source.unnest, reading);
}

/**
 * The filled values go into columns of their own: whether two lines of a file are equal is asked of the lines as they stand
 * there.
 */
async function fill(
  sql: Sql,
  records: Records,
  source: Source,
  { by, columns }: NonNullable<Source['fill']>,
): Promise<Records> {
  const scope: Scope = { ...records, optional: source.optional };
  const group = columnOf(scope, by, false, 'fill.by');
  const targets = columns.map((name) => columnOf(scope, name, false, 'fill.columns'));
  const filledOf = (column: Column) =>
    column.type === 'VARCHAR' ? `nullif(${column.slot}, '')` : column.slot;
  const known = `broken IS NULL AND ${filledOf(group)} IS NOT NULL`;
  const values = targets.map((column, i) => {
    const own = filledOf(column);
    const near = (edge: string, frame: string) =>
      `${edge}(${own} IGNORE NULLS) OVER (PARTITION BY ${group.slot} ORDER BY n ROWS BETWEEN ${frame})`;
    const before = near('last_value', 'UNBOUNDED PRECEDING AND CURRENT ROW');
    const after = near('first_value', 'CURRENT ROW AND UNBOUNDED FOLLOWING');
    return `CASE WHEN ${known} THEN coalesce(${own}, ${before}, ${after}) ELSE ${column.slot} END AS f${i}`;
  });
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE filled AS SELECT *, ${values.join(', ')} FROM ${records.relation}`,
  );
  const slots = new Map(targets.map(({ slot }, i) => [slot, `f${i}`]));
  const moved = (column: Column): Column => ({ ...column, slot: slots.get(column.slot) ?? column.slot });
  return { ...records, columns: records.columns.map(moved), relation: 'filled' };
}

/** A record without a list, or with an empty one, stays one row whose element is NULL. */
async function unnest(
  sql: Sql,
  records: Records,
  source: Source,
  expression: string,
  reading: string,
): Promise<Records> {
  const path = 'unnest';
  const inJson = expression.startsWith('$') && records.given.some(({ name }) => name === 'json');
  // As text, so that an empty text and text that holds a list are to a path what they are to a column's name.
  const extract = expression.includes('*') ? 'json_extract' : 'json_extract_string';
  const wanted = inJson ? `${extract}(json, ${quoteText(expression)})` : expression;
  const scope: Scope = { ...records, optional: source.optional };
  const bound = await bindAll(sql, [{ path, expression: wanted }], scope, reading);
  const [type = ''] = await typesOf(sql, bound);
  const value = `TRY({'v': ${bound[0]!.sql}})`;
  const { list, none, element } = listOf(type, expression);
  await sql.run(`
    CREATE OR REPLACE TEMP TABLE listed AS
    SELECT * EXCLUDE (tried, given), ${list} AS list, ${none} AS ${NO_LIST} FROM (
      SELECT *, CASE WHEN broken IS NULL THEN tried.v END AS given FROM (SELECT *, ${value} AS tried FROM ${records.relation}))`);
  const elements = 'CASE WHEN len(list) > 0 THEN list ELSE [NULL] END';
  await sql.run(`
    CREATE OR REPLACE TEMP TABLE unnested AS
    SELECT * EXCLUDE (e, list, items, nth), (nth - 1)::INTEGER AS e, nth - 1 AS u0, ${element} AS u1 FROM (
      SELECT *, unnest(${elements}) AS items, generate_subscripts(${elements}, 1) AS nth FROM listed)`);
  const [[expected, rows] = []] = await sql.rows(
    `SELECT (SELECT sum(greatest(1, coalesce(len(list), 0))) FROM listed), (SELECT count(*) FROM unnested)`,
  );
  if (records.rows > 0 && Number(expected) !== Number(rows)) {
    throw new Refusal(
      `the lists of ${path} hold ${expected} elements, and ${rows} rows came of them`,
      'this is a fault of Nightjar, not of the file: report it; nothing of the file was used',
    );
  }
  const [described] = await sql.describe('SELECT u1 FROM unnested');
  return {
    ...records,
    given: [
      { name: 'element', type: described?.type ?? 'VARCHAR', slot: 'u1' },
      { name: 'element_number', type: 'BIGINT', slot: 'u0' },
      ...records.given,
    ],
    relation: 'unnested',
    rows: Number(rows),
    content: `${records.content} || chr(10) || e`,
  };
}

/** SQL of the list in `given`, of what stands there in its place, and of an element. */
function listOf(type: string, expression: string): { list: string; none: string; element: string } {
  if (type.endsWith('[]')) return { list: 'given', none: 'NULL::VARCHAR', element: 'items' };
  if (type !== 'VARCHAR' && type !== 'JSON') {
    throw new Refusal(
      `unnest gives ${type}, which is no list: ${expression}`,
      'name a list column of parquet, a column of text that holds a JSON list, or a path such as $.line_items',
    );
  }
  const text = `nullif(trim(given::VARCHAR), '')`;
  // What is no JSON may not come near a function of JSON: DuckDB computes what stands twice before it looks at conditions.
  const json = `CASE WHEN json_valid(${text}) THEN ${text} END`;
  const kind = `json_type(${json})`;
  return {
    list: `CASE ${kind} WHEN 'ARRAY' THEN json_extract(${json}, '$[*]') WHEN 'OBJECT' THEN [(${json})::JSON] END`,
    none: `CASE WHEN ${text} IS NOT NULL AND coalesce(${kind}, '') NOT IN ('ARRAY', 'OBJECT', 'NULL') THEN ${text} END`,
    element: 'items',
  };
}
