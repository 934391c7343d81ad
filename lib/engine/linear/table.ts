import { LinearError } from './errors.ts';

export type Numbers = ArrayLike<number>;

/** Rows to learn from. */
export interface LogisticTable {
  readonly rows: number;
  readonly columns: number;
  /** rows x columns, row-major, finite. Penalties fall on all columns alike: the caller standardises them. */
  readonly values: Float32Array;
  /** 0 or 1, one per row. */
  readonly labels: Numbers;
  /** One per row, from 0; all 1 if left out. A weight of 2 counts as the row twice, one of 0 leaves it out. */
  readonly weights?: Numbers | undefined;
  /** A logit per row that is added to the model's, such as that of a model to improve on; all 0 if left out. */
  readonly offset?: Numbers | undefined;
}

/** A logit that is linear in the columns. */
export interface LinearModel {
  /** One per column. */
  readonly weights: Float64Array;
  readonly intercept: number;
}

/**
 * The model's logits: values x weights + intercept, and the offset if there is one.
 * @param values rows x columns, row-major
 * @throws LinearError when the values are no rows of as many columns as the model has weights, or the offset's length differs
 */
export function linearLogits(
  { weights, intercept }: LinearModel,
  values: Float32Array,
  offset?: Numbers,
): Float64Array {
  const columns = weights.length;
  const rows = values.length / columns;
  if (!Number.isInteger(rows)) {
    throw new LinearError(`${values.length} values are given; rows of ${columns} columns are expected`);
  }
  checkLength('offsets', rows, offset);
  const logits = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = intercept + (offset?.[row] ?? 0);
    for (let j = 0; j < columns; j++) sum += weights[j]! * values[row * columns + j]!;
    logits[row] = sum;
  }
  return logits;
}

/** @throws LinearError when sizes differ, a number is not what is expected, or not both labels count */
export function checkTable({ rows, columns, values, labels, weights, offset }: LogisticTable): void {
  checkValues({ rows, columns, values });
  checkLength('labels', rows, labels);
  checkLength('weights', rows, weights);
  checkLength('offsets', rows, offset);
  const sums = [0, 0];
  for (let row = 0; row < rows; row++) {
    const label = labels[row]!;
    const weight = weights ? weights[row]! : 1;
    if (label !== 0 && label !== 1)
      throw new LinearError(`row ${row} has label ${label}; 0 or 1 is expected`);
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new LinearError(
        `row ${row} has weight ${weight}; a finite number that is not negative is expected`,
      );
    }
    if (offset && !Number.isFinite(offset[row])) {
      throw new LinearError(`row ${row} has offset ${offset[row]}; a finite number is expected`);
    }
    sums[label]! += weight;
  }
  const missing = sums.indexOf(0);
  if (missing >= 0) {
    throw new LinearError(
      `no row with label ${missing} has a weight above 0; rows of both labels are expected, or the intercept is infinite`,
    );
  }
}

/** @throws LinearError unless the values are finite, one for each row and column */
export function checkValues({
  rows,
  columns,
  values,
}: Pick<LogisticTable, 'rows' | 'columns' | 'values'>): void {
  if (!Number.isInteger(rows) || rows < 1 || !Number.isInteger(columns) || columns < 1) {
    throw new LinearError(
      `the table has ${rows} rows x ${columns} columns; at least one of each is expected, as whole numbers`,
    );
  }
  if (!(values instanceof Float32Array) || values.length !== rows * columns) {
    throw new LinearError(
      `the table's values are ${values?.length} numbers in a ${values?.constructor.name}; ` +
        `a Float32Array of ${rows} x ${columns} is expected, row-major`,
    );
  }
  checkFinite(values, columns);
}

/** @throws LinearError unless the option is a finite number from 0 */
export function checkNotNegative(name: string, value: number): void {
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return;
  throw new LinearError(`${name} is ${value}; a finite number from 0 is expected`);
}

export function checkLength(what: string, rows: number, given: Numbers | undefined): void {
  if (!given || given.length === rows) return;
  throw new LinearError(`the table has ${rows} rows and ${given.length} ${what}; give one for each row`);
}

function checkFinite(values: Float32Array, columns: number): void {
  for (let i = 0; i < values.length; i++) {
    if (values[i]! - values[i]! === 0) continue;
    throw new LinearError(
      `row ${Math.floor(i / columns)}, column ${i % columns} is ${values[i]}; a finite number is expected: ` +
        'fill what is missing before you standardise',
    );
  }
}
