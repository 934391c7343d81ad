import type { Material, Standardised } from '../candidate.ts';

/** Rows of one task whose outcome is known, as a matrix. */
export interface KnownRows {
  readonly rows: number;
  readonly columns: number;
  /** (rows, columns). */
  readonly values: Float32Array;
  readonly labels: Float32Array;
  /** A number in [0, 1) per user. */
  readonly unit: Float32Array;
}

/** Fewer rows of either outcome than this tell nothing. */
const FEWEST_OF_EACH = 20;

/**
 * The rows to learn a task from: those whose whole window is over.
 * @param columns numbers of the kept columns; default: all
 * @returns undefined where there are too few of either outcome
 */
export function knownRows(
  { outcomes, heads, used, unit }: Material,
  { inputs, transform }: Standardised,
  task: number,
  columns?: readonly number[],
): KnownRows | undefined {
  const tasks = heads.length;
  const at = used.filter((row) => !Number.isNaN(outcomes[row * tasks + task]!));
  const labels = Float32Array.from(at, (row) => outcomes[row * tasks + task]!);
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (Math.min(positives, labels.length - positives) < FEWEST_OF_EACH) return undefined;
  const kept = transform.kept.length;
  const width = columns?.length ?? kept;
  const values = new Float32Array(at.length * width);
  at.forEach((row, i) => {
    const own = inputs.subarray(row * kept, (row + 1) * kept);
    if (!columns) values.set(own, i * width);
    else for (let k = 0; k < width; k++) values[i * width + k] = own[columns[k]!]!;
  });
  return {
    rows: at.length,
    columns: width,
    values,
    labels,
    unit: Float32Array.from(at, (row) => unit[row]!),
  };
}

/** Can any task be learnt from whole windows? */
export const anyKnown = (material: Material): boolean =>
  material.heads.some((_, task) => {
    const { outcomes, heads, used } = material;
    let [positives, negatives] = [0, 0];
    for (const row of used) {
      const outcome = outcomes[row * heads.length + task]!;
      if (outcome === 1) positives++;
      else if (outcome === 0) negatives++;
    }
    return Math.min(positives, negatives) >= FEWEST_OF_EACH;
  });
