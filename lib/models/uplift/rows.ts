import { gatherRows } from '../../engine/host/index.ts';
import type { AssignedRows } from '../../engine/uplift/index.ts';

/** Rows of two arms to learn from. */
export interface UpliftTable extends AssignedRows {
  readonly rows: number;
  readonly columns: number;
  /** (rows, columns), standardised. */
  readonly values: Float32Array;
  /** 1 treated, 0 control. */
  readonly treated: Float32Array;
  readonly outcomes: Float32Array;
  /** Chance that the row had to be treated. */
  readonly propensity: Float32Array;
  /** A number in [0, 1) per user: rows of one user are never on both sides of a fold. */
  readonly unit: Float32Array;
  /** Are all outcomes 0 or 1? */
  readonly binary: boolean;
}

/** Some of the rows, in the order of `at`. */
export function pick(table: UpliftTable, at: Int32Array): UpliftTable {
  const { columns, values, treated, outcomes, propensity, unit, binary } = table;
  return {
    rows: at.length,
    columns,
    values: gatherRows(values, columns, at),
    treated: gatherRows(treated, 1, at),
    outcomes: gatherRows(outcomes, 1, at),
    propensity: gatherRows(propensity, 1, at),
    unit: gatherRows(unit, 1, at),
    binary,
  };
}

/** Numbers of the rows that pass a test. */
export const placesOf = ({ rows }: { readonly rows: number }, test: (row: number) => boolean): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) => row).filter(test);

/** Factors that make other numbers in [0, 1) of the same users: folds within folds must not be the same ones. */
const MIXED = { aside: 997, halves: 31, arms: 101 } as const;

/** Another number in [0, 1) of each user, as good as independent of the first. */
export const mixedUnit = (unit: number, use: keyof typeof MIXED): number => (unit * MIXED[use]) % 1;
