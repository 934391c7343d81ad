import { type GraphBuilder, multiplyDims, staticShape, type Value } from '../onnx/index.ts';

/** Below this many rows or columns a sum is too small for its form to matter. */
const LEAST = 16;

/**
 * The sum over the first axes of a value. Over many rows it is written as a product by a row of ones: the runtime's
 * products take half the time of its sums, and a bias has such a sum in every step.
 */
export function sumLeading(g: GraphBuilder, x: Value, axes: number): Value {
  const kept = staticShape(x.shape.slice(axes));
  const rows = multiplyDims(x.shape.slice(0, axes));
  const columns = kept ? multiplyDims(kept) : 0;
  if (!kept || typeof rows !== 'number' || typeof columns !== 'number' || rows < LEAST || columns < LEAST) {
    return g.reduceSum(
      x,
      Array.from({ length: axes }, (_, i) => i),
    );
  }
  const ones = g.op('ConstantOfShape', [g.ints([1, rows])], { value: 1, dtype: x.dtype });
  return g.reshape(g.matmul(ones, g.reshape(x, [rows, columns])), kept);
}
