import { type Rng, sigmoid } from '../host/index.ts';
import { RecommendError } from './errors.ts';
import { type Factors, recommenderOf } from './factors.ts';
import { checkInteractions, type Interactions } from './interactions.ts';

export interface BprOptions {
  /** Numbers of a vector. */
  readonly factors: number;
  readonly learningRate: number;
  /** Weight of the squared numbers of a step. */
  readonly regularisation: number;
  /** Draws, as many as there are interactions each. */
  readonly epochs: number;
  /** Where first vectors and draws come from. */
  readonly rng: Rng;
}

/** Draws of another item, that the user does not have, before a user is left out who has nearly all. */
const TRIES = 20;

/**
 * Bayesian personalised ranking (Rendle et al. 2009, algorithm 1): what a user has is to score higher than what the user has not.
 * Stochastic gradient ascent on ln σ(s_ui - s_uj) - λ |Θ|² over drawn triples of a user, an item of the user's and another one.
 * @throws RecommendError for interactions or options that are not what is expected
 */
export function bprFactors(interactions: Interactions, options: BprOptions): Factors {
  checkInteractions(interactions);
  const { factors: d, learningRate, epochs, rng } = options;
  if (!(Number.isInteger(d) && d >= 1 && learningRate > 0)) {
    throw new RecommendError(
      `factors ${d} and a learning rate of ${learningRate} were given; a whole number from 1 and a number above 0 are expected`,
    );
  }
  const { users, items, start, item } = interactions;
  const parts = {
    userFactors: Float64Array.from(rng.normals(users * d, 0.1)),
    itemFactors: Float64Array.from(rng.normals(items * d, 0.1)),
    itemBias: new Float64Array(items),
  };
  const userOf = new Int32Array(item.length);
  for (let u = 0; u < users; u++) userOf.fill(u, start[u]!, start[u + 1]!);
  const own = Array.from({ length: users }, (_, u) => new Set(item.subarray(start[u]!, start[u + 1]!)));
  for (let draw = 0; draw < epochs * item.length; draw++) {
    const k = rng.integer(item.length);
    const u = userOf[k]!;
    let j = rng.integer(items);
    for (let tries = 1; own[u]!.has(j) && tries < TRIES; tries++) j = rng.integer(items);
    if (!own[u]!.has(j)) bprStep(parts, d, [u, item[k]!, j], options);
  }
  return recommenderOf(parts, d);
}

/** One step of the ascent for a user, an item of the user's and another one; changes the vectors in place. */
export function bprStep(
  { userFactors, itemFactors, itemBias }: Required<Omit<Factors, 'scores'>>,
  d: number,
  [user, item, other]: readonly [user: number, item: number, other: number],
  { learningRate, regularisation }: Pick<BprOptions, 'learningRate' | 'regularisation'>,
): void {
  const [u, i, j] = [user * d, item * d, other * d];
  let apart = itemBias[item]! - itemBias[other]!;
  for (let f = 0; f < d; f++) apart += userFactors[u + f]! * (itemFactors[i + f]! - itemFactors[j + f]!);
  const pull = sigmoid(-apart);
  itemBias[item]! += learningRate * (pull - regularisation * itemBias[item]!);
  itemBias[other]! += learningRate * (-pull - regularisation * itemBias[other]!);
  for (let f = 0; f < d; f++) {
    const [x, y, z] = [userFactors[u + f]!, itemFactors[i + f]!, itemFactors[j + f]!];
    userFactors[u + f]! += learningRate * (pull * (y - z) - regularisation * x);
    itemFactors[i + f]! += learningRate * (pull * x - regularisation * y);
    itemFactors[j + f]! += learningRate * (-pull * x - regularisation * z);
  }
}
