import { sigmoid, softplus } from '../host/index.ts';
import { LinearError } from './errors.ts';
import { minimise } from './lbfgs.ts';

/** A table with labels 0 and 1. */
export interface LogisticInput {
  readonly rows: number;
  readonly columns: number;
  /** (rows, columns), row by row, finite, of like scale: the penalty treats all columns alike. */
  readonly values: Float32Array;
  /** 0 or 1 per row. */
  readonly labels: ArrayLike<number>;
  /** Per row, 0 or above; default: all 1. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Penalty on half the squared weights, in units of the mean log loss; 0 or above. */
  readonly l2: number;
  /** Weights that the search starts from, the intercept last. */
  readonly start?: Float64Array | undefined;
  /** Of the gradient's largest component; 1e-6. */
  readonly tolerance?: number;
  /** 500 */
  readonly maxIterations?: number;
}

export interface LogisticFit {
  /** Per column. */
  readonly weights: Float64Array;
  /** Is not penalised. */
  readonly intercept: number;
  /** Weighted mean log loss, without the penalty. */
  readonly loss: number;
  readonly iterations: number;
  readonly converged: boolean;
}

/**
 * Logistic regression with an L2 penalty: minimises sum_i w_i loss_i / sum_i w_i + l2 / 2 |b|^2 by L-BFGS (Byrd, Lu, Nocedal
 * and Zhu 1995). The C of LIBLINEAR and scikit-learn is 1 / (l2 sum_i w_i).
 * @throws LinearError when the table, a label, a weight or an option is not what is expected
 */
export function fitLogistic(input: LogisticInput): LogisticFit {
  check(input);
  const { rows, columns, values, labels, weights, l2, tolerance = 1e-6, maxIterations = 500 } = input;
  let total = 0;
  for (let i = 0; i < rows; i++) total += weights ? weights[i]! : 1;
  let loss = 0;
  const objective = (point: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    loss = 0;
    let at = 0;
    for (let i = 0; i < rows; i++, at += columns) {
      let z = point[columns]!;
      for (let j = 0; j < columns; j++) z += point[j]! * values[at + j]!;
      const share = (weights ? weights[i]! : 1) / total;
      const label = labels[i]!;
      loss += share * (softplus(z) - label * z);
      const residual = share * (sigmoid(z) - label);
      for (let j = 0; j < columns; j++) gradient[j]! += residual * values[at + j]!;
      gradient[columns]! += residual;
    }
    let squares = 0;
    for (let j = 0; j < columns; j++) {
      squares += point[j]! * point[j]!;
      gradient[j]! += l2 * point[j]!;
    }
    return loss + (l2 / 2) * squares;
  };
  const start = input.start ?? base(input, total);
  const { point, iterations, converged } = minimise(objective, start, { tolerance, maxIterations });
  objective(point, new Float64Array(columns + 1));
  return { weights: point.slice(0, columns), intercept: point[columns]!, loss, iterations, converged };
}

/** No weights, and the logit of the mean label: where all labels are alike, of half a row of the other. */
function base({ rows, columns, labels, weights }: LogisticInput, total: number): Float64Array {
  let positive = 0;
  for (let i = 0; i < rows; i++) positive += (weights ? weights[i]! : 1) * labels[i]!;
  const start = new Float64Array(columns + 1);
  const half = (0.5 * total) / rows;
  start[columns] = Math.log((positive + half) / (total - positive + half));
  return start;
}

function check({ rows, columns, values, labels, weights, l2, start }: LogisticInput): void {
  if (!(Number.isInteger(rows) && rows > 0 && Number.isInteger(columns) && columns > 0)) {
    throw new LinearError(
      `a table of ${rows} rows and ${columns} columns was given; at least one of each is expected`,
    );
  }
  if (values.length !== rows * columns) {
    throw new LinearError(
      `${values.length} values were given; ${rows} rows of ${columns} columns are expected`,
    );
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new LinearError(
      `row ${Math.floor(wrong / columns)} has ${values[wrong]} in column ${wrong % columns}; a finite number is expected`,
    );
  }
  if (labels.length !== rows) throw new LinearError(`${labels.length} labels were given for ${rows} rows`);
  if (weights && weights.length !== rows) {
    throw new LinearError(`${weights.length} weights were given for ${rows} rows`);
  }
  let total = 0;
  for (let i = 0; i < rows; i++) {
    if (labels[i] !== 0 && labels[i] !== 1) {
      throw new LinearError(`row ${i} has label ${labels[i]}; 0 or 1 is expected`);
    }
    const weight = weights ? weights[i]! : 1;
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new LinearError(`row ${i} has weight ${weight}; a finite number from 0 is expected`);
    }
    total += weight;
  }
  if (total === 0) throw new LinearError('all weights are 0; at least one row must count');
  if (!(l2 >= 0 && l2 < Number.POSITIVE_INFINITY)) {
    throw new LinearError(`l2 is ${l2}; a finite number from 0 is expected`);
  }
  if (start && start.length !== columns + 1) {
    throw new LinearError(
      `start has ${start.length} numbers; ${columns} weights and the intercept are expected`,
    );
  }
}
