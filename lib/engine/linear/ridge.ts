import { solvePositive } from '../host/index.ts';
import { LinearError } from './errors.ts';
import type { LinearModel, Numbers } from './table.ts';

export interface RidgeInput {
  readonly rows: number;
  readonly columns: number;
  /** rows x columns, row-major, finite. The penalty falls on all columns alike: the caller standardises them. */
  readonly values: Float32Array;
  /** Finite numbers, one per row. */
  readonly labels: Numbers;
  /** From 0, one per row; all 1 if left out. */
  readonly weights?: Numbers | undefined;
  /** The fold of each row, a whole number from 0: rows of one user belong into one fold. */
  readonly folds: Int32Array;
  /** Penalties to choose from, above 0: of half the squared weights, beside half the mean squared error. */
  readonly candidates: readonly number[];
}

export interface RidgeFit extends LinearModel {
  /** The penalty with the least squared error on held-out folds; of equal ones the first. */
  readonly l2: number;
}

/** Sums over some rows, with a last column of ones for the intercept. */
interface Moments {
  /** (columns + 1)^2, lower triangle. */
  readonly products: Float64Array;
  readonly labels: Float64Array;
  squares: number;
}

/**
 * Linear regression with an L2 penalty (Hoerl & Kennard 1970), chosen by folds: the weights b and the intercept that minimise
 *
 *   sum of w_i (y_i - x_i b - a)^2 / (2 x sum of w_i)  +  l2 / 2 x the sum of b_j^2.
 *
 * The intercept has no penalty. All penalties and folds are solved from sums of products, which are taken once.
 * @throws LinearError when sizes differ, a number is not finite or a weight below 0, or there is no penalty to choose from
 */
export function fitRidge(input: RidgeInput): RidgeFit {
  check(input);
  const { columns, folds, candidates } = input;
  const size = columns + 1;
  const count = folds.reduce((most, fold) => Math.max(most, fold), 0) + 1;
  const parts = Array.from({ length: count }, () => momentsOf(size));
  for (let row = 0; row < input.rows; row++) add(parts[folds[row]!]!, input, row);
  const whole = parts.reduce((sum, part) => combined(sum, part, 1), momentsOf(size));
  const filled = parts.filter(({ products }) => products[size * size - 1]! > 0);
  let [best, least] = [candidates[0]!, Number.POSITIVE_INFINITY];
  if (filled.length > 1 && candidates.length > 1) {
    for (const l2 of candidates) {
      const loss = filled.reduce(
        (sum, part) => sum + errorOf(part, solve(combined(whole, part, -1), size, l2)),
        0,
      );
      if (loss < least) [best, least] = [l2, loss];
    }
  }
  const point = solve(whole, size, best);
  return { weights: point.slice(0, columns), intercept: point[columns]!, l2: best };
}

const momentsOf = (size: number): Moments => ({
  products: new Float64Array(size * size),
  labels: new Float64Array(size),
  squares: 0,
});

function add(into: Moments, { columns, values, labels, weights }: RidgeInput, row: number): void {
  const size = columns + 1;
  const weight = weights ? weights[row]! : 1;
  if (weight === 0) return;
  const label = labels[row]!;
  const start = row * columns;
  for (let i = 0; i <= columns; i++) {
    const own = i < columns ? weight * values[start + i]! : weight;
    if (own === 0) continue;
    const at = i * size;
    const until = Math.min(i, columns - 1);
    for (let j = 0; j <= until; j++) into.products[at + j]! += own * values[start + j]!;
    if (i === columns) into.products[at + columns]! += own;
    into.labels[i]! += own * label;
  }
  into.squares += weight * label * label;
}

/** a + sign x b */
const combined = (a: Moments, b: Moments, sign: number): Moments => ({
  products: a.products.map((value, i) => value + sign * b.products[i]!),
  labels: a.labels.map((value, i) => value + sign * b.labels[i]!),
  squares: a.squares + sign * b.squares,
});

/** Weights, then the intercept. */
function solve({ products, labels }: Moments, size: number, l2: number): Float64Array {
  const total = products[size * size - 1]!;
  const matrix = Float64Array.from(products);
  for (let j = 0; j < size - 1; j++) matrix[j * size + j]! += l2 * total;
  const point = solvePositive(matrix, labels);
  if (point) return point;
  throw new LinearError(
    `the columns cannot be told apart under a penalty of ${l2}: give larger candidates, or leave columns out`,
  );
}

/** Sum of the squared errors of the rows behind some moments. */
function errorOf({ products, labels, squares }: Moments, point: Float64Array): number {
  const size = point.length;
  let sum = squares;
  for (let i = 0; i < size; i++) {
    sum -= 2 * point[i]! * labels[i]!;
    for (let j = 0; j <= i; j++) {
      const product = products[i * size + j]! * point[i]! * point[j]!;
      sum += i === j ? product : 2 * product;
    }
  }
  return sum;
}

function check({ rows, columns, values, labels, weights, folds, candidates }: RidgeInput): void {
  if (
    values.length !== rows * columns ||
    labels.length !== rows ||
    folds.length !== rows ||
    (weights !== undefined && weights.length !== rows)
  ) {
    throw new LinearError(
      `a table of ${rows} rows x ${columns} columns is expected with a label, a fold and perhaps a weight for each row; given are ` +
        `${values.length} values, ${labels.length} labels, ${folds.length} folds and ${weights?.length ?? 'no'} weights`,
    );
  }
  if (rows < 1) throw new LinearError('there is no row to fit: at least one is expected');
  if (candidates.length === 0 || candidates.some((l2) => !(l2 > 0 && l2 < Number.POSITIVE_INFINITY))) {
    throw new LinearError(`penalties are [${candidates.join(', ')}]; finite numbers above 0 are expected`);
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new LinearError(
      `row ${Math.floor(wrong / columns)}, column ${wrong % columns} is ${values[wrong]}; a finite number is expected`,
    );
  }
  for (let row = 0; row < rows; row++) {
    const weight = weights ? weights[row]! : 1;
    if (!Number.isFinite(labels[row]) || !(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new LinearError(
        `row ${row} has label ${labels[row]} and weight ${weight}; finite numbers are expected, weights from 0`,
      );
    }
    if (!Number.isInteger(folds[row]) || folds[row]! < 0) {
      throw new LinearError(`row ${row} is of fold ${folds[row]}; a whole number from 0 is expected`);
    }
  }
}
