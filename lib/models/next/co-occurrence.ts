import { Best } from './best.ts';

/** Rows of column numbers: row r holds `column[start[r] … start[r + 1])`, each column once. */
export interface SparseRows {
  readonly start: Int32Array;
  readonly column: Int32Array;
}

/** For each unit its neighbours, best first: unit i has those in [start[i], start[i + 1]). */
export interface Neighbours {
  readonly start: Int32Array;
  readonly unit: Int32Array;
  readonly similarity: Float32Array;
}

export const noNeighbours = (units: number): Neighbours => ({
  start: new Int32Array(units + 1),
  unit: new Int32Array(0),
  similarity: new Float32Array(0),
});

/**
 * Item-to-item similarity by co-occurrence: cosine with shrinkage, C_ij / (sqrt(C_ii C_jj) + shrink) for C = X' W X
 * (Sarwar et al. 2001, section 3.1; shrinkage: Bell and Koren 2007). Row by row as Gustavson 1978 multiplies sparse
 * matrices, so memory is that of the rows and of the neighbours kept.
 * @param weights of the rows; 1 each by default
 * @param top neighbours kept of each unit
 */
export function neighbours(
  rows: SparseRows,
  units: number,
  options: { readonly weights?: Float64Array; readonly shrink: number; readonly top: number },
): Neighbours {
  const { weights, shrink, top } = options;
  const { start: rowStart, column } = rows;
  const { start: unitStart, row: rowsOf } = transpose(rows, units);
  const diagonal = new Float64Array(units);
  for (let i = 0; i < units; i++) {
    for (let at = unitStart[i]!; at < unitStart[i + 1]!; at++)
      diagonal[i]! += weights ? weights[rowsOf[at]!]! : 1;
  }
  const sums = new Float64Array(units);
  const touched = new Int32Array(units);
  const best = new Best(top);
  const start = new Int32Array(units + 1);
  // Most units of a large catalogue have few neighbours: room is made as they come.
  let unit = new Int32Array(1024);
  let similarity = new Float32Array(1024);
  let kept = 0;
  for (let i = 0; i < units; i++) {
    let count = 0;
    for (let at = unitStart[i]!; at < unitStart[i + 1]!; at++) {
      const row = rowsOf[at]!;
      const weight = weights ? weights[row]! : 1;
      const end = rowStart[row + 1]!;
      for (let k = rowStart[row]!; k < end; k++) {
        const j = column[k]!;
        if (sums[j] === 0) touched[count++] = j;
        sums[j]! += weight;
      }
    }
    const own = Math.sqrt(diagonal[i]!);
    for (let k = 0; k < count; k++) {
      const j = touched[k]!;
      sums[j] = sums[j]! / (own * Math.sqrt(diagonal[j]!) + shrink);
      if (j !== i) best.offer(j, sums[j]!);
    }
    if (kept + top > unit.length) {
      const room = 2 * (kept + top);
      unit = withRoom(unit, new Int32Array(room));
      similarity = withRoom(similarity, new Float32Array(room));
    }
    for (const j of best.take()) {
      unit[kept] = j;
      similarity[kept++] = sums[j]!;
    }
    for (let k = 0; k < count; k++) sums[touched[k]!] = 0;
    start[i + 1] = kept;
  }
  return { start, unit: unit.slice(0, kept), similarity: similarity.slice(0, kept) };
}

/** Calls back for each neighbour of a unit, best first. */
export function eachNeighbour(
  { start, unit, similarity }: Neighbours,
  of: number,
  on: (neighbour: number, similarity: number) => void,
): void {
  for (let k = start[of]!; k < start[of + 1]!; k++) on(unit[k]!, similarity[k]!);
}

function withRoom<A extends Int32Array | Float32Array>(from: A, into: A): A {
  into.set(from);
  return into;
}

/** The rows of each column, ascending. */
function transpose({ start, column }: SparseRows, columns: number): { start: Int32Array; row: Int32Array } {
  const ends = new Int32Array(columns + 1);
  for (const j of column) ends[j + 1]!++;
  for (let j = 0; j < columns; j++) ends[j + 1]! += ends[j]!;
  const next = ends.slice(0, columns);
  const row = new Int32Array(column.length);
  for (let r = 0; r + 1 < start.length; r++) {
    for (let k = start[r]!; k < start[r + 1]!; k++) row[next[column[k]!]!++] = r;
  }
  return { start: ends, row };
}
