import type { Graph, Initializer } from '../onnx/index.ts';

/**
 * The graph with single float32 constants as the numbers that they were rounded from: 1.4142135 stands for √2, 0.42044821
 * for the fourth root of 1/32 (the scale of heads 32 wide, half on each side), 9.99999996e-13 for 1e-12. A file holds what
 * its exporter rounded; a float64 run of the model never rounded it, and without this agrees with it to 8 digits only.
 */
export function withExactConstants(graph: Graph): Graph {
  const initializers = graph.initializers.map((constant): Initializer => {
    if (constant.dtype !== 'float32' || constant.data.length !== 1) return constant;
    return { ...constant, data: Float64Array.of(exactValue(Number(constant.data[0]))) };
  });
  return { ...graph, initializers };
}

/** Largest number whose roots are looked for: heads, widths and lengths are below. */
const LARGEST = 16_384;

/** The only short decimal, root or reciprocal root that rounds to this float32, or the value itself. */
export function exactValue(rounded: number): number {
  const isRounded = (candidate: number): boolean => Math.fround(candidate) === rounded;
  const decimal = Number(rounded.toPrecision(6));
  if (isRounded(decimal)) return decimal;
  const size = Math.abs(rounded);
  for (const exponent of [1 / 2, -1 / 2, 1 / 4, -1 / 4]) {
    const base = Math.round(size ** (1 / exponent));
    if (base < 1 || base > LARGEST) continue;
    const root = Math.sign(rounded) * base ** exponent;
    if (isRounded(root)) return root;
  }
  const tanhGelu = Math.sqrt(2 / Math.PI);
  return isRounded(tanhGelu) ? tanhGelu : rounded;
}
