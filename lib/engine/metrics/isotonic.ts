import { groupsByScore, type Numbers } from './input.ts';

/** A non-decreasing function by its corners: both arrays ascending, as long as each other. */
export interface Isotonic {
  logits: number[];
  probabilities: number[];
}

interface Pool {
  first: number;
  last: number;
  rows: number;
  positives: number;
}

/**
 * Pool adjacent violators (Ayer et al. 1955): walk up the scores; while a pool's mean is below that of the pool before
 * it, the two become one. Rows of one score start as one pool.
 */
export function fitPools(logits: Numbers, labels: Numbers): Isotonic {
  const pools: Pool[] = [];
  for (const { score, rows, positives } of groupsByScore(labels, logits).reverse()) {
    let pool: Pool = { first: score, last: score, rows, positives };
    for (let before = pools.at(-1); before && violates(before, pool); before = pools.at(-1)) {
      pools.pop();
      pool = {
        first: before.first,
        last: pool.last,
        rows: before.rows + pool.rows,
        positives: before.positives + pool.positives,
      };
    }
    pools.push(pool);
  }
  const corners = pools.flatMap(({ first, last, rows, positives }) => {
    const level = positives / rows;
    return first === last ? [[first, level] as const] : [[first, level] as const, [last, level] as const];
  });
  return { logits: corners.map(([logit]) => logit), probabilities: corners.map(([, level]) => level) };
}

/** Counts, not means, are compared, so that no rounding splits or joins equal pools. */
function violates(before: Pool, pool: Pool): boolean {
  return before.positives * pool.rows >= pool.positives * before.rows;
}

/** The function at a logit: a straight line between corners, flat outside. */
export function interpolate({ logits, probabilities }: Isotonic, logit: number): number {
  const last = logits.length - 1;
  if (!(logit > logits[0]!)) return probabilities[0]!;
  if (logit >= logits[last]!) return probabilities[last]!;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (logits[middle]! <= logit) low = middle;
    else high = middle;
  }
  const [from, to] = [logits[low]!, logits[high]!];
  const level = probabilities[low]!;
  return level + ((probabilities[high]! - level) * (logit - from)) / (to - from);
}
