import {
  betterKnown,
  broadcastShapes,
  type Dim,
  divideDims,
  formatShape,
  mayAgree,
  multiplyDims,
  type Shape,
} from '../dims.ts';
import type { DType } from '../tensor.ts';
import { type InferContext, listAttribute, type OperatorSpec, stringAttribute } from './spec.ts';

/** A size that is only known when the graph runs, named after the node that makes it. */
export function unknownDims(node: InferContext, count: number): Dim[] {
  return Array.from({ length: count }, (_, i) => `${node.label.split(' ')[0]}.${i}`);
}

/** The elements of a shape input; when they are unknown, symbolic sizes if at least their count is known. */
function targetShape(node: InferContext, index: number): readonly Dim[] {
  const known = node.known(index);
  if (known) return known;
  const count = node.shape(index)[0];
  if (typeof count === 'number') return unknownDims(node, count);
  return node.fail(`the rank of the result is unknown; input ${index} must have a known length`);
}

function reshaped(node: InferContext, from: Shape, target: readonly Dim[]): Dim[] {
  const allowZero = node.int('allowzero', 0) === 1;
  const out = target.map((dim, i) =>
    dim === 0 && !allowZero ? (from[i] ?? node.fail(`no axis ${i} to copy`)) : dim,
  );
  const open = out.indexOf(-1);
  const total = multiplyDims(from);
  if (open >= 0) {
    const rest = multiplyDims(out.filter((_, i) => i !== open));
    const size = divideDims(total, rest);
    if (size === undefined && typeof total === 'number' && typeof rest === 'number') {
      node.fail(`${total} elements do not fill ${formatShape(target)}`);
    }
    out[open] = size ?? `${total}/${rest}`;
  } else {
    const count = multiplyDims(out);
    if (typeof total === 'number' && typeof count === 'number' && total !== count) {
      node.fail(`${total} elements do not fill ${formatShape(target)}`);
    }
  }
  return out;
}

/** One axis of Slice: how many elements remain, and from where. Starts and ends saturate as in ONNX. */
export function sliceRange(
  size: number,
  start: number,
  end: number,
  step: number,
): { from: number; count: number } {
  const clamp = (x: number, low: number, high: number): number =>
    Math.min(Math.max(x < 0 ? x + size : x, low), high);
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  return { from, count: Math.max(0, Math.ceil((to - from) / step)) };
}

/** An axis after Slice; what a size of a name leaves is known only in simple cases. */
function slicedSize(node: InferContext, axis: number, start: Dim, end: Dim, step: number): Dim {
  const size = node.shape(0)[axis]!;
  if (step === 0) node.fail('a step of 0 never ends');
  const all = start === 0 && step === 1;
  if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number')
    return sliceRange(size, start, end, step).count;
  if (all && (end === size || (typeof end === 'number' && end >= 2 ** 31 - 1))) return size;
  // The first `sequence` of a table's 512 positions: exporters never ask for more than there are.
  if (all && typeof end === 'string') return end;
  return unknownDims(node, axis + 1)[axis]!;
}

