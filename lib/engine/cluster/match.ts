import { ClusterError } from './errors.ts';
import { checkPoints, countOf, type Points, squaredDistance } from './points.ts';

/**
 * Pairs centres with those of an earlier grouping so that the sum of the distances within pairs is least: the assignment
 * problem, solved exactly by the Hungarian method. Where one side has more, some of it stay alone.
 * @param within pairs that are further apart are none; default: any distance
 * @returns for each centre the number of the former one, or -1
 * @throws ClusterError when the two are not of one width
 */
export function matchCentres(centres: Points, former: Points, within = Number.POSITIVE_INFINITY): Int32Array {
  checkPoints(centres);
  checkPoints(former);
  const { width } = centres;
  if (former.width !== width) {
    throw new ClusterError(
      `centres of ${width} and of ${former.width} coordinates were given; one width is expected`,
    );
  }
  const distance = (i: number, j: number) =>
    Math.sqrt(squaredDistance(centres.values, i, former.values, j, width));
  const pairs = assign(
    Array.from({ length: countOf(centres) }, (_, i) =>
      Array.from({ length: countOf(former) }, (_, j) => distance(i, j)),
    ),
  );
  return pairs.map((j, i) => (j >= 0 && distance(i, j) <= within ? j : -1));
}

/**
 * The assignment of rows to columns, each at most once, with the least sum of costs: the Hungarian method (Kuhn 1955;
 * Munkres 1957) by shortest augmenting paths over row and column potentials (Jonker & Volgenant 1987).
 * @param costs finite, by row; rows of one length
 * @returns for each row its column, or -1 where there are more rows than columns
 */
export function assign(costs: readonly (readonly number[])[]): Int32Array {
  const rows = costs.length;
  const columns = costs[0]?.length ?? 0;
  const columnOf = new Int32Array(rows).fill(-1);
  if (rows > columns) {
    const transposed = Array.from({ length: columns }, (_, j) => costs.map((row) => row[j]!));
    assign(transposed).forEach((row, column) => {
      columnOf[row] = column;
    });
    return columnOf;
  }
  // Place 0 stands for none.
  const ofRow = new Float64Array(rows + 1);
  const ofColumn = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  const before = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    const least = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
    const done = new Uint8Array(columns + 1);
    rowOf[0] = row;
    let column = 0;
    do {
      done[column] = 1;
      const from = rowOf[column]!;
      let [step, next] = [Number.POSITIVE_INFINITY, 0];
      for (let j = 1; j <= columns; j++) {
        if (done[j]) continue;
        const reduced = costs[from - 1]![j - 1]! - ofRow[from]! - ofColumn[j]!;
        if (reduced < least[j]!) {
          least[j] = reduced;
          before[j] = column;
        }
        if (least[j]! < step) [step, next] = [least[j]!, j];
      }
      for (let j = 0; j <= columns; j++) {
        if (done[j]) {
          ofRow[rowOf[j]!]! += step;
          ofColumn[j]! -= step;
        } else least[j]! -= step;
      }
      column = next;
    } while (rowOf[column] !== 0);
    for (; column !== 0; column = before[column]!) rowOf[column] = rowOf[before[column]!]!;
  }
  for (let j = 1; j <= columns; j++) if (rowOf[j]! > 0) columnOf[rowOf[j]! - 1] = j - 1;
  return columnOf;
}
