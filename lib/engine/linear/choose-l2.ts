import { gatherRows, softplus } from '../host/index.ts';
import { LinearError } from './errors.ts';
import { fitLogistic, type LogisticInput } from './logistic.ts';

export interface L2Choice {
  readonly l2: number;
  /** Mean held-out log loss of each candidate, in their order. */
  readonly losses: readonly number[];
}

/** Gradients as small as this rank penalties as well as exact ones do. */
const TOLERANCE = 3e-4;

/**
 * The penalty of a logistic regression by cross-validation: the strongest one whose held-out log loss is within one standard
 * error of the best (Breiman et al. 1984, section 3.4.3; the error is that of the paired differences over the folds).
 * @param input.folds per row, the fold it is held out in: rows that belong together have one
 * @param input.candidates penalties, in any order
 * @throws LinearError as `fitLogistic`, and for fewer than two folds or no candidate
 */
export function chooseL2(
  input: Omit<LogisticInput, 'l2' | 'start' | 'weights'> & {
    readonly folds: ArrayLike<number>;
    readonly candidates: readonly number[];
  },
): L2Choice {
  const { rows, columns, values, labels, folds, candidates } = input;
  const names = [...new Set(Array.from(folds))].sort((a, b) => a - b);
  if (folds.length !== rows || names.length < 2 || candidates.length === 0) {
    throw new LinearError(
      `${folds.length} rows in ${names.length} folds and ${candidates.length} penalties were given; ${rows} rows in at ` +
        'least 2 folds and at least one penalty are expected',
    );
  }
  const order = candidates.map((_, k) => k).sort((a, b) => candidates[b]! - candidates[a]!);
  const losses: number[][] = candidates.map(() => []);
  for (const name of names) {
    const inside = part(input, (fold) => fold !== name);
    let start: Float64Array | undefined;
    for (const k of order) {
      const fit = fitLogistic({ ...inside, columns, l2: candidates[k]!, start, tolerance: TOLERANCE });
      start = Float64Array.of(...fit.weights, fit.intercept);
      losses[k]!.push(lossOutside(name));
    }

    function lossOutside(fold: number): number {
      let [sum, count] = [0, 0];
      for (let i = 0; i < rows; i++) {
        if (folds[i] !== fold) continue;
        let z = start![columns]!;
        for (let j = 0; j < columns; j++) z += start![j]! * values[i * columns + j]!;
        sum += softplus(z) - labels[i]! * z;
        count++;
      }
      return sum / count;
    }
  }
  const means = losses.map(mean);
  const best = means.indexOf(Math.min(...means));
  const chosen = order.find((k) => {
    const differences = losses[k]!.map((loss, f) => loss - losses[best]![f]!);
    const difference = mean(differences);
    const squares = differences.reduce((sum, one) => sum + (one - difference) ** 2, 0);
    return difference <= Math.sqrt(squares / (names.length - 1) / names.length);
  })!;
  return { l2: candidates[chosen]!, losses: means };
}

function part(
  { rows, columns, values, labels, folds }: Parameters<typeof chooseL2>[0],
  test: (fold: number) => boolean,
) {
  const at = Int32Array.from({ length: rows }, (_, i) => i).filter((i) => test(folds[i]!));
  return {
    rows: at.length,
    values: gatherRows(values, columns, at),
    labels: Float32Array.from(at, (row) => labels[row]!),
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
