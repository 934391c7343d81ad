import { RecommendError } from './errors.ts';
import { checkInteractions, type Interactions, type Recommender, transposed } from './interactions.ts';

export interface NeighbourOptions {
  /**
   * Of two rows x and y of the matrix (users), or of two columns (items), whose missing values count as 0:
   * `cosine` x'y / (|x| |y|); `pearson` the correlation of all their values; `euclidean` 1 / (1 + |x - y|).
   */
  readonly similarity: 'cosine' | 'pearson' | 'euclidean';
  /** Similarities are multiplied by n / (n + shrink), with n the values that both have (Bell & Koren 2007); default: 0. */
  readonly shrink?: number;
  /** Neighbours that count: those with the highest similarities above 0. */
  readonly neighbours: number;
}

/** A row and its most similar others, best first, equal ones by number. */
interface Neighbours {
  readonly row: Int32Array;
  readonly similarity: Float64Array;
}

/**
 * Item-based neighbours: s(u, j) = Σ sim(i, j) x_ui over the items i that the user has among the neighbours of j (Sarwar et al.
 * 2001, section 3.2, without its denominator: a list is an order, no rating). An item is its own neighbour with similarity 1, so
 * that what was had before may be named again.
 * @throws RecommendError for interactions or options that are not what is expected
 */
export function itemNeighbours(interactions: Interactions, options: NeighbourOptions): Recommender {
  checkInteractions(interactions);
  const { items, start, item, value } = interactions;
  const find = neighbourFinder(transposed(interactions), options);
  /** By the item that the user has: the items whose neighbour it is. */
  const counts = new Int32Array(items + 1);
  const found = Array.from({ length: items }, (_, j) => find(j));
  for (const { row } of found) for (const i of row) counts[i + 1]!++;
  for (let i = 0; i < items; i++) counts[i + 1]! += counts[i]!;
  const next = counts.slice(0, items);
  const to = new Int32Array(counts[items]!);
  const similarity = new Float64Array(counts[items]!);
  found.forEach((own, j) => {
    own.row.forEach((i, k) => {
      const at = next[i]!++;
      to[at] = j;
      similarity[at] = own.similarity[k]!;
    });
  });
  return {
    scores(user, out) {
      out.fill(0);
      for (let k = start[user]!; k < start[user + 1]!; k++) {
        const i = item[k]!;
        out[i]! += value[k]!;
        for (let at = counts[i]!; at < counts[i + 1]!; at++) out[to[at]!]! += similarity[at]! * value[k]!;
      }
    },
  };
}

/**
 * User-based neighbours: s(u, j) = Σ sim(u, v) x_vj over the neighbours v of the user, who counts with similarity 1 (Herlocker
 * et al. 1999, without means and denominator). Neighbours are found when they are asked for.
 * @throws RecommendError for interactions or options that are not what is expected
 */
export function userNeighbours(interactions: Interactions, options: NeighbourOptions): Recommender {
  checkInteractions(interactions);
  const { start, item, value } = interactions;
  const find = neighbourFinder(interactions, options);
  return {
    scores(user, out) {
      out.fill(0);
      const add = (of: number, similarity: number) => {
        for (let k = start[of]!; k < start[of + 1]!; k++) out[item[k]!]! += similarity * value[k]!;
      };
      add(user, 1);
      const { row, similarity } = find(user);
      row.forEach((other, k) => {
        add(other, similarity[k]!);
      });
    },
  };
}

/** Finds the neighbours of one row of a matrix, row times matrix as Gustavson 1978 multiplies: only what has something in common is met. */
function neighbourFinder(matrix: Interactions, options: NeighbourOptions): (row: number) => Neighbours {
  const { similarity, shrink = 0, neighbours } = options;
  if (!Number.isInteger(neighbours) || neighbours < 1) {
    throw new RecommendError(`${neighbours} neighbours were asked for; a whole number from 1 is expected`);
  }
  if (!(shrink >= 0)) throw new RecommendError(`shrink ${shrink} was given; a number from 0 is expected`);
  const { users: rows, items: columns, start, item, value } = matrix;
  const { start: columnStart, item: rowsOf, value: valuesOf } = transposed(matrix);
  const sum = new Float64Array(rows);
  const squares = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    for (let k = start[r]!; k < start[r + 1]!; k++) {
      sum[r]! += value[k]!;
      squares[r]! += value[k]! ** 2;
    }
  }
  const of = {
    cosine: (a: number, b: number, dot: number) => dot / Math.sqrt(squares[a]! * squares[b]!),
    pearson(a: number, b: number, dot: number) {
      const spread = (r: number) => squares[r]! - sum[r]! ** 2 / columns;
      return (dot - (sum[a]! * sum[b]!) / columns) / Math.sqrt(spread(a) * spread(b));
    },
    euclidean: (a: number, b: number, dot: number) =>
      1 / (1 + Math.sqrt(Math.max(squares[a]! + squares[b]! - 2 * dot, 0))),
  }[similarity];
  const dots = new Float64Array(rows);
  const common = new Int32Array(rows);
  return (row) => {
    const met: number[] = [];
    for (let k = start[row]!; k < start[row + 1]!; k++) {
      const column = item[k]!;
      for (let at = columnStart[column]!; at < columnStart[column + 1]!; at++) {
        const other = rowsOf[at]!;
        if (other === row) continue;
        if (common[other] === 0) met.push(other);
        common[other]!++;
        dots[other]! += value[k]! * valuesOf[at]!;
      }
    }
    const found: { other: number; score: number }[] = [];
    for (const other of met) {
      const score = (of(row, other, dots[other]!) * common[other]!) / (common[other]! + shrink);
      if (score > 0) found.push({ other, score });
      dots[other] = 0;
      common[other] = 0;
    }
    found.sort((a, b) => b.score - a.score || a.other - b.other);
    found.length = Math.min(found.length, neighbours);
    return {
      row: Int32Array.from(found, ({ other }) => other),
      similarity: Float64Array.from(found, ({ score }) => score),
    };
  };
}
