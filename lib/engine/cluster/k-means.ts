import type { Rng } from '../host/index.ts';
import { ClusterError } from './errors.ts';
import { checkPoints, countOf, type Points, squaredDistance } from './points.ts';

export interface KMeansOptions {
  /** Groups, from 1 up to the number of different points. */
  readonly k: number;
  /** Where the random starts come from: the same state gives the same result. */
  readonly rng: Rng;
  /** Random starts, of which the one with the least inertia is taken; default: 10. */
  readonly starts?: number;
  /** Starts of one's own that are tried before the random ones: centres, (k, width) each. */
  readonly initial?: readonly Float64Array[];
  /** Rounds of one start at most; default: 300. */
  readonly rounds?: number;
}

export interface KMeans {
  /** (k, width): the mean of each group. */
  readonly centres: Float64Array;
  /** Group of each point, from 0. */
  readonly labels: Int32Array;
  /** Sum of the squared distances of all points to the centres of their groups. */
  readonly inertia: number;
}

/**
 * Groups points by k-means: Lloyd's iteration (Lloyd 1982, "Least squares quantization in PCM") from starts that are drawn
 * by k-means++ (Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", section 2.2). Of several starts
 * the least inertia is kept, of equal ones the first. A group that is left without points takes the point that is farthest
 * from its centre.
 * @throws ClusterError when a value is not finite, or there are fewer different points than groups
 */
export function kMeans(points: Points, options: KMeansOptions): KMeans {
  const { k, rng, starts = 10, initial = [], rounds = 300 } = options;
  checkPoints(points);
  checkGroups(points, k);
  let best: KMeans | undefined;
  const keep = (start: Float64Array) => {
    const found = lloyd(points, start, k, rounds);
    if (!best || found.inertia < best.inertia) best = found;
  };
  for (const start of initial) {
    if (start.length !== k * points.width) {
      throw new ClusterError(
        `a start of ${start.length} values was given; ${k} centres of ${points.width} are expected`,
      );
    }
    keep(start);
  }
  for (let i = 0; i < starts; i++) keep(seeded(points, k, rng));
  if (!best) throw new ClusterError('k-means was given no start; one at least is expected');
  return best;
}

/** The group whose centre is nearest to a point; of equally near ones the first. */
export function nearestCentre(values: Float64Array, point: number, centres: Points): number {
  const { width } = centres;
  let nearest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let g = 0; g < countOf(centres); g++) {
    const distance = squaredDistance(values, point, centres.values, g, width);
    if (distance < least) {
      least = distance;
      nearest = g;
    }
  }
  return nearest;
}

function checkGroups(points: Points, k: number): void {
  const different = new Set<string>();
  for (let i = 0; i < countOf(points) && different.size < k; i++) {
    different.add(points.values.subarray(i * points.width, (i + 1) * points.width).join());
  }
  if (Number.isInteger(k) && k >= 1 && different.size >= k) return;
  throw new ClusterError(
    `${k} groups are asked for; a whole number from 1 to that of the different points is expected` +
      (different.size < k ? ` (${different.size})` : ''),
  );
}

/** k-means++: each further centre is a point, drawn with its squared distance to the nearest centre so far as weight. */
function seeded(points: Points, k: number, rng: Rng): Float64Array {
  const { values, width } = points;
  const n = countOf(points);
  const centres = new Float64Array(k * width);
  const nearest = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  let chosen = rng.integer(n);
  for (let g = 0; ; g++) {
    centres.set(values.subarray(chosen * width, (chosen + 1) * width), g * width);
    if (g === k - 1) return centres;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      nearest[i] = Math.min(nearest[i]!, squaredDistance(values, i, centres, g, width));
      sum += nearest[i]!;
    }
    let left = rng.uniform() * sum;
    // Rounding may leave a little at the end: then it is the last point with a weight.
    for (let i = 0; i < n; i++) {
      if (nearest[i] === 0) continue;
      chosen = i;
      left -= nearest[i]!;
      if (left < 0) break;
    }
  }
}

function lloyd(points: Points, start: Float64Array, k: number, rounds: number): KMeans {
  const { values, width } = points;
  const n = countOf(points);
  const centres = start.slice();
  const labels = new Int32Array(n).fill(-1);
  for (let round = 0; round < rounds; round++) {
    let moved = 0;
    for (let i = 0; i < n; i++) {
      const group = nearestCentre(values, i, { values: centres, width });
      if (group !== labels[i]) moved += 1;
      labels[i] = group;
    }
    moved += fillEmpty(points, centres, labels, k);
    if (moved === 0) break;
    means(points, labels, k, centres);
  }
  let inertia = 0;
  for (let i = 0; i < n; i++) inertia += squaredDistance(values, i, centres, labels[i]!, width);
  return { centres, labels, inertia };
}

/** @returns points that were moved into groups without any */
function fillEmpty({ values, width }: Points, centres: Float64Array, labels: Int32Array, k: number): number {
  const sizes = new Int32Array(k);
  for (const group of labels) sizes[group]! += 1;
  let moved = 0;
  for (let g = 0; g < k; g++) {
    if (sizes[g]! > 0) continue;
    let [farthest, most] = [-1, -1];
    for (let i = 0; i < labels.length; i++) {
      if (sizes[labels[i]!]! < 2) continue;
      const distance = squaredDistance(values, i, centres, labels[i]!, width);
      if (distance > most) [farthest, most] = [i, distance];
    }
    sizes[labels[farthest]!]! -= 1;
    sizes[g] = 1;
    labels[farthest] = g;
    centres.set(values.subarray(farthest * width, (farthest + 1) * width), g * width);
    moved += 1;
  }
  return moved;
}

function means({ values, width }: Points, labels: Int32Array, k: number, out: Float64Array): void {
  const sizes = new Int32Array(k);
  out.fill(0);
  for (let i = 0; i < labels.length; i++) {
    const group = labels[i]!;
    sizes[group]! += 1;
    for (let c = 0; c < width; c++) out[group * width + c]! += values[i * width + c]!;
  }
  for (let g = 0; g < k; g++) for (let c = 0; c < width; c++) out[g * width + c]! /= sizes[g]!;
}
