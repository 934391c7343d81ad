import { LinearError } from './errors.ts';
import { minimiseSmooth, type Smooth } from './limited-memory.ts';
import { checkNotNegative, checkValues, type Numbers } from './table.ts';

export interface MultinomialInput {
  readonly rows: number;
  readonly columns: number;
  /** rows x columns, row-major, finite. The penalty falls on all columns alike: the caller standardises them. */
  readonly values: Float32Array;
  /** A class from 0 per row. */
  readonly labels: Numbers;
  readonly classes: number;
  /** Penalty of half the squared weights, beside a mean loss. */
  readonly l2: number;
  /** The same of what an intercept is apart from the logarithm of its class's share; 0. A class without rows needs one. */
  readonly interceptL2?: number;
  /** How near: the largest slope of the objective, at most. 1e-6 */
  readonly tolerance?: number;
  /** 500 */
  readonly maxIterations?: number;
  /** Where to start, such as the fit under a penalty nearby. */
  readonly start?: MultinomialModel;
}

/** Scores that are linear in the columns; the softmax of a row's scores are its probabilities. */
export interface MultinomialModel {
  /** columns x classes, row-major. */
  readonly weights: Float64Array;
  /** One per class. */
  readonly intercepts: Float64Array;
}

export interface MultinomialFit extends MultinomialModel {
  readonly iterations: number;
  /** Whether the slope came down to the tolerance. */
  readonly converged: boolean;
  /** What was minimised, at its minimum: mean log loss (nats) and penalties. */
  readonly loss: number;
}

/** Half a row is added to each class where shares are counted. */
const HALF = 0.5;

/**
 * Multinomial logistic regression: the weights and intercepts that minimise the mean log loss plus l2 / 2 x the sum of squared
 * weights. With a penalty the weights of a column sum to 0 over the classes. scikit-learn's C is 1 / (l2 x rows). Minimised by
 * limited-memory BFGS in plain float64: the same input gives the same bits.
 * @throws LinearError when the table, the labels, a penalty or another option is not what is expected
 */
export function fitMultinomial(input: MultinomialInput): MultinomialFit {
  const { rows, columns, classes, l2, interceptL2 = 0, tolerance = 1e-6, maxIterations = 500 } = input;
  checkValues(input);
  checkNotNegative('l2', l2);
  checkNotNegative('interceptL2', interceptL2);
  const counts = countsOf(input, interceptL2 > 0);
  const shares = counts.map((count) => Math.log((count + HALF) / (rows + HALF * classes)));
  const start = new Float64Array((columns + 1) * classes);
  start.set(input.start?.weights ?? [], 0);
  start.set(input.start?.intercepts ?? shares, columns * classes);
  const objective = new SoftmaxLoss(input, { l2, interceptL2, shares });
  const { point, value, ...went } = minimiseSmooth(objective, { start, tolerance, maxIterations });
  return {
    weights: point.slice(0, columns * classes),
    intercepts: point.slice(columns * classes),
    ...went,
    loss: value,
  };
}

/** The scores of rows: (rows, classes). @param values rows x columns, row-major */
export function multinomialScores(
  { weights, intercepts }: MultinomialModel,
  values: Float32Array,
): Float64Array {
  const classes = intercepts.length;
  const columns = weights.length / classes;
  const rows = values.length / columns;
  const scores = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    addScores(weights, intercepts, values, row * columns, scores, row * classes);
  }
  return scores;
}

function countsOf({ rows, labels, classes }: MultinomialInput, mayLack: boolean): number[] {
  if (!Number.isInteger(classes) || classes < 2)
    throw new LinearError(`classes is ${classes}; a whole number from 2 is expected`);
  if (labels.length !== rows)
    throw new LinearError(`${labels.length} labels are given for ${rows} rows; one a row is expected`);
  const counts = new Array<number>(classes).fill(0);
  for (let row = 0; row < rows; row++) {
    const label = labels[row]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new LinearError(`row ${row} has label ${label}; a class from 0 to ${classes - 1} is expected`);
    counts[label]!++;
  }
  const missing = counts.indexOf(0);
  if (missing >= 0 && !mayLack) {
    throw new LinearError(
      `no row is of class ${missing}: its intercept would be infinite; rows of each class are expected, or an interceptL2 above 0`,
    );
  }
  return counts;
}

interface Penalties {
  readonly l2: number;
  readonly interceptL2: number;
  /** Logarithms of the classes' shares. */
  readonly shares: readonly number[];
}

class SoftmaxLoss implements Smooth {
  readonly #table: MultinomialInput;
  readonly #penalties: Penalties;

  constructor(table: MultinomialInput, penalties: Penalties) {
    this.#table = table;
    this.#penalties = penalties;
  }

  evaluate(point: Float64Array, gradient: Float64Array): number {
    const { rows, columns, values, labels, classes } = this.#table;
    const weights = point.subarray(0, columns * classes);
    const intercepts = point.subarray(columns * classes);
    const scores = new Float64Array(classes);
    gradient.fill(0);
    const slopes = gradient.subarray(columns * classes);
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      const from = row * columns;
      scores.fill(0);
      addScores(weights, intercepts, values, from, scores, 0);
      const label = labels[row]!;
      const own = scores[label]!;
      const logSum = toShares(scores);
      loss += logSum - own;
      scores[label]! -= 1;
      for (let k = 0; k < classes; k++) {
        scores[k]! /= rows;
        slopes[k]! += scores[k]!;
      }
      for (let j = 0; j < columns; j++) {
        const x = values[from + j]!;
        if (x === 0) continue;
        const at = j * classes;
        for (let k = 0; k < classes; k++) gradient[at + k]! += x * scores[k]!;
      }
    }
    return loss / rows + this.#penalise(point, gradient);
  }

  #penalise(point: Float64Array, gradient: Float64Array): number {
    const { l2, interceptL2, shares } = this.#penalties;
    const first = point.length - shares.length;
    let cost = 0;
    for (let i = 0; i < first; i++) {
      gradient[i]! += l2 * point[i]!;
      cost += (l2 / 2) * point[i]! ** 2;
    }
    shares.forEach((share, k) => {
      const apart = point[first + k]! - share;
      gradient[first + k]! += interceptL2 * apart;
      cost += (interceptL2 / 2) * apart ** 2;
    });
    return cost;
  }
}

function addScores(
  weights: Float64Array,
  intercepts: Float64Array,
  values: Float32Array,
  from: number,
  scores: Float64Array,
  to: number,
): void {
  const classes = intercepts.length;
  const columns = weights.length / classes;
  for (let k = 0; k < classes; k++) scores[to + k]! += intercepts[k]!;
  for (let j = 0; j < columns; j++) {
    const x = values[from + j]!;
    if (x === 0) continue;
    const at = j * classes;
    for (let k = 0; k < classes; k++) scores[to + k]! += x * weights[at + k]!;
  }
}

/** Turns scores into probabilities. @returns the logarithm of the sum of their exponentials */
function toShares(scores: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const one of scores) if (one > most) most = one;
  let sum = 0;
  for (let k = 0; k < scores.length; k++) {
    scores[k] = Math.exp(scores[k]! - most);
    sum += scores[k]!;
  }
  for (let k = 0; k < scores.length; k++) scores[k]! /= sum;
  return most + Math.log(sum);
}
