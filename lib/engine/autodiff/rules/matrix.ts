import { type GraphBuilder, intAttribute, type Value } from '../../onnx/index.ts';
import type { InputGradient, RuleTable } from '../rule.ts';

interface Product {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

const plain: Product = { transA: false, transB: false, alpha: 1 };

/**
 * Y = α op(A) op(B), both of two axes or more.
 * dA = α dY op(B)ᵀ (transposed: α op(B) dYᵀ), dB = α op(A)ᵀ dY (transposed: α dYᵀ op(A)).
 */
function productGradients(g: GraphBuilder, a: Value, b: Value, dy: Value, kind: Product): InputGradient[] {
  const { transA, transB, alpha } = kind;
  return [
    () =>
      transA
        ? g.matmulT(b, dy, { transA: transB, transB: true, alpha })
        : g.matmulT(dy, b, { transB: !transB, alpha }),
    () => {
      // One weight for all leading axes: a single product over the flattened rows instead of a sum of many.
      const shared = b.shape.length === 2 && a.shape.length > 2 && !transA;
      const left = shared ? g.reshape(a, [-1, a.shape.at(-1)!]) : a;
      const slope = shared ? g.reshape(dy, [-1, dy.shape.at(-1)!]) : dy;
      return transB
        ? g.matmulT(slope, left, { transA: true, transB: transA, alpha })
        : g.matmulT(left, slope, { transA: !transA, alpha });
    },
  ];
}

export const matrixRules = {
  // Y = A B; a vector is a row (left) or a column (right) for the time of the product.
  MatMul: ({ g, x, dy }) => {
    const [a, b] = [x[0]!, x[1]!];
    const row = a.shape.length === 1;
    const column = b.shape.length === 1;
    const left = row ? g.unsqueeze(a, [0]) : a;
    const right = column ? g.unsqueeze(b, [1]) : b;
    const withColumn = column ? g.unsqueeze(dy, [-1]) : dy;
    const slope = row ? g.unsqueeze(withColumn, [-2]) : withColumn;
    const [da, db] = productGradients(g, left, right, slope, plain);
    return [() => (row ? g.squeeze(da!(), [-2]) : da!()), () => (column ? g.squeeze(db!(), [-1]) : db!())];
  },
  FusedMatMul: ({ g, x, dy, attributes }) => productGradients(g, x[0]!, x[1]!, dy, productOf(attributes)),
  // Y = α op(A) op(B) + β C: dC = β dY
  Gemm: ({ g, x, dy, attributes }) => {
    const beta = intAttribute(attributes, 'beta', 1);
    return [
      ...productGradients(g, x[0]!, x[1]!, dy, productOf(attributes)),
      () => (beta === 1 ? dy : g.mul(dy, beta)),
    ];
  },
} satisfies RuleTable;

function productOf(attributes: Parameters<typeof intAttribute>[0]): Product {
  return {
    transA: intAttribute(attributes, 'transA', 0) === 1,
    transB: intAttribute(attributes, 'transB', 0) === 1,
    alpha: intAttribute(attributes, 'alpha', 1),
  };
}
