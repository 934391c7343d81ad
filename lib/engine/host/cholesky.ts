/**
 * Solves A x = b by Cholesky's factorisation, A = L L'.
 * @param matrix A, size x size, row-major; only its lower triangle is read
 * @returns x, or undefined where A is not positive definite to the precision of a float64
 */
export function solvePositive(matrix: Float64Array, b: ArrayLike<number>): Float64Array | undefined {
  const size = b.length;
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) rest -= factor[i * size + k]! * factor[j * size + k]!;
      if (i !== j) factor[i * size + j] = rest / factor[j * size + j]!;
      else if (rest > 1e-15 * matrix[i * size + i]!) factor[i * size + i] = Math.sqrt(rest);
      else return undefined;
    }
  }
  const x = Float64Array.from(b);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i]! -= factor[i * size + k]! * x[k]!;
    x[i]! /= factor[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i]! -= factor[k * size + i]! * x[k]!;
    x[i]! /= factor[i * size + i]!;
  }
  return x;
}
