import { gatherRows } from '../../../engine/host/index.ts';
import type { Material, Standardised } from '../candidate.ts';

/** Rows of one task whose outcome is known, as a matrix. */
export interface KnownRows {
  readonly rows: number;
  readonly columns: number;
  /** (rows, columns). */
  readonly values: Float32Array;
  readonly labels: Float32Array;
  /** All 1 if left out. */
  readonly weights?: Float32Array;
  /** A number in [0, 1) per user. */
  readonly unit: Float32Array;
}

/** Fewer rows of either outcome than this tell nothing. */
const FEWEST_OF_EACH = 20;

/** How a model's columns are standardised: each cut-off by the rows of its own, or all by those of all cut-offs. */
export type Scale = 'own' | 'overall';

/** Undefined where the material has no such scale beside its own. */
export const standardisedBy = (scale: Scale, material: Material): Standardised | undefined =>
  scale === 'own' ? material : material.overall;

/** Row numbers whose whole window of a task is over; undefined where there are too few of either outcome. */
function placesOf({ outcomes, heads, used, data }: Material, task: number): Int32Array | undefined {
  if (data?.[task] === 'too few') return undefined;
  const outcomeOf = (row: number) => outcomes[row * heads.length + task]!;
  const at = used.filter((row) => !Number.isNaN(outcomeOf(row)));
  const positives = at.reduce((sum, row) => sum + outcomeOf(row), 0);
  return Math.min(positives, at.length - positives) < FEWEST_OF_EACH ? undefined : at;
}

/**
 * The rows to learn a task from.
 * @param columns numbers of the kept columns; default: all
 * @returns undefined where there are too few of either outcome
 */
export function knownRows(
  material: Material,
  { inputs, transform }: Standardised,
  task: number,
  columns: readonly number[] = transform.kept.map((_, k) => k),
): KnownRows | undefined {
  const at = placesOf(material, task);
  if (!at) return undefined;
  const { outcomes, heads, unit } = material;
  const kept = transform.kept.length;
  const width = columns.length;
  const values = new Float32Array(at.length * width);
  at.forEach((row, i) => {
    for (let k = 0; k < width; k++) values[i * width + k] = inputs[row * kept + columns[k]!]!;
  });
  return {
    rows: at.length,
    columns: width,
    values,
    labels: Float32Array.from(at, (row) => outcomes[row * heads.length + task]!),
    unit: Float32Array.from(at, (row) => unit[row]!),
  };
}

/** Those of the rows that pass a test. @param test gets a row's place and its user's number */
export function rowsOf(known: KnownRows, test: (place: number, unit: number) => boolean): KnownRows {
  const at = Int32Array.from({ length: known.rows }, (_, i) => i).filter((i) => test(i, known.unit[i]!));
  return {
    rows: at.length,
    columns: known.columns,
    values: gatherRows(known.values, known.columns, at),
    labels: gatherRows(known.labels, 1, at),
    ...(known.weights ? { weights: gatherRows(known.weights, 1, at) } : {}),
    unit: gatherRows(known.unit, 1, at),
  };
}
