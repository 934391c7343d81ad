import { Draws } from './draws.ts';
import { TreeError } from './errors.ts';
import type { Numbers, TreeTable } from './table.ts';

/** Codes are looked up by position: beyond this a column is no list of categories. */
const MOST_CODES = 2 ** 20;

/** What stands for each category of a column when a model scores. */
export interface CategoryEncoding {
  readonly column: number;
  /** By code; a code that had no training row has what `unknown` has. */
  readonly values: Float32Array;
  readonly missing: number;
  readonly unknown: number;
}

/** Weighted sum of labels and of weights, per slot: the codes, then missing. */
interface Statistics {
  readonly labels: Float64Array;
  readonly weights: Float64Array;
}

/**
 * Target statistics of categorical columns over all training rows, for scoring: (Σ y + a p) / (n + a) with the mean label
 * p and the smoothing a (Micci-Barreca 2001; Prokhorenkova et al. 2018, section 3.2). Missing is a category of its own, a
 * category without rows has p.
 * @throws TreeError when a value is no code from 0 to 2^20 - 1 and not missing
 */
export function fitCategories(
  table: TreeTable,
  columns: readonly number[],
  smoothing: number,
): CategoryEncoding[] {
  const prior = meanLabel(table);
  return columns.map((column) => {
    const codes = codesOf(table, column);
    const size = codes.reduce((most, code) => Math.max(most, code), -1) + 1;
    const sums = emptyStatistics(size);
    for (let row = 0; row < table.rows; row++) add(sums, codes[row]!, size, table, row);
    const all = Float32Array.from(sums.weights, (_, slot) => encoded(sums, slot, prior, smoothing));
    return { column, values: all.slice(0, size), missing: all[size]!, unknown: Math.fround(prior) };
  });
}

/**
 * The values of a categorical column to train on: each row's statistic counts only rows that precede it in a random order
 * (ordered target statistics, Prokhorenkova et al. 2018, section 3.2), so that no row's label is part of its own value and
 * a category of one row tells nothing.
 * @returns one value per row
 */
export function orderedStatistics(
  table: TreeTable,
  { column, values }: CategoryEncoding,
  smoothing: number,
  seed: number,
): Float32Array {
  const prior = meanLabel(table);
  const codes = codesOf(table, column);
  const sums = emptyStatistics(values.length);
  const out = new Float32Array(table.rows);
  for (const row of new Draws(seed, 'order').permutation(table.rows)) {
    out[row] = encoded(sums, slotOf(codes[row]!, values.length), prior, smoothing);
    add(sums, codes[row]!, values.length, table, row);
  }
  return out;
}

/** What a model sees of one value of a categorical column. */
export function encodeValue({ values, missing, unknown }: CategoryEncoding, code: number): number {
  if (Number.isNaN(code)) return missing;
  return values[code] ?? unknown;
}

/** The values with categorical columns encoded; the very same array when there are none. */
export function encodeValues(
  encodings: readonly CategoryEncoding[],
  values: Float32Array,
  columns: number,
): Float32Array {
  if (encodings.length === 0) return values;
  const out = values.slice();
  for (const encoding of encodings) {
    for (let at = encoding.column; at < out.length; at += columns) {
      out[at] = encodeValue(encoding, values[at]!);
    }
  }
  return out;
}

const MISSING_CODE = -1;

function codesOf({ rows, columns, values }: TreeTable, column: number): Int32Array {
  const codes = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const value = values[row * columns + column]!;
    if (!Number.isNaN(value) && !(Number.isInteger(value) && value >= 0 && value < MOST_CODES)) {
      throw new TreeError(
        `row ${row} has ${value} in the categorical column ${column}; a code from 0 to ${MOST_CODES - 1} or NaN is expected: ` +
          'number the categories',
      );
    }
    codes[row] = Number.isNaN(value) ? MISSING_CODE : value;
  }
  return codes;
}

function emptyStatistics(size: number): Statistics {
  return { labels: new Float64Array(size + 1), weights: new Float64Array(size + 1) };
}

const slotOf = (code: number, size: number): number => (code === MISSING_CODE ? size : code);

function add(sums: Statistics, code: number, size: number, table: TreeTable, row: number): void {
  const slot = slotOf(code, size);
  const weight = weightOf(table.weights, row);
  sums.labels[slot]! += weight * table.labels[row]!;
  sums.weights[slot]! += weight;
}

function encoded({ labels, weights }: Statistics, slot: number, prior: number, smoothing: number): number {
  return (labels[slot]! + smoothing * prior) / (weights[slot]! + smoothing);
}

function meanLabel({ rows, labels, weights }: TreeTable): number {
  let sum = 0;
  let all = 0;
  for (let row = 0; row < rows; row++) {
    const weight = weightOf(weights, row);
    sum += weight * labels[row]!;
    all += weight;
  }
  return sum / all;
}

const weightOf = (weights: Numbers | undefined, row: number): number => (weights ? weights[row]! : 1);
