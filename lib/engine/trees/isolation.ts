import type { Rng } from '../host/index.ts';
import { TreeError } from './errors.ts';

/** Points row by row. */
export interface IsolationInput {
  /** (n, width), finite. */
  readonly values: Float64Array;
  readonly width: number;
}

export interface IsolationOptions {
  /** The same state gives the same forest. */
  readonly rng: Rng;
  /** Default: 100, after which path lengths hardly change (section 5.4 of the paper). */
  readonly trees?: number;
  /** Points that a tree is grown on, drawn without replacement; default: 256, or all where there are fewer. */
  readonly sample?: number;
}

/**
 * One tree, a node at each place, the root first. Plain data. A point goes left where its value in `column` is at most
 * `threshold`; a leaf has column -1.
 */
export interface IsolationTree {
  readonly column: readonly number[];
  readonly threshold: readonly number[];
  /** Where the left and the right child stand; 0 of a leaf. */
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Points of the tree's sample that came here. */
  readonly size: readonly number[];
}

/** Trees that tell how soon a point is alone. Plain data. */
export interface IsolationForest {
  readonly width: number;
  /** Points that each tree was grown on. */
  readonly sample: number;
  readonly trees: readonly IsolationTree[];
}

const EULER = 0.5772156649015329;

/**
 * c(n): the mean length of a path to a leaf, of a search tree of n points that are inserted in random order (Liu, Ting & Zhou 2008,
 * equation 1, with the harmonic number H(i) taken as ln(i) + Euler's constant; c(2) = 1 exactly).
 */
export function meanPathLength(n: number): number {
  if (n <= 1) return 0;
  if (n === 2) return 1;
  return 2 * (Math.log(n - 1) + EULER) - (2 * (n - 1)) / n;
}

/**
 * Grows an isolation forest (Liu, Ting & Zhou 2008, "Isolation forest", ICDM, algorithms 1 and 2): every tree splits a sample of
 * the points by a column drawn at random, of those that differ among a node's points, at a value drawn between their least and
 * their largest, until each is alone or the tree is as high as a balanced one would be.
 * @throws TreeError when there are fewer than two points, or a value is not finite
 */
export function fitIsolationForest(input: IsolationInput, options: IsolationOptions): IsolationForest {
  const { values, width } = input;
  const count = width > 0 ? Math.floor(values.length / width) : 0;
  if (count < 2 || values.length !== count * width) {
    throw new TreeError(
      `an isolation forest was given ${values.length} values in rows of ${width}; two whole rows at least are expected`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new TreeError(
      `the value of column ${bad % width} in row ${Math.floor(bad / width)} is ${values[bad]}; an isolation forest expects finite values`,
    );
  }
  const { rng, trees = 100, sample: wanted = 256 } = options;
  const sample = Math.min(wanted, count);
  return {
    width,
    sample,
    trees: Array.from({ length: trees }, (_, tree) => {
      const own = rng.fork(String(tree));
      return grow(input, drawn(count, sample, own), own);
    }),
  };
}

/** Some of the rows, without replacement: the first steps of a shuffle by Fisher and Yates. */
function drawn(count: number, sample: number, rng: Rng): Int32Array {
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  for (let i = 0; i < sample; i++) {
    const other = i + rng.integer(count - i);
    [rows[i], rows[other]] = [rows[other]!, rows[i]!];
  }
  return rows.slice(0, sample);
}

function grow({ values, width }: IsolationInput, rows: Int32Array, rng: Rng): IsolationTree {
  const tree = { column: [0], threshold: [0], left: [0], right: [0], size: [0] };
  const highest = Math.ceil(Math.log2(Math.max(2, rows.length)));
  const at = (row: number, column: number) => values[row * width + column]!;
  const open = (): number => {
    for (const places of Object.values(tree)) places.push(0);
    return tree.size.length - 1;
  };
  const fill = (node: number, own: Int32Array, depth: number): void => {
    tree.size[node] = own.length;
    const split = depth < highest && own.length > 1 ? splitOf(own) : undefined;
    if (!split) {
      tree.column[node] = -1;
      return;
    }
    const { column, threshold } = split;
    tree.column[node] = column;
    tree.threshold[node] = threshold;
    const [left, right] = [open(), open()];
    tree.left[node] = left;
    tree.right[node] = right;
    fill(
      left,
      own.filter((row) => at(row, column) <= threshold),
      depth + 1,
    );
    fill(
      right,
      own.filter((row) => at(row, column) > threshold),
      depth + 1,
    );
  };
  const splitOf = (own: Int32Array) => {
    const ranges: { column: number; least: number; most: number }[] = [];
    for (let column = 0; column < width; column++) {
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const row of own) {
        least = Math.min(least, at(row, column));
        most = Math.max(most, at(row, column));
      }
      if (most > least) ranges.push({ column, least, most });
    }
    if (ranges.length === 0) return undefined;
    const { column, least, most } = ranges[rng.integer(ranges.length)]!;
    const threshold = least + rng.uniform() * (most - least);
    // Rounding may reach the largest value, which is to go right.
    return { column, threshold: threshold < most ? threshold : least };
  };
  fill(0, rows, 0);
  return tree;
}

/**
 * How anomalous a point is, between 0 and 1 (equation 2): 2^(-E(h) / c(sample)), h being the length of its path in a tree, and at
 * a leaf of several points c of them more. About 0.5 and below is ordinary; the nearer to 1, the sooner it is alone.
 * @param at where the point's values begin
 */
export function anomalyScore(
  { trees, sample, width }: IsolationForest,
  values: Float64Array,
  at = 0,
): number {
  if (at + width > values.length) {
    throw new TreeError(
      `a point of ${values.length - at} values was given; the isolation forest reads ${width}`,
    );
  }
  let sum = 0;
  for (const { column, threshold, left, right, size } of trees) {
    let node = 0;
    let depth = 0;
    while (column[node]! >= 0) {
      node = values[at + column[node]!]! <= threshold[node]! ? left[node]! : right[node]!;
      depth++;
    }
    sum += depth + meanPathLength(size[node]!);
  }
  return 2 ** (-sum / trees.length / meanPathLength(sample));
}
