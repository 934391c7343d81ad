import { LinearError } from './errors.ts';
import { SmoothLoss } from './objective.ts';
import { minimise } from './quasi-newton.ts';
import { checkNotNegative, checkTable, type LinearModel, type LogisticTable } from './table.ts';

export interface LogisticInput extends LogisticTable {
  /** Penalty of half the squared weights, beside a mean loss: 0.001 is weak, 1 strong for standardised columns. */
  readonly l2: number;
  /** Penalty of the weights' absolute values; weights that gain less than it are exactly 0. 0 */
  readonly l1?: number;
  /** How near: the largest slope of the objective by any weight or the intercept, at most. 1e-6 */
  readonly tolerance?: number;
  /** 200 */
  readonly maxIterations?: number;
  /** Where to start, such as the fit under a penalty nearby. Zero weights and the labels' mean */
  readonly start?: LinearModel;
}

export interface LogisticFit extends LinearModel {
  readonly iterations: number;
  /** Whether the slope came down to the tolerance. */
  readonly converged: boolean;
  /** What was minimised, at its minimum: mean log loss (nats) and penalties. */
  readonly loss: number;
}

/**
 * Logistic regression: the weights b and the intercept that minimise
 *
 *   sum of w_i x log loss_i / sum of w_i  +  l2 / 2 x the sum of b_j^2  +  l1 x the sum of |b_j|.
 *
 * The intercept has no penalty. As the loss is a mean, a penalty means the same for any number of rows. scikit-learn's C
 * is 1 / (l2 x the sum of weights), or 1 / (l1 x the sum of weights) where only l1 is there; with both, its l1_ratio is
 * l1 / (l1 + l2) and its C is 1 / ((l1 + l2) x the sum of weights).
 *
 * Minimised by a proximal quasi-Newton method that keeps a matrix of (columns + 1)^2 numbers: made for some hundreds of
 * columns. The same input gives the same bits. Without a penalty, labels that a plane divides have no finite minimum: the
 * weights are then those of a slope below the tolerance.
 * @throws LinearError when the table, the labels, a penalty or another option is not what is expected
 */
export function fitLogistic(input: LogisticInput): LogisticFit {
  checkTable(input);
  const { columns, l2, l1 = 0, tolerance = 1e-6, maxIterations = 200 } = input;
  checkNotNegative('l2', l2);
  checkNotNegative('l1', l1);
  if (!(tolerance > 0)) throw new LinearError(`tolerance is ${tolerance}; a number above 0 is expected`);
  if (!Number.isInteger(maxIterations) || maxIterations < 1) {
    throw new LinearError(`maxIterations is ${maxIterations}; a whole number from 1 is expected`);
  }
  const start = startingPoint(input);
  const { point, value, ...went } = minimise(new SmoothLoss(input, l2), {
    ...{ l1, start, far: !input.start, tolerance, maxIterations },
  });
  return { weights: point.slice(0, columns), intercept: point[columns]!, ...went, loss: value };
}

function startingPoint({ rows, columns, labels, weights, offset, start }: LogisticInput): Float64Array {
  const point = new Float64Array(columns + 1);
  if (start) {
    if (start.weights.length !== columns) {
      throw new LinearError(
        `the start has ${start.weights.length} weights; one for each of ${columns} columns is expected`,
      );
    }
    point.set(start.weights);
    point[columns] = start.intercept;
    const wrong = point.findIndex((each) => !Number.isFinite(each));
    if (wrong < 0) return point;
    throw new LinearError(`the start has ${point[wrong]} at ${wrong}; finite numbers are expected`);
  }
  // an offset mostly knows the base rate already
  if (offset) return point;
  const sums = [0, 0];
  for (let row = 0; row < rows; row++) sums[labels[row]!]! += weights ? weights[row]! : 1;
  point[columns] = Math.log(sums[1]! / sums[0]!);
  return point;
}
