import { MetricError } from './errors.ts';

/** An item's identity. */
export type Item = string | number | bigint;

/**
 * Recall@K of one user: the share of the distinct true items among the first K of the list. Items the model has never
 * seen count as misses; an item listed twice counts once.
 * @returns NaN for a user without true items
 */
export function recallOf(truth: Iterable<Item>, list: readonly Item[], k: number): number {
  const wanted = new Set(truth);
  return hits(wanted, list, k).length / wanted.size;
}

/**
 * NDCG@K of one user with gain 1 for a true item: sum of 1 / log2(1 + position) over the hits, over the same sum for
 * the best list there is, min(K, true items) hits from the top (Järvelin & Kekäläinen, "Cumulated gain-based
 * evaluation of IR techniques", 2002). Only an item's first place in the list counts.
 * @returns NaN for a user without true items
 */
export function ndcgOf(truth: Iterable<Item>, list: readonly Item[], k: number): number {
  const wanted = new Set(truth);
  const gained = hits(wanted, list, k).reduce((sum, position) => sum + discount(position), 0);
  let ideal = 0;
  for (let position = 1; position <= Math.min(k, wanted.size); position++) ideal += discount(position);
  return gained / ideal;
}

/**
 * Mean Recall@K over the users with true items.
 * @param truth true items of each user
 * @param lists recommended items of each user, best first
 * @returns NaN when no user has a true item
 */
export function recallAtK(
  truth: readonly Iterable<Item>[],
  lists: readonly (readonly Item[])[],
  k: number,
): number {
  return meanOverUsers(truth, lists, (items, list) => recallOf(items, list, k));
}

/** Mean NDCG@K over the users with true items; parameters as recallAtK's. */
export function ndcgAtK(
  truth: readonly Iterable<Item>[],
  lists: readonly (readonly Item[])[],
  k: number,
): number {
  return meanOverUsers(truth, lists, (items, list) => ndcgOf(items, list, k));
}

function discount(position: number): number {
  return 1 / Math.log2(1 + position);
}

/** Positions, from 1, of the true items within the first k. */
function hits(wanted: ReadonlySet<Item>, list: readonly Item[], k: number): number[] {
  if (!Number.isInteger(k) || k < 1) throw new MetricError(`K is a whole number from 1, given ${k}`);
  const top = list.slice(0, k);
  return top.flatMap((item, i) => (wanted.has(item) && top.indexOf(item) === i ? [i + 1] : []));
}

function meanOverUsers(
  truth: readonly Iterable<Item>[],
  lists: readonly (readonly Item[])[],
  metric: (truth: Iterable<Item>, list: readonly Item[]) => number,
): number {
  if (truth.length !== lists.length) {
    throw new MetricError(
      `one list a user is expected, given ${lists.length} lists for ${truth.length} users`,
    );
  }
  const values = truth
    .map((items, user) => metric(items, lists[user]!))
    .filter((value) => !Number.isNaN(value));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
