import { quoteText } from '../duckdb/index.ts';
import type { Bound } from './bind.ts';
import { ABSENT } from './scope.ts';

/** One bound expression as a column of the stages that judge a row. */
export interface Field extends Bound {
  /** DuckDB type of what it gives. */
  readonly type: string;
  /** Its value, in the stage where it is evaluated. */
  readonly evaluated: string;
  /** Its value, in the stages after. */
  readonly value: string;
  /** Condition: the expression raised an error on this row. */
  readonly failed: string | undefined;
  /** SQL text that shows the source columns it reads, with their values. */
  readonly inputs: string;
  /** Names of the columns that later stages compute from it. */
  readonly text: string;
  readonly number: string;
  readonly given: string;
  /** The direct column holds JSON numbers as they are written there, whatever the setting `number` says of texts. */
  readonly jsonNumber: string | undefined;
}

/**
 * A field as column `slot` of the evaluating stage. What can fail is wrapped in TRY around a struct, so that an error (no
 * struct) differs from an expression that gives NULL (a struct of NULL).
 */
export function fieldOf(bound: Bound, type: string, slot: string): Field {
  const { sql, direct, columns } = bound;
  const shown = columns
    .filter((column) => column.slot !== ABSENT)
    .map((column) => `${quoteText(`${column.name} = `)} || ${show(column.slot)}`);
  const [only] = columns;
  return {
    ...bound,
    type,
    evaluated: direct ? `${sql} AS ${slot}` : `TRY({'v': ${sql}}) AS ${slot}`,
    value: direct ? slot : `${slot}.v`,
    failed: direct ? undefined : `${slot} IS NULL`,
    inputs: shown.length > 0 ? `concat_ws(', ', ${shown.join(', ')})` : quoteText('this row'),
    text: `${slot}_text`,
    number: `${slot}_number`,
    given: `${slot}_given`,
    jsonNumber: direct ? only?.jsonNumber : bound.jsonNumber,
  };
}

/** SQL text of a value for people: quoted, cut after 200 characters, NULL by name. */
function show(sql: string): string {
  return `coalesce('"' || left((${sql})::VARCHAR, 200) || '"', 'NULL')`;
}

/** 'columns.time' is 'time' to the reader of a reason; 'attributes.numbers.age' is 'numbers.age'; 'key.0' is 'key'. */
export function shortName(path: string): string {
  return path.replace(/^(columns|attributes)\./, '').replace(/^key\.\d+$/, 'key');
}

/** Condition: a value stands there. Integers with gaps come as floats in which a NaN is no value. */
export function isGiven({ type, value }: Field): string {
  return isFloat(type) ? `(${value} IS NOT NULL AND NOT isnan(${value}))` : `${value} IS NOT NULL`;
}

export function isText(type: string): boolean {
  return type === 'VARCHAR' || type === 'JSON';
}

export function isInteger(type: string): boolean {
  return /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type);
}

export function isFloat(type: string): boolean {
  return /^(FLOAT|DOUBLE)$/.test(type);
}

export function isDecimal(type: string): boolean {
  return /^DECIMAL/.test(type);
}