export const movement = {
  Shape: {
    inputs: [1, 1],
    attributes: { start: 'int', end: 'int' },
    infer: (node) => {
      const rank = node.shape(0).length;
      const { count } = sliceRange(rank, node.int('start', 0), node.int('end', rank), 1);
      return [{ dtype: 'int64', shape: [count] }];
    },
  },
  Size: { inputs: [1, 1], infer: () => [{ dtype: 'int64', shape: [] }] },
  Reshape: {
    inputs: [2, 2],
    attributes: { allowzero: 'int' },
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      return [{ dtype, shape: reshaped(node, shape, targetShape(node, 1)) }];
    },
  },
  /** Two axes: the product of those before `axis`, and the product of the rest. */
  Flatten: {
    inputs: [1, 1],
    attributes: { axis: 'int' },
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const given = node.int('axis', 1);
      const axis = given === shape.length ? given : node.axis(given, shape.length);
      return [{ dtype, shape: [multiplyDims(shape.slice(0, axis)), multiplyDims(shape.slice(axis))] }];
    },
  },
  Expand: {
    inputs: [2, 2],
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const target = targetShape(node, 1);
      try {
        return [{ dtype, shape: broadcastShapes(shape, target) }];
      } catch {
        return node.fail(`does not expand to ${formatShape(target)}`);
      }
    },
  },
  Tile: {
    inputs: [2, 2],
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const repeats = targetShape(node, 1);
      if (repeats.length !== shape.length) node.fail(`${repeats.length} repeats for rank ${shape.length}`);
      return [{ dtype, shape: shape.map((dim, i) => multiplyDims([dim, repeats[i]!])) }];
    },
  },
  Transpose: {
    inputs: [1, 1],
    attributes: { perm: 'ints' },
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const perm = listAttribute(node.attributes, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
      if ([...perm].sort((a, b) => a - b).some((axis, i) => axis !== i) || perm.length !== shape.length) {
        node.fail(`perm [${perm}] is no permutation of ${shape.length} axes`);
      }
      return [{ dtype, shape: perm.map((axis) => shape[axis]!) }];
    },
  },
  Unsqueeze: {
    inputs: [2, 2],
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const given = node.constant(1, 'axes') ?? [];
      const rank = shape.length + given.length;
      const axes = new Set(given.map((axis) => node.axis(axis, rank)));
      if (axes.size !== given.length) node.fail(`axes [${given}] repeat`);
      const rest = [...shape];
      return [{ dtype, shape: Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : rest.shift()!)) }];
    },
  },
  Squeeze: {
    inputs: [1, 2],
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const axes = node.constant(1, 'axes')?.map((axis) => node.axis(axis, shape.length));
      const dropped = new Set(axes ?? shape.flatMap((dim, i) => (dim === 1 ? [i] : [])));
      for (const axis of dropped) {
        const size = shape[axis];
        if (typeof size === 'number' && size !== 1) node.fail(`axis ${axis} has ${size} elements, not 1`);
      }
      return [{ dtype, shape: shape.filter((_, i) => !dropped.has(i)) }];
    },
  },
  Concat: {
    inputs: [1, 4096],
    attributes: { axis: 'int' },
    infer: (node) => {
      const dtype = node.requireSameType(...node.inputs.map((_, i) => i));
      const first = node.shape(0);
      const axis = node.axis(node.int('axis', 0), first.length);
      const out: Dim[] = [...first];
      const sizes = node.inputs.map((_, i) => {
        const shape = node.shape(i);
        if (shape.length !== first.length) node.fail('the inputs have different ranks');
        shape.forEach((dim, d) => {
          if (d === axis) return;
          if (!mayAgree(dim, out[d]!)) node.fail(`sizes ${out[d]} and ${dim} of axis ${d} differ`);
          out[d] = dim === out[d] ? dim : betterKnown(dim, out[d]!);
        });
        return shape[axis]!;
      });
      const numbers = sizes.filter((dim) => typeof dim === 'number');
      const total = numbers.reduce((sum, dim) => sum + dim, 0);
      out[axis] =
        numbers.length === sizes.length ? total : sizes.length === 1 ? sizes[0]! : unknownDims(node, 1)[0]!;
      return [{ dtype, shape: out }];
    },
  },
  Split: {
    inputs: [1, 2],
    attributes: { axis: 'int', num_outputs: 'int' },
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const axis = node.axis(node.int('axis', 0), shape.length);
      const size = shape[axis]!;
      const parts = node.int('num_outputs', node.outputCount);
      const given = node.inputs[1] && (node.known(1) ?? unknownDims(node, node.outputCount));
      const even = typeof size === 'number' ? evenSplit(size, parts) : unknownDims(node, parts);
      const sizes = given ?? even;
      const total = sizes.reduce<number>(
        (sum, part) => (typeof part === 'number' ? sum + part : Number.NaN),
        0,
      );
      if (typeof size === 'number' && !Number.isNaN(total) && total !== size)
        node.fail(`parts [${sizes}] do not add up to ${size}`);
      return sizes.map((part) => ({ dtype, shape: shape.map((dim, i) => (i === axis ? part : dim)) }));
    },
  },
  Slice: {
    inputs: [3, 5],
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      const count = node.shape(1)[0];
      if (typeof count !== 'number') return node.fail('the number of starts must be known');
      const axes = node.constant(3, 'axes') ?? Array.from({ length: count }, (_, i) => i);
      const steps = node.constant(4, 'steps') ?? axes.map(() => 1);
      const unknown = unknownDims(node, count);
      const starts = node.known(1) ?? unknown;
      const ends = node.known(2) ?? unknown.map((name) => `${name}.end`);
      const out: Dim[] = [...shape];
      axes.forEach((given, i) => {
        const axis = node.axis(given, shape.length);
        out[axis] = slicedSize(node, axis, starts[i]!, ends[i]!, steps[i]!);
      });
      return [{ dtype, shape: out }];
    },
  },
  /** Constant padding; a negative pad removes. */
  Pad: {
    inputs: [2, 4],
    attributes: { mode: 'string' },
    infer: (node) => {
      if (stringAttribute(node.attributes, 'mode', 'constant') !== 'constant')
        node.fail('mode must be constant');
      const { dtype, shape } = node.input(0);
      const axes =
        node.constant(3, 'axes')?.map((axis) => node.axis(axis, shape.length)) ?? shape.map((_, i) => i);
      const pads = node.known(1) ?? [];
      const unknown = unknownDims(node, shape.length);
      const out: Dim[] = [...shape];
      for (const [i, axis] of axes.entries()) {
        const [before, after] = [pads[i], pads[i + axes.length]];
        const added = typeof before === 'number' && typeof after === 'number' ? before + after : undefined;
        const size = shape[axis]!;
        if (added === 0) continue;
        if (added === undefined) {
          out[axis] = unknown[axis]!;
          continue;
        }
        out[axis] = typeof size === 'number' ? size + added : `${size} + ${added}`;
      }
      return [{ dtype, shape: out }];
    },
  },
  /** The upper (or lower) triangle of the last two axes from the k-th diagonal; zeros elsewhere. */
  Trilu: {
    inputs: [1, 2],
    attributes: { upper: 'int' },
    infer: (node) => {
      if (node.shape(0).length < 2) node.fail('the input must have at least two axes');
      return [node.input(0)];
    },
  },
  /** Ones on the k-th diagonal of a matrix of the input's shape. */
  EyeLike: {
    inputs: [1, 1],
    attributes: { dtype: 'dtype', k: 'int' },
    infer: (node) => {
      if (node.shape(0).length !== 2) node.fail('the input must be a matrix');
      const dtype = stringAttribute(node.attributes, 'dtype', node.input(0).dtype) as DType;
      return [{ dtype, shape: node.shape(0) }];
    },
  },
  ConstantOfShape: {
    inputs: [1, 1],
    attributes: { value: 'float', dtype: 'dtype' },
    infer: (node) => [
      { dtype: stringAttribute(node.attributes, 'dtype', 'float32') as DType, shape: targetShape(node, 0) },
    ],
  },
  Range: {
    inputs: [3, 3],
    infer: (node) => {
      const dtype = node.requireSameType(0, 1, 2);
      const [start, limit, delta] = [node.known(0)?.[0], node.known(1)?.[0], node.known(2)?.[0]];
      if (typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number') {
        return [{ dtype, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
      }
      return [
        { dtype, shape: start === 0 && delta === 1 && limit !== undefined ? [limit] : unknownDims(node, 1) },
      ];
    },
  },
} satisfies Record<string, OperatorSpec>;

/** ONNX splits evenly, with a smaller last part. */
export function evenSplit(size: number, parts: number): number[] {
  const chunk = Math.ceil(size / parts);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(chunk, size - i * chunk)));
}
