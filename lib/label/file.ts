import type { Config, Source } from '../config/index.ts';
import { ConfigError } from '../data/index.ts';
import { isFormula } from './formula.ts';
import type { NextRow, NextRows } from './next.ts';

/** A CSV file for a person to fill in and to drop again. */
export interface LabelFile {
  /** With a byte order mark, by which spreadsheets know UTF-8. */
  readonly text: string;
  /** The column that the person fills in. */
  readonly label: string;
  /** What the person must know before the file is dropped. */
  readonly warnings: readonly string[];
}

type LabelSource = Extract<Source, { table: 'labels' }>;
type Cell = (row: NextRow, place: number) => string | null;

/** What the model thinks, beside the columns that the source reads. */
const THOUGHTS: Readonly<Record<string, Cell>> = {
  row_id: ({ id }) => id,
  model_answer: ({ answer }) => answer,
  model_probability: ({ probability }) => (probability === null ? null : probability.toFixed(4)),
  model_doubt: ({ doubt }) => doubt.toFixed(4),
};

/**
 * Rows to label as a file that the labelled table's source reads: its columns by their names, the label empty, and what the model
 * thinks behind them. What the source reads by an expression stands under the name of what it gives, with a warning.
 * @param users the shop's ids of the rows' users, one place a row
 * @throws ConfigError for a source that reads no csv
 */
export function labelFile(
  { source: name, rows }: NextRows,
  { sources, exports }: Pick<Config, 'sources' | 'exports'>,
  users: readonly (string | null)[],
): LabelFile {
  const source = sources[name];
  if (source?.table !== 'labels' || source.format !== 'csv') {
    throw new ConfigError(
      `sources.${name}.format is "${source?.format}", and what a person fills in is csv: print the rows with --json instead`,
    );
  }
  const warnings: string[] = [];
  const cells = new Map<string, Cell>();
  const put = (expression: string, otherwise: string, cell: Cell) => {
    const column = plainName(expression);
    if (column === undefined) {
      warnings.push(
        `${name} reads "${otherwise}" by an expression (${expression}): bring the column to what it reads before you drop the file`,
      );
    }
    if (!cells.has(column ?? otherwise)) cells.set(column ?? otherwise, cell);
  };
  for (const [attribute, expression] of attributesOf(source)) {
    put(expression, attribute, ({ values }) => values[attribute] ?? null);
  }
  const { label, user, split } = source.columns;
  put(label, 'label', () => null);
  if (user !== undefined) put(user, 'user', (_, place) => users[place]!);
  // Rows that a model was unsure of are no fair sample to test one on.
  if (split !== undefined && plainName(split) !== undefined) put(split, 'split', () => 'train');
  if (source.split?.testFrom !== undefined) {
    put(source.split.by, 'time', ({ time }) => new Date(time).toISOString());
  } else if (source.split) warnings.push(`fill in what ${name} is split by, too: ${source.split.by}`);
  const given = source.csv.columns;
  if (!given)
    for (const [column, cell] of Object.entries(THOUGHTS)) if (!cells.has(column)) cells.set(column, cell);
  const columns = given ?? [...cells.keys()];
  const lines = [
    ...Array.from({ length: source.csv.skipLines }, () => ''),
    ...(given ? [] : [record(columns, source)]),
    ...rows.map((row, place) =>
      record(
        columns.map((column) =>
          guarded(cells.get(column)?.(row, place) ?? '', exports.csvFormulas !== 'keep'),
        ),
        source,
      ),
    ),
  ];
  return { text: `\ufeff${lines.join('\n')}\n`, label: plainName(label) ?? 'label', warnings };
}

/** Names of attributes with what the source reads them by. */
const attributesOf = ({ attributes }: LabelSource): [string, string][] =>
  (['texts', 'categories', 'numbers'] as const).flatMap((kind) => {
    const set = attributes[kind] ?? {};
    return Array.isArray(set) ? set.map((one): [string, string] => [one, `"${one}"`]) : Object.entries(set);
  });

/** The column that an expression is, and nothing else; undefined where it computes something. */
function plainName(expression: string): string | undefined {
  const [, quoted, bare] = /^\s*(?:"((?:[^"]|"")+)"|([^"'().,:|*/+<>=-]+?))\??\s*$/u.exec(expression) ?? [];
  return quoted?.replaceAll('""', '"') ?? bare;
}

/** Such a text gets an apostrophe in front, as in exports. */
const guarded = (text: string, guards: boolean): string => (guards && isFormula(text) ? `'${text}` : text);

/** A record as the source reads it. */
function record(
  fields: readonly string[],
  { csv: { delimiter, quote, escape: before = quote } }: LabelSource,
): string {
  return fields
    .map((field) => {
      const special = [delimiter, quote, before, '\n', '\r'].some((sign) => field.includes(sign));
      if (!special && field.trim() === field) return field;
      const inner = (before === quote ? field : field.replaceAll(before, before + before)).replaceAll(
        quote,
        before + quote,
      );
      return quote + inner + quote;
    })
    .join(delimiter);
}
