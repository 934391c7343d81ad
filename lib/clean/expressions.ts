import { quoteIdentifier, quoteText } from './engine.ts';
import type { Column } from './read.ts';

/** The source's columns as one struct, in the stages after the evaluating one. */
export const SOURCE_ROW = 'nj_source';

/** One expression of a source's config, bound to the columns of a drop. */
export interface Field {
  /** As reasons name it: 'time', 'numbers.age'. */
  readonly name: string;
  readonly expression: string;
  /** DuckDB type of what it gives. */
  readonly type: string;
  /** Its value, in the stage where it is evaluated. */
  readonly evaluated: string;
  /** Its value, in the stages after. */
  readonly value: string;
  /** Condition: the expression raised an error on this row. */
  readonly failed: string | undefined;
  /** SQL text that shows the source columns it reads, with their values; in the stages after. */
  readonly inputs: string;
  /** In the stages after `typed`: its value as a double, and whether anything was given. Of number fields alone. */
  readonly number: string;
  readonly given: string;
}

/** The text of an expression as it may stand inside a query: a column's own name is quoted, a comment can not leak. */
export function bindExpression(
  expression: string,
  columns: readonly Column[],
): { sql: string; direct: boolean } {
  const text = expression.trim();
  const unquoted = /^"([^"]+)"$/.exec(text)?.[1] ?? text;
  const column = columns.find(({ name }) => name.toLowerCase() === unquoted.toLowerCase());
  return column ? { sql: quoteIdentifier(column.name), direct: true } : { sql: `(${text}\n)`, direct: false };
}

/**
 * A field as column `slot` of the evaluating stage; `columns` are what expressions may use, `sourceColumns` those of them
 * that the file has. What can fail is wrapped in TRY around a struct, so that an error
 * (no struct) differs from an expression that gives NULL (a struct of NULL).
 */
export function bindField(
  name: string,
  expression: string,
  type: string,
  columns: readonly Column[],
  slot: string,
  sourceColumns: readonly Column[] = columns,
): Field {
  const { sql, direct } = bindExpression(expression, columns);
  const shown = columnsIn(expression, sourceColumns).map(
    (column) => `${quoteText(`${column} = `)} || ${show(`${SOURCE_ROW}.${quoteIdentifier(column)}`)}`,
  );
  return {
    name,
    expression,
    type,
    evaluated: direct ? `${sql} AS ${slot}` : `TRY({'v': ${sql}}) AS ${slot}`,
    value: direct ? slot : `${slot}.v`,
    failed: direct ? undefined : `${slot} IS NULL`,
    inputs: shown.length > 0 ? `concat_ws(', ', ${shown.join(', ')})` : quoteText('this row'),
    number: `${slot}_number`,
    given: `${slot}_given`,
  };
}

/** SQL text of a value for people: quoted, cut after 200 characters, NULL by name. */
export function show(sql: string): string {
  return `coalesce('"' || left((${sql})::VARCHAR, 200) || '"', 'NULL')`;
}

/** The columns that an expression mentions, outside its text literals. */
function columnsIn(expression: string, columns: readonly Column[]): string[] {
  const mentioned = new Set(
    (expression.replace(/'(?:[^']|'')*'/g, ' ').match(/"[^"]+"|[\p{L}_][\p{L}\p{N}_]*/gu) ?? []).map((word) =>
      word.replaceAll('"', '').toLowerCase(),
    ),
  );
  return columns.map(({ name }) => name).filter((name) => mentioned.has(name.toLowerCase()));
}

export function isText(type: string): boolean {
  return type === 'VARCHAR';
}

export function isInteger(type: string): boolean {
  return /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type);
}

export function isFraction(type: string): boolean {
  return /^(FLOAT|DOUBLE|DECIMAL.*)$/.test(type);
}

/** Text, with the empty text as NULL. */
export function textOf(field: Field): string {
  return `nullif((${field.value})::VARCHAR, '')`;
}

/** The columns of the stage `typed` for a field of numbers: a double (NULL where there is none), and whether one was given. */
export function typedNumber(field: Field): string[] {
  const value = isText(field.type) ? textOf(field) : field.value;
  return [`TRY_CAST(${value} AS DOUBLE) AS ${field.number}`, `${value} IS NOT NULL AS ${field.given}`];
}

/** Condition: something was given and it is no finite number. */
export function noNumber({ number, given }: Field): string {
  return `${given} AND (${number} IS NULL OR NOT isfinite(${number}))`;
}

/**
 * An instant (TIMESTAMPTZ), NULL where there is none. Text with an offset and TIMESTAMPTZ are instants; text without,
 * TIMESTAMP and DATE are read in `zone`; numbers are milliseconds since 1970 (UTC). A local time that the change to
 * summer time skips is read as if the clocks had not changed yet (an hour later); one that occurs twice means the later.
 * Text is read by the session's TimeZone, which must be `zone`.
 * @returns undefined for a type that is no time
 */
export function instantOf(field: Field, zone: string): string | undefined {
  const { type, value } = field;
  if (isText(type)) return `TRY_CAST(${textOf(field)} AS TIMESTAMPTZ)`;
  if (type === 'TIMESTAMP WITH TIME ZONE') return value;
  if (type === 'DATE' || type.startsWith('TIMESTAMP')) {
    return `timezone(${quoteText(zone)}, TRY_CAST(${value} AS TIMESTAMP))`;
  }
  if (isInteger(type) || isFraction(type))
    return `timezone('UTC', TRY(epoch_ms(TRY_CAST(${value} AS BIGINT))))`;
  return undefined;
}
