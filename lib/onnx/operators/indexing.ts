import { type Dim, mayAgree } from '../dims.ts';
import { type InferContext, type OperatorSpec, stringAttribute } from './spec.ts';

function sameRank(node: InferContext, a: number, b: number): void {
  if (node.shape(a).length !== node.shape(b).length)
    node.fail(`inputs ${a} and ${b} must have the same rank`);
}

export const indexing = {
  Gather: {
    inputs: [2, 2],
    attributes: { axis: 'int' },
    infer: (node) => {
      node.requireInteger(1);
      const { dtype, shape } = node.input(0);
      const axis = node.axis(node.int('axis', 0), shape.length);
      return [{ dtype, shape: [...shape.slice(0, axis), ...node.shape(1), ...shape.slice(axis + 1)] }];
    },
  },
  GatherElements: {
    inputs: [2, 2],
    attributes: { axis: 'int' },
    infer: (node) => {
      node.requireInteger(1);
      sameRank(node, 0, 1);
      node.axis(node.int('axis', 0), node.shape(0).length);
      return [{ dtype: node.input(0).dtype, shape: node.shape(1) }];
    },
  },
  ScatterElements: {
    inputs: [3, 3],
    attributes: { axis: 'int', reduction: 'string' },
    infer: (node) => {
      node.requireInteger(1);
      node.requireSameType(0, 2);
      sameRank(node, 0, 1);
      const reduction = stringAttribute(node.attributes, 'reduction', 'none');
      if (reduction !== 'none' && reduction !== 'add')
        node.fail(`reduction must be none or add, not ${reduction}`);
      node.axis(node.int('axis', 0), node.shape(0).length);
      const indices = node.shape(1);
      const updates = node.shape(2);
      if (indices.length !== updates.length || indices.some((dim, i) => !mayAgree(dim, updates[i]!))) {
        node.fail('indices and updates must have the same shape');
      }
      return [node.input(0)];
    },
  },
  /** Indices, depth, [off, on] -> one more axis of size depth. */
  OneHot: {
    inputs: [3, 3],
    attributes: { axis: 'int' },
    infer: (node) => {
      const depth = node.constant(1, 'depth')?.[0] ?? node.fail('depth is missing');
      const shape: Dim[] = [...node.shape(0)];
      const axis = node.axis(node.int('axis', -1), shape.length + 1);
      shape.splice(axis, 0, depth);
      return [{ dtype: node.input(2).dtype, shape }];
    },
  },
} satisfies Record<string, OperatorSpec>;
