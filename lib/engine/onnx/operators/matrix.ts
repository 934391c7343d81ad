import { broadcastShapes, type Dim, mayAgree, type Shape } from '../dims.ts';
import type { TensorType } from '../tensor-type.ts';
import type { InferContext, OperatorSpec } from './spec.ts';

function swapLast(shape: Shape): Dim[] {
  const out = [...shape];
  out.push(...out.splice(-2).reverse());
  return out;
}

/** The type of a @ b by numpy's rule: rank 1 counts as a row (left) or column (right), leading axes broadcast. */
function matmulType(node: InferContext, a: Shape, b: Shape): TensorType {
  node.requireFloat(0, 1);
  const dtype = node.requireSameType(0, 1);
  if (a.length === 0 || b.length === 0) node.fail('a scalar has no matrix product; use Mul');
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const inner = left[left.length - 1]!;
  const otherInner = right[right.length - 2]!;
  if (!mayAgree(inner, otherInner)) node.fail(`inner sizes ${inner} and ${otherInner} differ`);
  let shape: Dim[] = [];
  try {
    shape = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
  } catch {
    node.fail('the leading axes do not broadcast');
  }
  if (a.length > 1) shape.push(left[left.length - 2]!);
  if (b.length > 1) shape.push(right[right.length - 1]!);
  return { dtype, shape };
}

export const matrix = {
  MatMul: { inputs: [2, 2], infer: (node) => [matmulType(node, node.shape(0), node.shape(1))] },
  /** MatMul with either input's last two axes swapped first, times alpha. */
  FusedMatMul: {
    domain: 'com.microsoft',
    inputs: [2, 2],
    attributes: { transA: 'int', transB: 'int', alpha: 'float' },
    infer: (node) => {
      const a = node.shape(0);
      const b = node.shape(1);
      if (a.length < 2 || b.length < 2) node.fail('inputs must have at least two axes');
      return [
        matmulType(node, node.int('transA', 0) ? swapLast(a) : a, node.int('transB', 0) ? swapLast(b) : b),
      ];
    },
  },
  Gemm: {
    inputs: [2, 3],
    attributes: { transA: 'int', transB: 'int', alpha: 'float', beta: 'float' },
    infer: (node) => {
      const a = node.shape(0);
      const b = node.shape(1);
      if (a.length !== 2 || b.length !== 2) node.fail('inputs must be matrices');
      const type = matmulType(
        node,
        node.int('transA', 0) ? swapLast(a) : a,
        node.int('transB', 0) ? swapLast(b) : b,
      );
      if (node.inputs[2]) {
        let whole: Dim[] = [];
        try {
          whole = broadcastShapes(type.shape, node.shape(2));
        } catch {
          node.fail('the addend does not broadcast to the product');
        }
        if (whole.length !== 2 || whole.some((dim, i) => !mayAgree(dim, type.shape[i]!))) {
          node.fail('the addend must not be larger than the product');
        }
      }
      return [type];
    },
  },
} satisfies Record<string, OperatorSpec>;
