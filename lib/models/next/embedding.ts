import type { Rng } from '../../engine/host/index.ts';
import type { SparseRows } from './co-occurrence.ts';

/** Numbers that describe a unit. */
export const DIMENSIONS = 32;
const ITERATIONS = 6;

/**
 * Unit embeddings: an orthonormal basis of the leading right singular subspace of the matrix users x units, by
 * subspace iteration V <- orth(R'(R V)) (Halko, Martinsson, Tropp 2011, algorithm 4.4). Only products of two embeddings
 * carry meaning, and those do not depend on the basis.
 * @param values one per place of `rows.column`
 * @returns (units, DIMENSIONS); dimensions beyond the matrix's rank are zero
 */
export function embed(rows: SparseRows, values: Float64Array, units: number, rng: Rng): Float32Array {
  const { start, column } = rows;
  const d = DIMENSIONS;
  let basis = Float64Array.from(rng.uniforms(units * d, -1, 1));
  const row = new Float64Array(d);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const next = new Float64Array(units * d);
    for (let r = 0; r + 1 < start.length; r++) {
      row.fill(0);
      for (let k = start[r]!; k < start[r + 1]!; k++) {
        const value = values[k]!;
        const from = column[k]! * d;
        for (let f = 0; f < d; f++) row[f]! += value * basis[from + f]!;
      }
      for (let k = start[r]!; k < start[r + 1]!; k++) {
        const value = values[k]!;
        const to = column[k]! * d;
        for (let f = 0; f < d; f++) next[to + f]! += value * row[f]!;
      }
    }
    orthonormalise(next, units, d);
    basis = next;
  }
  return Float32Array.from(basis);
}

/**
 * Classical Gram-Schmidt over the columns of a row-major matrix, twice against rounding ("twice is enough": Giraud,
 * Langou, Rozložník 2005): every pass reads whole rows. Columns that depend on those before them become zero.
 */
function orthonormalise(matrix: Float64Array, rows: number, columns: number): void {
  const dots = new Float64Array(columns);
  for (let b = 0; b < columns; b++) {
    const before = columnNorm(matrix, rows, columns, b);
    for (let pass = 0; pass < 2 && b > 0; pass++) {
      dots.fill(0);
      for (let i = 0, at = 0; i < rows; i++, at += columns) {
        const x = matrix[at + b]!;
        for (let a = 0; a < b; a++) dots[a]! += matrix[at + a]! * x;
      }
      for (let i = 0, at = 0; i < rows; i++, at += columns) {
        let shadow = 0;
        for (let a = 0; a < b; a++) shadow += dots[a]! * matrix[at + a]!;
        matrix[at + b]! -= shadow;
      }
    }
    const after = columnNorm(matrix, rows, columns, b);
    const scale = after > 1e-9 * before ? 1 / after : 0;
    for (let i = 0; i < rows; i++) matrix[i * columns + b]! *= scale;
  }
}

function columnNorm(matrix: Float64Array, rows: number, columns: number, column: number): number {
  let squares = 0;
  for (let i = 0; i < rows; i++) squares += matrix[i * columns + column]! ** 2;
  return Math.sqrt(squares);
}
