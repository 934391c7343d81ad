import { type Look, MISSING } from '../../clean/index.ts';
import { type NumberForm, numberFormOf, numberIn } from './numbers.ts';
import { type TimeForm, timeFormOf } from './times.ts';

/** What stands in a column of a file's head. */
export interface ColumnProfile {
  readonly name: string;
  /** DuckDB's; VARCHAR for csv and lines of JSON. */
  readonly type: string;
  /** Rows in which something stands. */
  readonly filled: number;
  readonly rows: number;
  readonly distinct: number;
  /** The most frequent values, with their rows. */
  readonly values: readonly { readonly value: string; readonly rows: number }[];
  readonly time?: TimeForm;
  readonly number?: NumberForm;
  /** Of the values that are numbers. */
  readonly whole: boolean;
  readonly negative: boolean;
  /** Lists of JSON, or a list of parquet: rows inside a row. */
  readonly list: boolean;
}

/** Distinct values of a column that are looked at. */
const VALUES = 2000;

/** Profiles of all columns, in the order of the file. */
export async function profilesOf(look: Look): Promise<ColumnProfile[]> {
  const profiles: ColumnProfile[] = [];
  for (const column of look.columns) {
    if (column.unreadable) continue;
    profiles.push(await profileOf(look, column));
  }
  return profiles;
}

async function profileOf(
  { sql, relation, rows }: Look,
  { name, type, slot }: Look['columns'][number],
): Promise<ColumnProfile> {
  const missing = new Set<string>(MISSING);
  const counted = await sql.rows(
    `SELECT v, count(*), (SELECT count(DISTINCT (${slot})::VARCHAR) FROM ${relation} WHERE broken IS NULL)
     FROM (SELECT trim((${slot})::VARCHAR) AS v FROM ${relation} WHERE broken IS NULL)
     WHERE v <> '' GROUP BY v ORDER BY 2 DESC, 1 LIMIT ${VALUES}`,
  );
  const values = counted
    .map(([value, count]) => ({ value: String(value), rows: Number(count) }))
    .filter(({ value }) => !missing.has(value));
  const [[filled] = []] = await sql.rows(
    `SELECT count(*) FROM ${relation} WHERE broken IS NULL AND trim((${slot})::VARCHAR) <> ''`,
  );
  const texts = values.map(({ value }) => value);
  const typed = /^(TIMESTAMP|DATE)/.test(type);
  const time: TimeForm | undefined = typed
    ? { zoned: type.includes('ZONE'), others: [] }
    : await timeFormOf(sql, texts);
  const number = typed ? undefined : numberFormOf(texts);
  const numbers = number ? texts.map((value) => numberIn(value, number)) : [];
  return {
    name,
    type,
    rows,
    filled: Number(filled),
    distinct: Number(counted[0]?.[2] ?? 0),
    values,
    ...(time && { time }),
    ...(number && { number }),
    whole: numbers.length > 0 && numbers.every(Number.isInteger),
    negative: numbers.some((value) => value < 0),
    list: type.endsWith('[]') || (texts.length > 0 && texts.every((value) => /^\[\s*(\{|\])/.test(value))),
  };
}

/** A column's name inside an expression. */
export const inSql = ({ name }: { name: string }): string =>
  /^[a-z_]\w*$/i.test(name) && !RESERVED.test(name) ? name : `"${name.replaceAll('"', '""')}"`;

/** Words of SQL that are likely names of columns. */
const RESERVED =
  /^(all|and|as|asc|at|case|cast|check|column|date|default|desc|distinct|end|event|from|group|having|in|index|key|like|limit|not|null|offset|on|or|order|primary|references|select|table|then|time|timestamp|to|type|union|unique|user|using|value|when|where|window|with)$/i;
