import { softplus } from '../host/index.ts';
import { LinearError } from './errors.ts';
import { fitLogistic, type LogisticFit, type LogisticInput } from './logistic.ts';
import { checkLength, checkNotNegative, checkTable, linearLogits, type Numbers } from './table.ts';

export interface L2Input extends Omit<LogisticInput, 'l2' | 'start' | 'tolerance'> {
  /** As of fitLogistic, but 1e-5: the loss on other rows feels little of the last steps. */
  readonly tolerance?: number;
  /** A whole number per row: rows of one number are held out together. Rows of one user belong to one fold. */
  readonly folds: Numbers;
  /** Penalties to choose from. 1, 0.3, 0.1 … 0.00001 */
  readonly candidates?: readonly number[];
}

/** How a penalty does on rows that its fits have not seen. */
export interface L2Loss {
  readonly l2: number;
  /** Mean log loss of held-out rows (nats), weighted as they are. */
  readonly loss: number;
  /** Standard error of the difference from the best candidate's loss, over folds; 0 for the best itself. */
  readonly error: number;
}

export interface L2Choice {
  readonly l2: number;
  /** By penalty, the strongest first. */
  readonly losses: readonly L2Loss[];
}

const CANDIDATES = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4, 3e-5, 1e-5];

/**
 * The L2 penalty for fitLogistic, by cross-validation: the strongest whose loss on held-out rows is within one standard
 * error of the best (Breiman, Friedman, Olshen, Stone 1984, section 3.4.3). The error is that of the difference between both
 * over the folds: how hard a fold is concerns all penalties alike, and would hide what they differ by. Fits go from the
 * strongest penalty to the weakest, each from the weights of the one before.
 * @throws LinearError as fitLogistic; for fewer than two folds, a fold that is no whole number, a fold without which a
 *   label is missing, a fold whose rows all weigh 0, or a candidate that is negative or named twice
 */
export function chooseL2(input: L2Input): L2Choice {
  const { folds, candidates = CANDIDATES, tolerance = 1e-5, ...rest } = input;
  const table = { ...rest, tolerance };
  checkTable(input);
  const penalties = strongestFirst(candidates);
  const parts = foldsOf(input).map((fold) => foldLosses(table, folds, fold, penalties));
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const means = penalties.map(
    (_, c) => parts.reduce((sum, { losses, weight }) => sum + weight * losses[c]!, 0) / total,
  );
  const best = means.indexOf(Math.min(...means));
  const losses = penalties.map((l2, c) => {
    const apart = means[c]! - means[best]!;
    // of a weighted mean over folds (Cochran 1977, equation 6.9, a ratio estimate)
    const squares = parts.reduce((sum, part) => {
      const own = part.losses[c]! - part.losses[best]! - apart;
      return sum + (part.weight * own) ** 2;
    }, 0);
    const error = Math.sqrt((squares * parts.length) / (parts.length - 1)) / total;
    return { l2, loss: means[c]!, error };
  });
  const chosen = losses.find(({ loss, error }) => loss <= means[best]! + error)!;
  return { l2: chosen.l2, losses };
}

/** The mean loss of a fold's rows by each penalty, and their weight. */
function foldLosses(
  table: Omit<LogisticInput, 'l2'>,
  folds: Numbers,
  fold: number,
  penalties: readonly number[],
): { readonly losses: number[]; readonly weight: number } {
  const { rows, columns, values, labels, weights, offset } = table;
  const all = weights ?? new Float64Array(rows).fill(1);
  const others = Float64Array.from({ length: rows }, (_, row) => (folds[row] === fold ? 0 : all[row]!));
  const own = Int32Array.from({ length: rows }, (_, row) => row).filter((row) => folds[row] === fold);
  const weight = own.reduce((sum, row) => sum + all[row]!, 0);
  let fit: LogisticFit | undefined;
  const losses = penalties.map((l2) => {
    fit = fitLogistic({ ...table, weights: others, l2, ...(fit ? { start: fit } : {}) });
    let sum = 0;
    for (const row of own) {
      const [z] = linearLogits(fit, values.subarray(row * columns, (row + 1) * columns));
      const logit = z! + (offset ? offset[row]! : 0);
      sum += all[row]! * (softplus(logit) - labels[row]! * logit);
    }
    return sum / weight;
  });
  return { losses, weight };
}

function strongestFirst(candidates: readonly number[]): number[] {
  if (candidates.length === 0)
    throw new LinearError('no candidates are given; at least one penalty is expected');
  for (const candidate of candidates) checkNotNegative('a candidate', candidate);
  const twice = candidates.find((candidate, i) => candidates.indexOf(candidate) !== i);
  if (twice !== undefined) throw new LinearError(`candidate ${twice} is named twice; name each penalty once`);
  return [...candidates].sort((a, b) => b - a);
}

/** @throws LinearError unless every fold can be held out */
function foldsOf({ rows, labels, weights, folds }: L2Input): number[] {
  checkLength('fold numbers', rows, folds);
  const total = [0, 0];
  const within = new Map<number, [number, number]>();
  for (let row = 0; row < rows; row++) {
    const fold = folds[row]!;
    if (!Number.isInteger(fold)) {
      throw new LinearError(`row ${row} has fold ${fold}; a whole number is expected`);
    }
    const sums = within.get(fold) ?? [0, 0];
    within.set(fold, sums);
    const weight = weights ? weights[row]! : 1;
    sums[labels[row]!]! += weight;
    total[labels[row]!]! += weight;
  }
  if (within.size < 2) {
    throw new LinearError(`all rows are of fold ${folds[0]}; at least two folds are expected`);
  }
  for (const [fold, [zeros, ones]] of within) {
    if (zeros + ones === 0) {
      throw new LinearError(
        `all rows of fold ${fold} have weight 0; a row that counts is expected in each fold`,
      );
    }
    if (total[0] === zeros || total[1] === ones) {
      throw new LinearError(
        `without fold ${fold} no row with label ${total[0] === zeros ? 0 : 1} is left; ` +
          'labels of both kinds are expected in at least two folds',
      );
    }
  }
  return [...within.keys()].sort((a, b) => a - b);
}
