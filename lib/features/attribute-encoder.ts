import { DataError } from '../data/index.ts';
import { charactersOf, isSpaceless } from '../engine/text/scripts.ts';
import type { AttributeColumn, AttributeTable } from './attribute-table.ts';
import { hash53 } from './hash.ts';
import type { FeatureName } from './vector.ts';

/** How one attribute becomes numbers. Plain JSON: it is kept with the model. */
export type ColumnEncoding =
  | {
      readonly name: string;
      readonly kind: 'number';
      /** Signed log1p first: the column is heavy-tailed. */
      readonly log: boolean;
      /** In place of a missing value; after the logarithm. */
      readonly median: number;
    }
  | { readonly name: string; readonly kind: 'category'; readonly categories: readonly string[] }
  | {
      readonly name: string;
      readonly kind: 'text';
      readonly buckets: number;
      /**
       * Characters in a term of scripts without spaces, from 1 up to so many; absent where the training texts are not written so:
       * their words alone are hashed.
       */
      readonly characters?: number;
    };

export interface AttributeEncoder {
  readonly format: 1;
  readonly columns: readonly ColumnEncoding[];
}

export interface FitOptions {
  /** A category that fewer training rows have joins "other". */
  readonly minCount?: number;
  /** The most frequent categories that get a place of their own. */
  readonly maxCategories?: number;
  /** Places for the words and word pairs of a text. */
  readonly textBuckets?: number;
}

/** Beyond this skewness (0 for symmetric columns, 2 for exponential ones) a column counts as heavy-tailed. */
const HEAVY_TAIL = 2;

/**
 * Learns how to encode a table from its training rows alone.
 * Numbers: signed log1p where the skewness is beyond 2 and the logarithm lessens it; the median for what is missing,
 * and flags that say so and that a value is 0. Categories: one place for each that `minCount` training rows have, one for all others, one
 * for none. Texts: words and word pairs hashed into signed buckets (Weinberger et al. 2009), scaled to length 1.
 * @param rows the training rows
 */
export function fitAttributes(
  table: AttributeTable,
  rows: readonly number[],
  options: FitOptions = {},
): AttributeEncoder {
  const { minCount = 10, maxCategories = 64, textBuckets = 256 } = options;
  const columns = table.columns.map((column): ColumnEncoding => {
    const { name } = column;
    if (column.kind === 'number') return fitNumber(column, rows);
    if (column.kind === 'text') return fitText(column, rows, textBuckets);
    return {
      name,
      kind: 'category',
      categories: fitCategories(column.values, rows, minCount, maxCategories),
    };
  });
  return { format: 1, columns };
}

/** Words say little where a sentence is one: characters and their neighbours take their place, and more places. */
const CHARACTERS = { most: 3, buckets: 2 };

function fitText(
  { name, values }: AttributeColumn & { kind: 'category' | 'text' },
  rows: readonly number[],
  buckets: number,
): ColumnEncoding {
  const texts = rows.flatMap((row) => values[row] ?? []);
  if (!isSpaceless(texts)) return { name, kind: 'text', buckets };
  return { name, kind: 'text', buckets: CHARACTERS.buckets * buckets, characters: CHARACTERS.most };
}

function fitNumber(column: AttributeColumn & { kind: 'number' }, rows: readonly number[]): ColumnEncoding {
  const raw = rows.map((row) => column.values[row]!).filter(Number.isFinite);
  const logs = raw.map(signedLog);
  const skew = Math.abs(skewness(raw));
  const log = skew > HEAVY_TAIL && Math.abs(skewness(logs)) < skew;
  return { name: column.name, kind: 'number', log, median: median(log ? logs : raw) };
}

function fitCategories(
  values: readonly (string | undefined)[],
  rows: readonly number[],
  minCount: number,
  maxCategories: number,
): string[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const value = values[row];
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const frequent = [...counts].filter(([, count]) => count >= minCount);
  frequent.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return frequent
    .slice(0, maxCategories)
    .map(([value]) => value)
    .sort();
}

/**
 * Names in the order of the vector.
 * @param group what a person calls them together; default: each attribute is its own group
 */
export function attributeNames(encoder: AttributeEncoder, group?: string): FeatureName[] {
  return encoder.columns.flatMap((column) =>
    partsOf(column).map(({ part, words }) => ({
      name: `${column.name}${part}`,
      words: `${column.name}${words}`,
      group: group ?? column.name,
    })),
  );
}

/** The places of an encoded column: what each adds to the column's name, for the program and for a person. */
function partsOf(column: ColumnEncoding): { part: string; words: string }[] {
  const part = (part: string, words = part) => ({ part, words });
  if (column.kind === 'number') return [part(''), part(' is missing', ' is not known'), part(' is 0')];
  if (column.kind === 'text') {
    return Array.from({ length: column.buckets }, (_, i) => part(` words ${i}`, `: words of group ${i}`));
  }
  return [
    ...column.categories.map((value) => part(` = ${value}`, ` is ${value}`)),
    part(' = other', ' is something rare'),
    part(' = none', ' is not given'),
  ];
}

