import { broadcastShapes, type Dim } from '../dims.ts';
import { type DType, isFloat } from '../tensor.ts';
import type { TensorType } from '../tensor-type.ts';
import { type InferContext, type OperatorSpec, stringAttribute } from './spec.ts';

/** The broadcast of the given inputs' shapes. */
function broadcastInputs(node: InferContext, indices: readonly number[]): Dim[] {
  let shape: Dim[] = [];
  for (const i of indices) {
    try {
      shape = broadcastShapes(shape, node.shape(i));
    } catch {
      node.fail('the shapes do not broadcast');
    }
  }
  return shape;
}

function all(node: InferContext): number[] {
  return node.inputs.map((_, i) => i);
}

function same(node: InferContext): TensorType[] {
  return [node.input(0)];
}

/** Float in, the same float and shape out. */
const unaryFloat: OperatorSpec = {
  inputs: [1, 1],
  infer: (node) => {
    node.requireFloat(0);
    return same(node);
  },
};

/** Any number in, the same out. */
const unary: OperatorSpec = {
  inputs: [1, 1],
  infer: (node) => {
    if (node.input(0).dtype === 'bool') node.fail('bool is no number; Cast it first');
    return same(node);
  },
};

function broadcasting(count: readonly [number, number], output?: DType): OperatorSpec {
  return {
    inputs: count,
    infer: (node) => {
      const dtype = node.requireSameType(...all(node));
      if (output === undefined && dtype === 'bool') node.fail('bool is no number; Cast it first');
      return [{ dtype: output ?? dtype, shape: broadcastInputs(node, all(node)) }];
    },
  };
}

const arithmetic = broadcasting([2, 2]);
const equality = broadcasting([2, 2], 'bool');

const ordering: OperatorSpec = {
  inputs: [2, 2],
  infer: (node) => {
    if (node.requireSameType(0, 1) === 'bool') node.fail('bool has no order; use And, Or and Not');
    return [{ dtype: 'bool', shape: broadcastInputs(node, [0, 1]) }];
  },
};

const logical: OperatorSpec = {
  inputs: [2, 2],
  infer: (node) => {
    if (node.requireSameType(0, 1) !== 'bool') node.fail('inputs must be bool');
    return [{ dtype: 'bool', shape: broadcastInputs(node, [0, 1]) }];
  },
};

export const elementwise = {
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Pow: {
    inputs: [2, 2],
    infer: (node) => [{ dtype: node.input(0).dtype, shape: broadcastInputs(node, [0, 1]) }],
  },
  Max: broadcasting([1, 64]),
  Min: broadcasting([1, 64]),
  Sum: broadcasting([1, 64]),
  Equal: equality,
  Less: ordering,
  LessOrEqual: ordering,
  Greater: ordering,
  GreaterOrEqual: ordering,
  And: logical,
  Or: logical,
  Xor: logical,
  Not: {
    inputs: [1, 1],
    infer: (node) => {
      if (node.input(0).dtype !== 'bool') node.fail('input must be bool');
      return same(node);
    },
  },
  Neg: unary,
  Abs: unary,
  Sign: unary,
  Relu: unary,
  Sqrt: unaryFloat,
  Reciprocal: unaryFloat,
  Exp: unaryFloat,
  Log: unaryFloat,
  Erf: unaryFloat,
  Tanh: unaryFloat,
  Sigmoid: unaryFloat,
  Softplus: unaryFloat,
  Sin: unaryFloat,
  Cos: unaryFloat,
  Floor: unaryFloat,
  Ceil: unaryFloat,
  /** Halves go to the even neighbour. */
  Round: unaryFloat,
  /** The remainder, with the divisor's sign (fmod 0, integers only) or the dividend's (fmod 1). */
  Mod: {
    inputs: [2, 2],
    attributes: { fmod: 'int' },
    infer: (node) => {
      const dtype = node.requireSameType(0, 1);
      if (isFloat(dtype) && node.int('fmod', 0) === 0) node.fail('floats need fmod = 1');
      return [{ dtype, shape: broadcastInputs(node, [0, 1]) }];
    },
  },
  Gelu: {
    inputs: [1, 1],
    attributes: { approximate: 'string' },
    infer: (node) => {
      node.requireFloat(0);
      const kind = stringAttribute(node.attributes, 'approximate', 'none');
      if (kind !== 'none' && kind !== 'tanh') node.fail(`approximate must be none or tanh, not ${kind}`);
      return same(node);
    },
  },
  IsNaN: {
    inputs: [1, 1],
    infer: (node) => {
      node.requireFloat(0);
      return [{ dtype: 'bool', shape: node.shape(0) }];
    },
  },
  IsInf: {
    inputs: [1, 1],
    attributes: { detect_negative: 'int', detect_positive: 'int' },
    infer: (node) => {
      node.requireFloat(0);
      return [{ dtype: 'bool', shape: node.shape(0) }];
    },
  },
  Clip: {
    inputs: [1, 3],
    infer: (node) => {
      for (const i of [1, 2]) {
        if (node.inputs[i] && node.shape(i).length > 0) node.fail('the bounds must be scalars');
      }
      return same(node);
    },
  },
  Where: {
    inputs: [3, 3],
    infer: (node) => {
      if (node.input(0).dtype !== 'bool') node.fail('the condition must be bool');
      const dtype = node.requireSameType(1, 2);
      if (dtype === 'bool') node.fail('the runtime has no choice between bool values; use And, Or and Not');
      return [{ dtype, shape: broadcastInputs(node, [0, 1, 2]) }];
    },
  },
  Identity: { inputs: [1, 1], infer: same },
  Cast: {
    inputs: [1, 1],
    attributes: { to: 'dtype' },
    infer: (node) => [{ dtype: stringAttribute(node.attributes, 'to', '') as DType, shape: node.shape(0) }],
  },
} satisfies Record<string, OperatorSpec>;
