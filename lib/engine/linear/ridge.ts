import { solvePositive } from '../host/index.ts';
import { LinearError } from './errors.ts';
import { checkNotNegative, checkValues, type LinearModel, type Numbers } from './table.ts';

/** Rows to learn a number from. */
export interface RidgeTable {
  readonly rows: number;
  readonly columns: number;
  /** rows x columns, row-major, finite. */
  readonly values: Float32Array;
  /** A finite number per row. */
  readonly labels: Numbers;
}

/** Sums of squares and products of the columns, a column of ones and the labels, in that order. */
interface Moments {
  readonly rows: number;
  /** (columns + 2) squared, its lower triangle. */
  readonly sums: Float64Array;
}

/**
 * Ridge regression (Hoerl & Kennard 1970): the weights and the intercept that minimise the mean squared error / 2 plus l2 / 2 x the
 * sum of squared weights. The intercept has no penalty. scikit-learn's alpha is l2 x rows.
 * @throws LinearError when the table, a label or the penalty is not what is expected, or columns repeat one another and there
 *   is no penalty
 */
export function fitRidge(table: RidgeTable, l2: number): LinearModel {
  check(table);
  checkNotNegative('l2', l2);
  return solve(
    momentsOf(table, () => true),
    table.columns,
    l2,
  );
}

/**
 * The penalty of least squared error on folds that its fits have not seen.
 * @param folds a whole number per row: rows of one number are held out together
 * @param candidates penalties to choose from
 * @returns the first candidate where all rows are of one fold
 */
export function chooseRidge(table: RidgeTable, folds: Numbers, candidates: readonly number[]): number {
  check(table);
  const names = [...new Set(Array.from({ length: table.rows }, (_, row) => folds[row]!))];
  if (names.length < 2) return candidates[0]!;
  const parts = names.map((name) => momentsOf(table, (row) => folds[row] === name));
  const errors = candidates.map((l2) =>
    parts.reduce((sum, part) => {
      const others = parts.filter((other) => other !== part).reduce(together);
      return sum + squaredError(part, solve(others, table.columns, l2));
    }, 0),
  );
  return candidates[errors.indexOf(Math.min(...errors))]!;
}

function check({ labels, ...table }: RidgeTable): void {
  checkValues(table);
  if (labels.length !== table.rows)
    throw new LinearError(`${labels.length} labels are given for ${table.rows} rows; one a row is expected`);
  for (let row = 0; row < table.rows; row++) {
    if (!Number.isFinite(labels[row]))
      throw new LinearError(`row ${row} has label ${labels[row]}; a finite number is expected`);
  }
}

function momentsOf({ rows, columns, values, labels }: RidgeTable, counts: (row: number) => boolean): Moments {
  const size = columns + 2;
  const sums = new Float64Array(size * size);
  const line = new Float64Array(size);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if (!counts(row)) continue;
    count++;
    line.set(values.subarray(row * columns, (row + 1) * columns));
    line[columns] = 1;
    line[columns + 1] = labels[row]!;
    for (let j = 0; j < size; j++) {
      const x = line[j]!;
      if (x === 0) continue;
      for (let k = 0; k <= j; k++) sums[j * size + k]! += x * line[k]!;
    }
  }
  return { rows: count, sums };
}

const together = (a: Moments, b: Moments): Moments => ({
  rows: a.rows + b.rows,
  sums: a.sums.map((sum, i) => sum + b.sums[i]!),
});

function solve({ rows, sums }: Moments, columns: number, l2: number): LinearModel {
  const size = columns + 2;
  const width = columns + 1;
  const matrix = new Float64Array(width * width);
  for (let j = 0; j < width; j++) {
    for (let k = 0; k <= j; k++) matrix[j * width + k] = sums[j * size + k]!;
    if (j < columns) matrix[j * width + j]! += l2 * rows;
  }
  const products = sums.subarray((columns + 1) * size, (columns + 1) * size + width);
  const point = solvePositive(matrix, products);
  if (!point) throw new LinearError('the columns repeat one another: an l2 above 0 is expected');
  return { weights: point.slice(0, columns), intercept: point[columns]! };
}

/** The sum over the rows of what a model is off, squared. */
function squaredError({ sums }: Moments, { weights, intercept }: LinearModel): number {
  const size = weights.length + 2;
  const line = Float64Array.from([...weights, intercept, -1]);
  let sum = 0;
  for (let j = 0; j < size; j++) {
    for (let k = 0; k <= j; k++) sum += (j === k ? 1 : 2) * line[j]! * line[k]! * sums[j * size + k]!;
  }
  return sum;
}
