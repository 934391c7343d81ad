import { Draws } from './draws.ts';

/**
 * Upper edges of a column's ranges of values, ascending, the last Infinity: x lies in bin 1 + i for the first i with
 * x <= edges[i], a missing value in bin 0. Each edge but the last is a float32 with a <= edge < b for neighbouring values a < b of the sample, so that
 * `x <= edge` decides alike in float32 and float64.
 */
export type Edges = Float32Array;

/**
 * Edges of about equal numbers of rows, as LightGBM finds them (Ke et al. 2017; GreedyFindBin of its source): a value with
 * more rows than a bin's share has a bin of its own; with no more distinct values than bins, each has.
 * @param sample values in any order, NaN is left out; sorted in place
 * @param most 1 to 255 bins
 */
export function findEdges(sample: Float32Array, most: number): Edges {
  sample.sort();
  let known = sample.length;
  // NaN sorts to the end
  while (known > 0 && Number.isNaN(sample[known - 1]!)) known--;
  const { distinct, counts } = distinctOf(sample.subarray(0, known));
  const edges: number[] = [];
  if (distinct.length <= most) {
    for (let i = 1; i < distinct.length; i++) edges.push(between(distinct[i - 1]!, distinct[i]!));
  } else {
    cutEvenly(distinct, counts, known, most, edges);
  }
  edges.push(Number.POSITIVE_INFINITY);
  return Float32Array.from(edges);
}

/** The float32 nearest to the middle of a < b that is at least a and below b. */
function between(a: number, b: number): number {
  const middle = Math.fround(a / 2 + b / 2);
  return middle >= a && middle < b ? middle : a;
}

function distinctOf(sorted: Float32Array): { distinct: Float32Array; counts: Int32Array } {
  const distinct = new Float32Array(sorted.length);
  const counts = new Int32Array(sorted.length);
  let last = -1;
  for (const value of sorted) {
    if (last < 0 || value !== distinct[last]) distinct[++last] = value;
    counts[last]!++;
  }
  return { distinct: distinct.subarray(0, last + 1), counts: counts.subarray(0, last + 1) };
}

function cutEvenly(
  distinct: Float32Array,
  counts: Int32Array,
  rows: number,
  most: number,
  edges: number[],
): void {
  const fair = rows / most;
  let restRows = rows;
  let restBins = most;
  const isLarge = counts.map((count) => (count >= fair ? 1 : 0));
  for (let i = 0; i < counts.length; i++) {
    if (!isLarge[i]) continue;
    restRows -= counts[i]!;
    restBins--;
  }
  let share = restBins > 0 ? restRows / restBins : Number.POSITIVE_INFINITY;
  let inBin = 0;
  for (let i = 0; i + 1 < distinct.length && edges.length + 1 < most; i++) {
    if (!isLarge[i]) restRows -= counts[i]!;
    inBin += counts[i]!;
    const isFull = isLarge[i] || inBin >= share || (isLarge[i + 1] && inBin >= Math.max(1, share / 2));
    if (!isFull) continue;
    edges.push(between(distinct[i]!, distinct[i + 1]!));
    inBin = 0;
    if (isLarge[i]) continue;
    restBins--;
    share = restBins > 0 ? restRows / restBins : Number.POSITIVE_INFINITY;
  }
}

/** Which rows the edges of all columns are found from: at most `most`, ascending. */
export function sampledRows(rows: number, most: number, seed: number): Int32Array | undefined {
  return rows <= most ? undefined : new Draws(seed, 'bins').sample(rows, most);
}

/** A copy of one column of a row-major table; of some rows, if given. */
export function columnOf(
  values: Float32Array,
  columns: number,
  column: number,
  rows?: Int32Array,
): Float32Array {
  const count = rows ? rows.length : values.length / columns;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = values[(rows ? rows[i]! : i) * columns + column]!;
  return out;
}
