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
  const parsed = numberOf(field, format);
  return [
    [`${trimmed(rawText(field))} AS ${text}_raw`],
    [`${unlessMissing(`${text}_raw`, missing)} AS ${text}`],
    [`${parsed} AS ${number}`, `${text} IS NOT NULL AS ${given}`],
  ];
}

/** SQL: the number in the trimmed text of a field, in the stated format; NULL where it is none. */
export function numberOf({ text, jsonNumber }: Field, format: NumberFormat | undefined): string {
  const plain = parsePlain(text);
  const formatted = format ? parseFormatted(text, format) : plain;
  return format && jsonNumber ? `CASE WHEN ${jsonNumber} THEN ${plain} ELSE ${formatted} END` : formatted;
}

/** DuckDB's own reading, but for underlines between digits. */
function parsePlain(text: string): string {
  return `CASE WHEN NOT contains(${text}, '_') THEN TRY_CAST(${text} AS DOUBLE) END`;
}

function parseFormatted(text: string, { decimal, thousands, marks }: NumberFormat): string {
  const blanks = `[ \u00a0\u202f\t]`;
  const sign = `replace(replace(${text}, '\u2212', '-'), '\u2013', '-')`;
  const trim = (sql: string) => `regexp_replace(${sql}, '^${blanks}+|${blanks}+$', '', 'g')`;
  const ends = trim(withoutMarks(trim(sign), marks, blanks));
  const tight = `regexp_replace(${ends}, '^([+(-])${blanks}+|${blanks}+([)-])$', '\\1\\2', 'g')`;
  const group =
    thousands === '' ? undefined : `[${thousands === ' ' ? ' \u00a0\u202f' : escaped(thousands)}]`;
  const point = escaped(decimal);
  // Accounting: (12.00) and 12.00- are negative. The line in a price tag's "5,-" stands for no cents: it is no sign.
  const minus = quoteText(String.raw`^([^-].*[^-${point}])-$|^(\d)-$`);
  const signed = String.raw`regexp_replace(regexp_replace(${tight}, '^\((.*)\)$', '-\1'), ${minus}, '-\1\2')`;
  const digits = group ? String.raw`(\d+|[1-9]\d{0,2}(${group}\d{3})+)` : String.raw`\d+`;
  const shape = String.raw`[+-]?(${digits}(${point}\d*)?|${point}\d+)([eE][+-]?\d{1,3})?`;
  const ungrouped = group ? `regexp_replace(${signed}, ${quoteText(group)}, '', 'g')` : signed;
  const dotted = decimal === '.' ? ungrouped : `replace(${ungrouped}, ${quoteText(decimal)}, '.')`;
  return `CASE WHEN regexp_full_match(${signed}, ${quoteText(shape)}) THEN TRY_CAST(${dotted} AS DOUBLE) END`;
}

/** SQL: without marks at the ends; a sign or a bracket may stand before or behind them. Inside a number they stay. */
function withoutMarks(text: string, marks: readonly string[], blanks: string): string {
  if (marks.length === 0) return text;
  const longestFirst = marks.toSorted((a, b) => b.length - a.length);
  const mark = `(?:${longestFirst.map((one) => [...one].map(escaped).join('')).join('|')})`;
  const before = quoteText(`^([+(-]?)${blanks}*(?:${mark}${blanks}*)+`);
  const behind = quoteText(`(?:${blanks}*${mark})+${blanks}*([-)]?)$`);
  return String.raw`regexp_replace(regexp_replace(${text}, ${before}, '\1'), ${behind}, '\1')`;
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
