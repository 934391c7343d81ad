import { TreeError } from './errors.ts';

export type Numbers = ArrayLike<number>;

/** Rows to learn from. */
export interface TreeTable {
  readonly rows: number;
  readonly columns: number;
  /** rows x columns, row-major; NaN is missing. A categorical column holds codes 0, 1, 2 … */
  readonly values: Float32Array;
  /**
   * One per row: 0 or 1 for the logistic loss and forests, 0 … classes - 1 for softmax, any number for squared and quantile,
   * from 0 for tweedie, above 0 for gamma.
   */
  readonly labels: Numbers;
  /** One per row, from 0; all 1 if left out. A weight of 2 counts as the row twice. */
  readonly weights?: Numbers | undefined;
}

/** How labels are checked. */
export type LabelKind = 'binary' | 'number' | 'not negative' | 'positive' | { readonly classes: number };

/** @throws TreeError when sizes differ, labels or weights are not what is expected, or a class is missing */
export function checkTable(table: TreeTable, labels: LabelKind, what = 'the table'): void {
  const { rows, columns, values, weights } = table;
  if (!Number.isInteger(rows) || rows < 1 || !Number.isInteger(columns) || columns < 1) {
    throw new TreeError(
      `${what} has ${rows} rows x ${columns} columns; at least one of each is expected, as whole numbers`,
    );
  }
  checkValues(values, columns, rows, what);
  if (table.labels.length !== rows) {
    throw new TreeError(`${what} has ${rows} rows and ${table.labels.length} labels; give one for each row`);
  }
  checkLabels(table.labels, labels, what);
  if (!weights) return;
  if (weights.length !== rows) {
    throw new TreeError(`${what} has ${rows} rows and ${weights.length} weights; give one for each row`);
  }
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const weight = weights[row]!;
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new TreeError(
        `row ${row} of ${what} has weight ${weight}; a finite number that is not negative is expected`,
      );
    }
    sum += weight;
  }
  if (sum === 0) throw new TreeError(`all weights of ${what} are 0; at least one row must count`);
}

/** @throws TreeError unless the values are rows of so many columns */
export function checkValues(values: Float32Array, columns: number, rows?: number, what = 'the table'): void {
  if (!(values instanceof Float32Array)) {
    throw new TreeError(`the values of ${what} are no Float32Array; give rows x columns float32, row-major`);
  }
  const fits = rows === undefined ? values.length % columns === 0 : values.length === rows * columns;
  if (!fits) {
    const expected = rows === undefined ? `a multiple of ${columns}` : `${rows} x ${columns}`;
    throw new TreeError(`${what} has ${values.length} values; ${expected} are expected`);
  }
}

function checkLabels(labels: Numbers, kind: LabelKind, what: string): void {
  const { fits, expected } = expectedLabels(kind);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    if (fits(label)) continue;
    throw new TreeError(`row ${row} of ${what} has label ${label}; ${expected} is expected`);
  }
}

function expectedLabels(kind: LabelKind): { fits: (label: number) => boolean; expected: string } {
  const isClass = (label: number, classes: number): boolean =>
    Number.isInteger(label) && label >= 0 && label < classes;
  switch (kind) {
    case 'number':
      return { fits: Number.isFinite, expected: 'a finite number' };
    case 'not negative':
      return { fits: (label) => Number.isFinite(label) && label >= 0, expected: 'a finite number from 0' };
    case 'positive':
      return { fits: (label) => Number.isFinite(label) && label > 0, expected: 'a finite number above 0' };
    case 'binary':
      return { fits: (label) => isClass(label, 2), expected: '0 or 1' };
    default:
      return {
        fits: (label) => isClass(label, kind.classes),
        expected: `a class from 0 to ${kind.classes - 1}`,
      };
  }
}
