import { type Dim, mayAgree } from '../dims.ts';
import { type InferContext, intAttribute, type OperatorSpec } from './spec.ts';

/** The reduced axes: input 1, or all when it is absent. */
function reducedAxes(node: InferContext): number[] {
  const rank = node.shape(0).length;
  const axes = node.constant(1, 'axes');
  if (axes === undefined || axes.length === 0) {
    return node.int('noop_with_empty_axes', 0) ? [] : Array.from({ length: rank }, (_, i) => i);
  }
  return axes.map((axis) => node.axis(axis, rank));
}

const reduction: OperatorSpec = {
  inputs: [1, 2],
  attributes: { keepdims: 'int', noop_with_empty_axes: 'int' },
  infer: (node) => {
    const axes = new Set(reducedAxes(node));
    const keep = node.int('keepdims', 1) === 1;
    const { dtype, shape } = node.input(0);
    const out: Dim[] = [];
    shape.forEach((dim, i) => {
      if (!axes.has(i)) out.push(dim);
      else if (keep) out.push(1);
    });
    return [{ dtype, shape: out }];
  },
};

const alongAxis: OperatorSpec = {
  inputs: [1, 1],
  attributes: { axis: 'int' },
  infer: (node) => {
    node.requireFloat(0);
    node.axis(node.int('axis', -1), node.shape(0).length);
    return [node.input(0)];
  },
};

export const reductions = {
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  /** √ Σ x². */
  ReduceL2: reduction,
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  CumSum: {
    inputs: [2, 2],
    attributes: { exclusive: 'int', reverse: 'int' },
    infer: (node) => {
      node.axis(node.constant(1, 'axis')?.[0] ?? 0, node.shape(0).length);
      return [node.input(0)];
    },
  },
  ArgMax: {
    inputs: [1, 1],
    attributes: { axis: 'int', keepdims: 'int', select_last_index: 'int' },
    infer: (node) => {
      const shape = [...node.shape(0)];
      const axis = node.axis(intAttribute(node.attributes, 'axis', 0), shape.length);
      if (node.int('keepdims', 1)) shape[axis] = 1;
      else shape.splice(axis, 1);
      return [{ dtype: 'int64', shape }];
    },
  },
  TopK: {
    inputs: [2, 2],
    attributes: { axis: 'int', largest: 'int', sorted: 'int' },
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const axis = node.axis(node.int('axis', -1), shape.length);
      const k = node.constant(1, 'k')?.[0] ?? 1;
      const size = shape[axis]!;
      if (k < 1 || (typeof size === 'number' && k > size))
        node.fail(`k is ${k}, but axis ${axis} has ${size} elements`);
      const out = shape.map((dim, i) => (i === axis ? k : dim));
      return [
        { dtype, shape: out },
        { dtype: 'int64', shape: out },
      ];
    },
  },
  /** Outputs: the result, and the mean and inverse deviation that the gradient uses again. */
  LayerNormalization: {
    inputs: [2, 3],
    attributes: { axis: 'int', epsilon: 'float', stash_type: 'int' },
    infer: (node) => {
      node.requireFloat(0, 1);
      const { dtype, shape } = node.input(0);
      const axis = node.axis(node.int('axis', -1), shape.length);
      const normalised = shape.slice(axis);
      for (const i of [1, 2]) {
        const given = node.inputs[i]?.shape;
        if (
          given &&
          (given.length !== normalised.length || given.some((dim, d) => !mayAgree(dim, normalised[d]!)))
        ) {
          node.fail(`scale and bias must have the shape [${normalised.join(', ')}]`);
        }
      }
      const statistics = shape.map((dim, i) => (i < axis ? dim : 1));
      return [
        { dtype, shape },
        { dtype: 'float32', shape: statistics },
        { dtype: 'float32', shape: statistics },
      ];
    },
  },
} satisfies Record<string, OperatorSpec>;
