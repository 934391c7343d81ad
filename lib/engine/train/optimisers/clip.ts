import { kernelsOf } from '../../host/index.ts';

/**
 * Sum of squares in float64: four sums by position modulo four, then what is left over. The same bytes give the same norm,
 * wherever they lie.
 */
export function sumOfSquares(values: Float32Array): number {
  const whole = values.length - (values.length % 4);
  let sum = kernelsOf(values)?.sumOfSquares(values.byteOffset, whole) ?? sumOfFours(values, whole);
  for (let i = whole; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

function sumOfFours(values: Float32Array, count: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < count; i += 4) {
    a += values[i]! * values[i]!;
    b += values[i + 1]! * values[i + 1]!;
    c += values[i + 2]! * values[i + 2]!;
    d += values[i + 3]! * values[i + 3]!;
  }
  return a + b + (c + d);
}

/**
 * Factor that brings gradients of global L2 norm `norm` down to `limit`: min(1, limit / (norm + 1e-6))
 * (Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1).
 * The 1e-6 is PyTorch's, kept so that curves can be compared.
 */
export function clipFactor(norm: number, limit: number | null): number {
  return limit === null ? 1 : Math.min(1, limit / (norm + 1e-6));
}
