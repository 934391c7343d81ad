import { quoteText } from '../duckdb/index.ts';
import { type Field, isDecimal, isFloat } from './fields.ts';

/** White space of Unicode. */
const SPACES =
  ' \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';
/**
 * What shows nothing: zero-width characters, byte order marks of files that were joined, soft hyphens, and the marks of
 * direction that come along when an id is copied out of a mail or a spreadsheet.
 */
const INVISIBLE =
  '\ufeff\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u00ad\u061c\u180e\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';
const BLANKS = SPACES + INVISIBLE;

/** What exports write for "no value" in a column of ids, times or numbers. */
export const MISSING = ['NaN', 'nan', 'NaT', 'null', 'NULL', 'None', 'undefined', '<NA>'] as const;

const ASCII_BLANKS = [' ', '\t', '\n', '\v', '\f', '\r'];

/**
 * SQL: without blanks at both ends. Taking them off costs twenty times what it costs to see that there are none: text that is
 * ASCII alone, begins with a visible character and ends in no blank is left as it is.
 */
export function trimmed(text: string): string {
  const ends = ASCII_BLANKS.map((blank) => `ends_with(${text}, ${quoteText(blank)})`);
  const plain = `strlen(${text}) = length(${text}) AND ${text} >= '!' AND NOT (${ends.join(' OR ')})`;
  return `CASE WHEN ${plain} THEN ${text} ELSE trim(${text}, ${quoteText(BLANKS)}) END`;
}

/** SQL: NULL where a text stands for no value. */
export function unlessMissing(text: string, missing: readonly string[]): string {
  // A list would become a join, of which every column of the row takes part.
  const none = ['', ...missing].map((one) => `${text} <> ${quoteText(one)}`);
  return `CASE WHEN ${none.join(' AND ')} THEN ${text} END`;
}

/** SQL: the value as text. A JSON value is the text inside its quotes. */
export function rawText({ value, type }: Field): string {
  if (type === 'JSON') return `json_extract_string(${value}, '$')`;
  return type === 'VARCHAR' ? value : `(CAST(${value} AS VARCHAR))`;
}

/** SQL: text as it is, with the empty text as NULL. A byte order mark before it is no part of it. */
export function plainText(field: Field): string {
  const text = rawText(field);
  return `nullif(CASE WHEN ${text}[1] = '\ufeff' THEN ltrim(${text}, '\ufeff') ELSE ${text} END, '')`;
}

/** From here on a float holds no longer every whole number: the last digits of an id are lost. */
const EXACT: Readonly<Record<string, number>> = { FLOAT: 2 ** 24, DOUBLE: 2 ** 53 };

/**
 * The one form of an id, whatever a file's format makes of it: 17850 in csv, JSON, and a parquet integer, float or decimal is
 * `17850`. Blanks at the ends are no part of an id; whole numbers lose `.0`.
 */
export interface IdSql {
  /** The stages behind the evaluating one: each a list of `expression AS name`. */
  readonly stages: readonly (readonly string[])[];
  /** The id, NULL where there is none. */
  readonly id: string;
  /** Condition: the id came through a float that cannot hold its digits. */
  readonly lost: string;
}

/** @param name of the id's column in the stages behind */
export function idOf(field: Field, name: string, missing: readonly string[]): IdSql {
  const { value, type, text } = field;
  if (isFloat(type)) {
    const whole = `${value} = trunc(${value}) AND abs(${value}) < 1e38`;
    const digits = `CASE WHEN ${whole} THEN TRY_CAST(${value} AS HUGEINT)::VARCHAR ELSE (${value})::VARCHAR END`;
    return {
      stages: [[`CASE WHEN NOT isnan(${value}) THEN ${digits} END AS ${name}`]],
      id: name,
      // To DuckDB a NaN is greater than any number.
      lost: `NOT isnan(${value}) AND abs(${value}) >= ${EXACT[type]}`,
    };
  }
  if (isDecimal(type)) {
    const short = `rtrim(rtrim((${value})::VARCHAR, '0'), '.')`;
    const written = `CASE WHEN contains((${value})::VARCHAR, '.') THEN ${short} ELSE (${value})::VARCHAR END`;
    return { stages: [[`${written} AS ${name}`]], id: name, lost: 'false' };
  }
  // Texts with a dot are few: only they are looked at for a float's form.
  const float = (pattern: string) => `contains(${text}, '.') AND regexp_full_match(${text}, '${pattern}')`;
  const whole = `split_part(${text}, '.', 1)`;
  return {
    stages: [
      [`${trimmed(rawText(field))} AS ${text}`],
      [`CASE WHEN ${float(WHOLE_FLOAT)} THEN ${whole} ELSE ${unlessMissing(text, missing)} END AS ${name}`],
    ],
    id: name,
    lost: `${float(EXPONENT)} OR (${float(WHOLE_FLOAT)} AND abs(TRY_CAST(${text} AS DOUBLE)) >= ${EXACT.DOUBLE})`,
  };
}

/** How a float writes a whole number, and how it writes one that is too long for that: Java and JSON without the plus. */
const WHOLE_FLOAT = String.raw`[+-]?\d+\.0+`;
const EXPONENT = String.raw`[+-]?\d\.\d+[eE]\+?\d+`;
