import type { Shape } from '../dims.ts';
import { broadcastShapes, type Dim } from '../dims.ts';
import type { InferContext, OperatorSpec } from './spec.ts';

function productShape(node: InferContext, a: Shape, b: Shape): Dim[] {
  if (a.length < 2 || b.length < 2) node.fail('both inputs need two axes or more');
  const [inner, other] = [a.at(-1)!, b.at(-2)!];
  if (typeof inner === typeof other && inner !== other) node.fail(`inner sizes ${inner} and ${other} differ`);
  return [...broadcastShapes(a.slice(0, -2), b.slice(0, -2)), a.at(-2)!, b.at(-1)!];
}

/** Operators of quantised models: for scoring, they have no gradient. */
export const quantised = {
  /** x -> its values as 8 bits, their scale and zero point, which fit the range of this very x. */
  DynamicQuantizeLinear: {
    inputs: [1, 1],
    infer: (node) => {
      node.requireFloat(0);
      return [
        { dtype: 'uint8', shape: node.shape(0) },
        { dtype: 'float32', shape: [] },
        { dtype: 'uint8', shape: [] },
      ];
    },
  },
  /** (A - its zero point) @ (B - its zero point) in whole numbers. */
  MatMulInteger: {
    inputs: [2, 4],
    infer: (node) => {
      for (const i of [0, 1]) {
        if (node.input(i).dtype !== 'uint8') node.fail(`input ${i} must be a uint8 tensor`);
      }
      return [{ dtype: 'int32', shape: productShape(node, node.shape(0), node.shape(1)) }];
    },
  },
} satisfies Record<string, OperatorSpec>;
