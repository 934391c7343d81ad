import { shortest } from '../decode.ts';

/** Roots up to this number are looked for: widths of heads and layers, and two and its like. */
const LARGEST_ROOT = 4096;

/**
 * The number that a single float32 constant of a formula stands for: an exporter writes 1/√32, √2 or 1e-12 rounded. The
 * float64 interpreter goes on with the number meant; written to a file again it rounds to the same float32. Found are
 * short decimals, √n, 1/√n, their roots (attention scales both sides by d^-¼), and √(2/π) of the tanh GELU.
 */
export function exactNumber(value: number): number {
  const size = Math.abs(value);
  if (isDecimal(value, 5)) return shortest(value);
  const sign = Math.sign(value);
  for (const power of [0.5, -0.5, 0.25, -0.25]) {
    const n = Math.round(size ** (1 / power));
    if (n >= 1 && n <= LARGEST_ROOT && Math.fround(n ** power) === size) return sign * n ** power;
  }
  const gelu = Math.sqrt(2 / Math.PI);
  if (Math.fround(gelu) === size) return sign * gelu;
  return isDecimal(value, 6) ? shortest(value) : value;
}

function isDecimal(value: number, digits: number): boolean {
  return Math.fround(Number(value.toPrecision(digits))) === value;
}
