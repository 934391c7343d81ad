import { RecommendError } from './errors.ts';

/** A sparse matrix of users x items: user u has the items `item[start[u] … start[u + 1])`, each once, with a value above 0. */
export interface Interactions {
  readonly users: number;
  readonly items: number;
  readonly start: Int32Array;
  readonly item: Int32Array;
  /** How much of it, such as how often; one for each place of `item`. */
  readonly value: Float64Array;
}

/** Says how much each item is worth to a user; only the order counts. */
export interface Recommender {
  /**
   * Writes a score for each item.
   * @param user from 0
   * @param out (items)
   */
  scores(user: number, out: Float64Array): void;
}

/** @throws RecommendError when the arrays do not fit together, a number is out of range, or a value is not above 0 */
export function checkInteractions({ users, items, start, item, value }: Interactions): void {
  if (start.length !== users + 1 || start[users] !== item.length || item.length !== value.length) {
    throw new RecommendError(
      `interactions of ${users} users have ${start.length} starts, ${item.length} items and ${value.length} values; ` +
        'expected are one start more than users, the last of them the number of items, and as many values',
    );
  }
  for (let k = 0; k < item.length; k++) {
    if (!(item[k]! >= 0 && item[k]! < items)) {
      throw new RecommendError(`item ${item[k]} was given; a number from 0 to ${items - 1} is expected`);
    }
    if (!(value[k]! > 0 && Number.isFinite(value[k]!))) {
      throw new RecommendError(`the value ${value[k]} was given; a number above 0 is expected`);
    }
  }
}

/** Items as users, and users as items; those of each in ascending order. */
export function transposed({ users, items, start, item, value }: Interactions): Interactions {
  const ends = new Int32Array(items + 1);
  for (const i of item) ends[i + 1]!++;
  for (let i = 0; i < items; i++) ends[i + 1]! += ends[i]!;
  const next = ends.slice(0, items);
  const user = new Int32Array(item.length);
  const of = new Float64Array(item.length);
  for (let u = 0; u < users; u++) {
    for (let k = start[u]!; k < start[u + 1]!; k++) {
      const at = next[item[k]!]!++;
      user[at] = u;
      of[at] = value[k]!;
    }
  }
  return { users: items, items: users, start: ends, item: user, value: of };
}
