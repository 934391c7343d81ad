import { type Dim, mayAgree } from '../dims.ts';
import { unknownDims } from './movement.ts';
import { type InferContext, type OperatorSpec, stringAttribute } from './spec.ts';

function sameRank(node: InferContext, a: number, b: number): void {
  if (node.shape(a).length !== node.shape(b).length)
    node.fail(`inputs ${a} and ${b} must have the same rank`);
}

/** How many axes the last axis of an indices input names: at least one, at most those there are. */
function indexDepth(node: InferContext, input: number, most: number): number {
  node.requireInteger(input);
  const depth = node.shape(input).at(-1);
  if (typeof depth !== 'number' || depth < 1 || depth > most)
    return node.fail(`the last axis of the indices must name 1 to ${most} axes, not ${depth}`);
  return depth;
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
  /** data (…batch, …indexed, …inner), indices (…batch, …, k) -> (…batch, …, …inner): the last axis names an element. */
  GatherND: {
    inputs: [2, 2],
    attributes: { batch_dims: 'int' },
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const batch = node.int('batch_dims', 0);
      const depth = indexDepth(node, 1, shape.length - batch);
      return [{ dtype, shape: [...node.shape(1).slice(0, -1), ...shape.slice(batch + depth)] }];
    },
  },
  /** data with the slices that indices name put, or added, as updates. */
  ScatterND: {
    inputs: [3, 3],
    attributes: { reduction: 'string' },
    infer: (node) => {
      const reduction = stringAttribute(node.attributes, 'reduction', 'none');
      if (reduction !== 'none' && reduction !== 'add')
        node.fail(`reduction must be none or add, not ${reduction}`);
      node.requireSameType(0, 2);
      const depth = indexDepth(node, 1, node.shape(0).length);
      const expected = [...node.shape(1).slice(0, -1), ...node.shape(0).slice(depth)];
      const updates = node.shape(2);
      if (updates.length !== expected.length || expected.some((dim, i) => !mayAgree(dim, updates[i]!)))
        node.fail(`updates must have the shape [${expected.join(', ')}]`);
      return [node.input(0)];
    },
  },
  /** Positions of the elements that are not zero: (rank, how many). */
  NonZero: {
    inputs: [1, 1],
    infer: (node) => [{ dtype: 'int64', shape: [node.shape(0).length, unknownDims(node, 1)[0]!] }],
  },
  /** Indices, depth, [off, on] -> one more axis of size depth. */
  OneHot: {
    inputs: [3, 3],
    attributes: { axis: 'int' },
    infer: (node) => {
      const depth = node.known(1)?.[0] ?? unknownDims(node, 1)[0]!;
      const shape: Dim[] = [...node.shape(0)];
      const axis = node.axis(node.int('axis', -1), shape.length + 1);
      shape.splice(axis, 0, depth);
      return [{ dtype: node.input(2).dtype, shape }];
    },
  },
} satisfies Record<string, OperatorSpec>;
