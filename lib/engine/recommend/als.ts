import { type Rng, solvePositive } from '../host/index.ts';
import { RecommendError } from './errors.ts';
import { type Factors, recommenderOf } from './factors.ts';
import { checkInteractions, type Interactions, transposed } from './interactions.ts';

export interface AlsOptions {
  /** Numbers of a vector. */
  readonly factors: number;
  /** How much a value adds to the confidence: c = 1 + alpha value. */
  readonly alpha: number;
  /** Weight of the squared lengths of all vectors. */
  readonly regularisation: number;
  /** Rounds of users, then items. */
  readonly iterations: number;
  /** Where the items' first vectors come from. */
  readonly rng: Rng;
}

/**
 * Alternating least squares for implicit feedback (Hu, Koren & Volinsky 2008, section 4): minimises
 * Σ c_ui (p_ui - x_u' y_i)² + λ (Σ |x_u|² + Σ |y_i|²) over all pairs, with p = 1 and c = 1 + α value where a user has an item, and
 * p = 0 and c = 1 where not. Y'Y is summed once a round, so a round takes time by what users have, not by all pairs.
 * @throws RecommendError for interactions or options that are not what is expected
 */
export function implicitAls(interactions: Interactions, options: AlsOptions): Factors {
  checkInteractions(interactions);
  const { factors, alpha, regularisation, iterations, rng } = options;
  if (!(Number.isInteger(factors) && factors >= 1 && alpha > 0 && regularisation > 0)) {
    throw new RecommendError(
      `factors ${factors}, alpha ${alpha} and regularisation ${regularisation} were given; ` +
        'a whole number from 1 and two numbers above 0 are expected',
    );
  }
  const { users, items } = interactions;
  const byItem = transposed(interactions);
  const userFactors = new Float64Array(users * factors);
  const itemFactors = Float64Array.from(rng.normals(items * factors, 1 / Math.sqrt(factors)));
  for (let round = 0; round < iterations; round++) {
    solveRows(interactions, userFactors, itemFactors, options);
    solveRows(byItem, itemFactors, userFactors, options);
  }
  solveRows(interactions, userFactors, itemFactors, options);
  return recommenderOf({ userFactors, itemFactors }, factors);
}

/** Solves for the vector of each row, given those of the columns: (Y'Y + Y'(C - I)Y + λI) x = Y'C p (equation 4). */
function solveRows(
  { users: rows, items: columns, start, item, value }: Interactions,
  solved: Float64Array,
  given: Float64Array,
  { factors: d, alpha, regularisation }: AlsOptions,
): void {
  const gram = new Float64Array(d * d);
  for (let i = 0; i < columns; i++) addOuter(gram, given, i * d, d, 1);
  for (let f = 0; f < d; f++) gram[f * d + f]! += regularisation;
  const matrix = new Float64Array(d * d);
  const right = new Float64Array(d);
  for (let r = 0; r < rows; r++) {
    if (start[r] === start[r + 1]) {
      solved.fill(0, r * d, (r + 1) * d);
      continue;
    }
    matrix.set(gram);
    right.fill(0);
    for (let k = start[r]!; k < start[r + 1]!; k++) {
      const more = alpha * value[k]!;
      const from = item[k]! * d;
      addOuter(matrix, given, from, d, more);
      for (let f = 0; f < d; f++) right[f]! += (1 + more) * given[from + f]!;
    }
    // λ > 0 makes it positive definite; a matrix that rounding spoilt leaves the vector as it is.
    const x = solvePositive(matrix, right);
    if (x) solved.set(x, r * d);
  }
}

/** Adds a multiple of y y' to the lower triangle. */
function addOuter(into: Float64Array, y: Float64Array, from: number, d: number, times: number): void {
  for (let f = 0; f < d; f++) {
    const scaled = times * y[from + f]!;
    for (let h = 0; h <= f; h++) into[f * d + h]! += scaled * y[from + h]!;
  }
}
