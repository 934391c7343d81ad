import { quoteText } from '../duckdb/index.ts';
import { type Field, isGiven, isText } from './fields.ts';
import { rawText, trimmed, unlessMissing } from './texts.ts';

/** How the numbers in a source's texts are written. */
export interface NumberFormat {
  readonly decimal: '.' | ',';
  /** Between groups of three digits; empty: none. */
  readonly thousands: string;
  /** Currency signs and units around a number: they are taken off. */
  readonly marks: readonly string[];
}

/**
 * The stages of a field of numbers behind the evaluating one: `number`, a double, NULL where there is none; `given`, whether
 * anything stood there. Texts must be numbers in the stated format as a whole, so that 1.234 under a decimal comma is never
 * read as one and a bit.
 * @param format undefined: a decimal point, nothing else
 */
export function numberStages(
  field: Field,
  missing: readonly string[],
  format: NumberFormat | undefined,
): string[][] {
  const { value, type, text, number, given } = field;
  if (!isText(type)) {
    // The shortest decimal that gives the float: 4.995 as FLOAT is not 4.99499988.
    const double =
      type === 'FLOAT' ? `TRY_CAST((${value})::VARCHAR AS DOUBLE)` : `TRY_CAST(${value} AS DOUBLE)`;
    const known = isGiven(field);
    return [[`CASE WHEN ${known} THEN ${double} END AS ${number}`, `${known} AS ${given}`]];
  }
  const plain = parsePlain(text);
  const formatted = format ? parseFormatted(text, format) : plain;
  const parsed = field.jsonNumber
    ? `CASE WHEN ${field.jsonNumber} THEN ${plain} ELSE ${formatted} END`
    : formatted;
  return [
    [`${trimmed(rawText(field))} AS ${text}_raw`],
    [`${unlessMissing(`${text}_raw`, missing)} AS ${text}`],
    [`${parsed} AS ${number}`, `${text} IS NOT NULL AS ${given}`],
  ];
}

/** DuckDB's own reading, but for underlines between digits. */
function parsePlain(text: string): string {
  return `CASE WHEN NOT contains(${text}, '_') THEN TRY_CAST(${text} AS DOUBLE) END`;
}

function parseFormatted(text: string, { decimal, thousands, marks }: NumberFormat): string {
  const blanks = `[ \u00a0\u202f\t]`;
  const sign = `replace(replace(${text}, '\u2212', '-'), '\u2013', '-')`;
  const bare = marks.reduce((sql, mark) => `replace(${sql}, ${quoteText(mark)}, '')`, sign);
  const ends = `regexp_replace(${bare}, '^${blanks}+|${blanks}+$', '', 'g')`;
  const tight = `regexp_replace(${ends}, '^([+(-])${blanks}+|${blanks}+([)-])$', '\\1\\2', 'g')`;
  // Accounting: (12.00) and 12.00- are negative.
  const signed = String.raw`regexp_replace(regexp_replace(${tight}, '^\((.*)\)$', '-\1'), '^([^-].*)-$', '-\1')`;
  const group =
    thousands === '' ? undefined : `[${thousands === ' ' ? ' \u00a0\u202f' : escaped(thousands)}]`;
  const point = escaped(decimal);
  const digits = group ? String.raw`(\d+|\d{1,3}(${group}\d{3})+)` : String.raw`\d+`;
  const shape = String.raw`[+-]?(${digits}(${point}\d*)?|${point}\d+)([eE][+-]?\d{1,3})?`;
  const ungrouped = group ? `regexp_replace(${signed}, ${quoteText(group)}, '', 'g')` : signed;
  const dotted = decimal === '.' ? ungrouped : `replace(${ungrouped}, ${quoteText(decimal)}, '.')`;
  return `CASE WHEN regexp_full_match(${signed}, ${quoteText(shape)}) THEN TRY_CAST(${dotted} AS DOUBLE) END`;
}

const escaped = (char: string) => (/[!-/:-@[-`{-~]/.test(char) ? `\\${char}` : char);

/** Condition: something was given and it is no finite number. */
export function noNumber({ number, given }: Field): string {
  return `${given} AND (${number} IS NULL OR NOT isfinite(${number}))`;
}

/** Two steps of a double: as much as parsing, a product and the shift to minor units may have lost. */
const LOST = '1.0000000000000004::DOUBLE';

/**
 * SQL: minor units of an amount in major units, rounded half away from zero. A double of 5.005 x 100 is a hair less than 500.5:
 * what lies that near to a half is one, whichever form the number came in and however large it is.
 */
export function minorUnits(major: string, digits: number): string {
  return `round(round(${major} * ${10 ** digits} * ${LOST}, 6))`;
}
