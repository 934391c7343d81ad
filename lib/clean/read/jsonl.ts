import { quoteText, type Sql } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import type { Intake } from '../intake/index.ts';
import { type Column, contentOf, hashOf } from './columns.ts';
import type { Loaded } from './csv.ts';
import { loadText } from './read-text.ts';

/** No JSON text holds this character unescaped, so no line is ever cut by it. */
const NO_DELIMITER = '\u0001';
/** What is no JSON may not come near a function of JSON: DuckDB computes what stands twice before it looks at conditions. */
const WHOLE_LINE = 'CASE WHEN broken IS NULL THEN line END';
/** Beyond this many keys a line is kept as it is, and keys are looked up in it one by one. */
const MANY_KEYS = 1000;
const MOST_KEYS = 100_000;

/**
 * Loads lines of JSON objects: every top-level key of any line is a column, its value as text, and NULL in lines without it.
 * Nested values are JSON text. Numbers keep the digits that they are written with.
 */
export async function readJsonLines(sql: Sql, intake: Intake): Promise<Loaded> {
  const shape = {
    columns: ['line'],
    delimiter: NO_DELIMITER,
    quote: '',
    escape: '',
    where: 'line IS NOT NULL',
  };
  const lines = await loadText(sql, intake, shape);
  await sql.run(`
    CREATE OR REPLACE TEMP TABLE lines AS
    SELECT n, line, coalesce(broken, CASE
      WHEN NOT json_valid(line) THEN 'no JSON: the line does not parse'
      WHEN json_type(line) <> 'OBJECT' THEN 'no JSON object: the line holds ' || lower(json_type(line))
      WHEN len(TRY(json_keys(line))) <> len(list_distinct(TRY(json_keys(line))))
        THEN 'no JSON object with one value a key: it has a key twice'
    END) AS broken
    FROM (SELECT n, coalesce(text, line) AS line, broken FROM ${lines.relation}) ORDER BY n`);
  if (lines.count === 0) return { columns: [], relation: '', count: 0, stored: 0, content: `''` };
  const keys = (
    await sql.rows(`
      SELECT key FROM (SELECT unnest(json_keys(${WHOLE_LINE})) AS key, n FROM lines)
      GROUP BY key ORDER BY min(n), key LIMIT ${MOST_KEYS + 1}`)
  ).map(([key]) => String(key));
  if (keys.length > MOST_KEYS) {
    throw new Refusal(
      `the objects have more than ${MOST_KEYS} different top-level keys`,
      'keys that are data belong one level down: {"values": {…}}',
    );
  }
  if (keys.length === 0) {
    throw new Refusal(
      `none of the ${lines.count} lines is a JSON object with a key`,
      'write one object a line: {"user": "u1", …}; nothing of the file was used',
    );
  }
  const columns = keys.map((name, i): Column => {
    const jsonNumber = `json_type(${WHOLE_LINE}, ${pointer(name)}) IN ('DOUBLE', 'BIGINT', 'UBIGINT')`;
    return { name, type: 'VARCHAR', slot: `c${i}`, jsonNumber };
  });
  const slots = columns.map(({ slot }) => slot);
  const rest = { columns, count: lines.count, stored: lines.stored, relation: 'raw' };
  if (keys.length > MANY_KEYS) {
    const values = columns.map(
      ({ name, slot }) => `json_extract_string(${WHOLE_LINE}, ${pointer(name)}) AS ${slot}`,
    );
    await sql.run(`DROP TABLE raw; CREATE TEMP VIEW raw AS
      SELECT n, line, broken, hash(line) AS h, ${values.join(', ')} FROM lines`);
    return { ...rest, content: 'line' };
  }
  const values = slots.map((slot, i) => `v[${i + 1}] AS ${slot}`);
  await sql.run(`CREATE OR REPLACE TEMP TABLE raw AS
    SELECT *, ${hashOf(slots)} AS h FROM (SELECT n, line, broken, ${values.join(', ')} FROM (
      SELECT *, json_extract_string(${WHOLE_LINE}, [${keys.map(pointer).join(', ')}]) AS v FROM lines))`);
  return { ...rest, content: contentOf(slots) };
}

/** RFC 6901: reaches keys with dots and quotes in them. The empty key has a pointer, too. */
function pointer(key: string): string {
  return quoteText(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}
