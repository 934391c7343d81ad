import type { Points } from './points.ts';

/** Rows among which those to label are chosen, the most doubtful first: as many times the wanted ones, and no fewer than so many. */
const POOL = { times: 10, least: 5000 };

/**
 * Which rows a person should label next: greedy k-center (Sener & Savarese 2018, algorithm 1) among the rows that the model is least
 * sure of, each distance being weighed by the doubt (Settles 2009, section 3.1: the margin between the two best classes). So the next
 * row is always one that is both doubtful and unlike those that were chosen; a hundred copies of one text are asked about once.
 * @param doubt from 0 to 1, by row
 * @param pointsOf rows as points; called once, with the rows that come into question
 * @returns places of rows, in the order in which they were chosen
 */
export function chooseNext(
  doubt: Float64Array,
  rows: readonly number[],
  count: number,
  pointsOf: (rows: readonly number[]) => Points,
): number[] {
  const pool = [...rows]
    .sort((a, b) => doubt[b]! - doubt[a]! || a - b)
    .slice(0, Math.max(POOL.times * count, POOL.least));
  const points = pointsOf(pool);
  const weights = new Float64Array(points.terms);
  const distance = new Float64Array(pool.length).fill(1);
  const chosen: number[] = [];
  const taken = new Set<number>();
  while (chosen.length < Math.min(count, pool.length)) {
    let next = -1;
    for (let i = 0; i < pool.length; i++) {
      if (taken.has(i)) continue;
      if (next < 0 || distance[i]! * doubt[pool[i]!]! > distance[next]! * doubt[pool[next]!]!) next = i;
    }
    taken.add(next);
    chosen.push(pool[next]!);
    for (const [term, weight] of points.rows[next]!) weights[term] = weight;
    for (let i = 0; i < pool.length; i++) {
      const alike = points.rows[i]!.reduce((sum, [term, weight]) => sum + weight * weights[term]!, 0);
      distance[i] = Math.min(distance[i]!, 1 - alike);
    }
    for (const [term] of points.rows[next]!) weights[term] = 0;
  }
  return chosen;
}