/** Writes encoded rows of one table. */
export interface AttributeWriter {
  /** Length of a vector, that of `attributeNames`. */
  readonly length: number;
  /** Writes a row to out[offset, offset + length); row -1 is one of which nothing is known. */
  write(row: number, out: Float32Array, offset?: number): void;
}

/**
 * Binds an encoder to a table of the same attributes.
 * @throws DataError when the table lacks an attribute of the encoder or has it as another kind
 */
export function attributeWriter(encoder: AttributeEncoder, table: AttributeTable): AttributeWriter {
  const columns = encoder.columns.map((column) => ({
    width: partsOf(column).length,
    write: columnWriter(column, table),
  }));
  return {
    length: columns.reduce((sum, { width }) => sum + width, 0),
    write(row, out, offset = 0) {
      let at = offset;
      for (const { width, write } of columns) {
        out.fill(0, at, at + width);
        write(row, out, at);
        at += width;
      }
    },
  };
}

type Write = (row: number, out: Float32Array, at: number) => void;

function columnWriter(encoding: ColumnEncoding, table: AttributeTable): Write {
  const { name, kind } = encoding;
  const column = table.columns.find((one) => one.name === name);
  if (column === undefined && table.rows === 0) return columnOfNothing(encoding);
  if (column?.kind !== kind) {
    throw new DataError(
      `attribute "${name}" is ${column ? `a ${column.kind}` : 'missing'}, but the model was trained on a ${kind}: ` +
        'give the source the same attributes or train anew',
    );
  }
  if (encoding.kind === 'number' && column.kind === 'number') {
    const { log, median: middle } = encoding;
    return (row, out, at) => {
      const value = row < 0 ? Number.NaN : column.values[row]!;
      const known = Number.isFinite(value);
      out[at] = known ? (log ? signedLog(value) : value) : middle;
      out[at + 1] = known ? 0 : 1;
      // A count of none is often another case than a small one.
      out[at + 2] = value === 0 ? 1 : 0;
    };
  }
  if (encoding.kind === 'category' && column.kind === 'category') {
    const places = new Map(encoding.categories.map((value, i) => [value, i]));
    return (row, out, at) => {
      const value = row < 0 ? undefined : column.values[row];
      out[at + (value === undefined ? places.size + 1 : (places.get(value) ?? places.size))] = 1;
    };
  }
  if (encoding.kind === 'text' && column.kind === 'text') {
    return (row, out, at) => hashText(row < 0 ? undefined : column.values[row], encoding, out, at);
  }
  return columnOfNothing(encoding);
}

function columnOfNothing(encoding: ColumnEncoding): Write {
  if (encoding.kind === 'text') return () => {};
  if (encoding.kind === 'category') {
    return (_row, out, at) => {
      out[at + encoding.categories.length + 1] = 1;
    };
  }
  return (_row, out, at) => {
    out[at] = encoding.median;
    out[at + 1] = 1;
  };
}

/**
 * Lower-case runs of letters, marks and digits, alone and in pairs; the hash chooses bucket and sign. Of scripts without spaces
 * single characters and their neighbours.
 */
function hashText(
  text: string | undefined,
  { buckets, characters = 0 }: { readonly buckets: number; readonly characters?: number },
  out: Float32Array,
  at: number,
): void {
  const words =
    text
      ?.normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const counts = new Float64Array(buckets);
  for (const [i, word] of words.entries()) {
    addTerm(counts, word);
    if (i > 0) addTerm(counts, `${words[i - 1]} ${word}`);
    for (const run of characters > 0 ? charactersOf(word) : []) {
      for (let order = 1; order <= characters; order++) {
        for (let first = 0; first + order <= run.length; first++) {
          addTerm(counts, run.slice(first, first + order).join(''));
        }
      }
    }
  }
  let squares = 0;
  for (const count of counts) squares += count * count;
  if (squares === 0) return;
  for (let i = 0; i < buckets; i++) out[at + i] = counts[i]! / Math.sqrt(squares);
}

function addTerm(counts: Float64Array, term: string): void {
  const bytes = Buffer.from(term);
  const hash = hash53(bytes, 0, bytes.length);
  counts[Math.floor(hash / 2) % counts.length]! += hash % 2 === 0 ? 1 : -1;
}

function signedLog(value: number): number {
  return Math.sign(value) * Math.log1p(Math.abs(value));
}

/** Third standardised moment; 0 for a constant. */
function skewness(values: readonly number[]): number {
  const n = values.length;
  if (n === 0) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  let squares = 0;
  let cubes = 0;
  for (const value of values) {
    const d = value - mean;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares === 0 ? 0 : cubes / n / (squares / n) ** 1.5;
}

/** 0 for no values. */
function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
