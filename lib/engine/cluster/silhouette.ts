import { ClusterError } from './errors.ts';
import { checkPoints, countOf, type Points, squaredDistance } from './points.ts';

/**
 * The mean silhouette of grouped points (Rousseeuw 1987, "Silhouettes: a graphical aid to the interpretation and validation
 * of cluster analysis", section 2), by Euclidean distance: (b - a) / max(a, b), where a is a point's mean distance to the
 * others of its group and b the least mean distance to another group. A point that is alone in its group counts 0. The time
 * grows with the square of the points: take a sample of many.
 * @param labels group of each point, from 0
 * @returns between -1 and 1, higher where groups are further apart
 * @throws ClusterError unless each point has a label and there are two groups at least
 */
export function silhouette(points: Points, labels: Int32Array): number {
  checkPoints(points);
  const { values, width } = points;
  const n = countOf(points);
  if (labels.length !== n || labels.some((label) => label < 0)) {
    throw new ClusterError(
      `${labels.length} labels were given for ${n} points; one each, from 0, is expected`,
    );
  }
  const sizes: number[] = [];
  for (const label of labels) sizes[label] = (sizes[label] ?? 0) + 1;
  const groups = [...sizes.keys()].filter((group) => sizes[group]);
  if (groups.length < 2)
    throw new ClusterError('a silhouette needs two groups at least; all points are of one');
  const sums = new Float64Array(sizes.length);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const own = labels[i]!;
    if (sizes[own] === 1) continue;
    sums.fill(0);
    for (let j = 0; j < n; j++) sums[labels[j]!]! += Math.sqrt(squaredDistance(values, i, values, j, width));
    const within = sums[own]! / (sizes[own]! - 1);
    let between = Number.POSITIVE_INFINITY;
    for (const group of groups) {
      if (group !== own) between = Math.min(between, sums[group]! / sizes[group]!);
    }
    const larger = Math.max(within, between);
    if (larger > 0) total += (between - within) / larger;
  }
  return total / n;
}
