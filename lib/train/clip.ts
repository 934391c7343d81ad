/** Sum of squares in float64, in index order: the same bytes give the same norm, whatever their alignment. */
export function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    sum += value * value;
  }
  return sum;
}

/**
 * Factor that brings gradients of global L2 norm `norm` down to `limit`: min(1, limit / (norm + 1e-6))
 * (Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1).
 * The 1e-6 is PyTorch's, kept so that curves can be compared.
 */
export function clipFactor(norm: number, limit: number | null): number {
  return limit === null ? 1 : Math.min(1, limit / (norm + 1e-6));
}
