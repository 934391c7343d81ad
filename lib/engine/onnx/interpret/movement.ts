import { broadcastShapes, normaliseAxis } from '../dims.ts';
import { evenSplit, type movement, sliceRange } from '../operators/movement.ts';
import { intAttribute, listAttribute, stringAttribute } from '../operators/spec.ts';
import { type DType, elementCount } from '../tensor.ts';
import {
  aroundAxis,
  broadcastTo,
  filled,
  input,
  integers,
  type Kernel,
  readStrided,
  stridesOf,
  type Tensor64,
} from './kernel.ts';

/** Another shape over the same elements; -1 takes what is left, 0 copies the axis unless `allowZero`. */
function reshape(x: Tensor64, target: readonly number[], allowZero: boolean): Tensor64 {
  const shape = target.map((dim, i) => (dim === 0 && !allowZero ? x.shape[i]! : dim));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = x.data.length / elementCount(shape.filter((_, i) => i !== open));
  return { ...x, shape };
}

function slice(x: Tensor64, axis: number, from: number, count: number, step: number): Tensor64 {
  const strides = stridesOf(x.shape);
  const offset = from * strides[axis]!;
  const shape = x.shape.map((n, i) => (i === axis ? count : n));
  return readStrided(
    x,
    shape,
    strides.map((s, i) => (i === axis ? s * step : s)),
    offset,
  );
}

function concat(parts: readonly Tensor64[], axis: number): Tensor64 {
  const first = parts[0]!;
  const size = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  const out = filled(
    first.dtype,
    first.shape.map((n, i) => (i === axis ? size : n)),
    0,
  );
  const { outer, inner } = aroundAxis(out.shape, axis);
  for (let o = 0; o < outer; o++) {
    let at = o * size * inner;
    for (const part of parts) {
      const run = part.shape[axis]! * inner;
      out.data.set(part.data.subarray(o * run, (o + 1) * run), at);
      at += run;
    }
  }
  return out;
}

function pad(x: Tensor64, axis: number, before: number, after: number, value: number): Tensor64 {
  const size = x.shape[axis]!;
  const inside = slice(x, axis, Math.max(0, -before), size + Math.min(0, before) + Math.min(0, after), 1);
  const block = (count: number): Tensor64 =>
    filled(
      x.dtype,
      x.shape.map((n, i) => (i === axis ? Math.max(0, count) : n)),
      value,
    );
  return concat([block(before), inside, block(after)], axis);
}

export const movementKernels: Record<keyof typeof movement, Kernel> = {
  Shape: (call) => {
    const { shape } = input(call, 0);
    const end = intAttribute(call.attributes, 'end', shape.length);
    const { from, count } = sliceRange(shape.length, intAttribute(call.attributes, 'start', 0), end, 1);
    return [{ dtype: 'int64', shape: [count], data: Float64Array.from(shape.slice(from, from + count)) }];
  },
  Size: (call) => [{ dtype: 'int64', shape: [], data: Float64Array.of(input(call, 0).data.length) }],
  Reshape: (call) => [
    reshape(input(call, 0), integers(call, 1)!, intAttribute(call.attributes, 'allowzero', 0) === 1),
  ],
  Flatten: (call) => {
    const x = input(call, 0);
    const given = intAttribute(call.attributes, 'axis', 1);
    const before = elementCount(x.shape.slice(0, given < 0 ? given + x.shape.length : given));
    return [{ ...x, shape: [before, x.data.length / before] }];
  },
  Expand: (call) => {
    const x = input(call, 0);
    return [broadcastTo(x, broadcastShapes(x.shape, integers(call, 1)!) as number[])];
  },
  Tile: (call) => {
    const x = input(call, 0);
    const tiled = integers(call, 1)!.reduce(
      (t, count, axis) =>
        concat(
          Array.from({ length: count }, () => t),
          axis,
        ),
      x,
    );
    return [tiled];
  },
  Transpose: (call) => {
    const x = input(call, 0);
    const perm = listAttribute(call.attributes, 'perm') ?? x.shape.map((_, i) => x.shape.length - 1 - i);
    const strides = stridesOf(x.shape);
    return [
      readStrided(
        x,
        perm.map((a) => x.shape[a]!),
        perm.map((a) => strides[a]!),
      ),
    ];
  },
  Unsqueeze: (call) => {
    const x = input(call, 0);
    const given = integers(call, 1)!;
    const rank = x.shape.length + given.length;
    const axes = new Set(given.map((axis) => normaliseAxis(axis, rank)));
    const rest = [...x.shape];
    return [{ ...x, shape: Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : rest.shift()!)) }];
  },
  Squeeze: (call) => {
    const x = input(call, 0);
    const axes = integers(call, 1)?.map((axis) => normaliseAxis(axis, x.shape.length));
    return [{ ...x, shape: x.shape.filter((n, i) => (axes ? !axes.includes(i) : n !== 1)) }];
  },
  Concat: (call) => {
    const parts = call.inputs.filter((part) => part !== undefined);
    return [concat(parts, normaliseAxis(intAttribute(call.attributes, 'axis', 0), parts[0]!.shape.length))];
  },
  Split: (call) => {
    const x = input(call, 0);
    const axis = normaliseAxis(intAttribute(call.attributes, 'axis', 0), x.shape.length);
    const parts = intAttribute(call.attributes, 'num_outputs', call.outputCount);
    let from = 0;
    return (integers(call, 1) ?? evenSplit(x.shape[axis]!, parts)).map((count) => {
      from += count;
      return slice(x, axis, from - count, count, 1);
    });
  },
  Slice: (call) => {
    const starts = integers(call, 1)!;
    const ends = integers(call, 2)!;
    const axes = integers(call, 3) ?? starts.map((_, i) => i);
    const steps = integers(call, 4) ?? starts.map(() => 1);
    const sliced = axes.reduce(
      (x, given, i) => {
        const axis = normaliseAxis(given, x.shape.length);
        const { from, count } = sliceRange(x.shape[axis]!, starts[i]!, ends[i]!, steps[i]!);
        return slice(x, axis, from, count, steps[i]!);
      },
      input(call, 0),
    );
    return [sliced];
  },
  Pad: (call) => {
    const x = input(call, 0);
    const pads = integers(call, 1)!;
    const value = call.inputs[2]?.data[0] ?? 0;
    const axes = integers(call, 3) ?? x.shape.map((_, i) => i);
    const padded = axes.reduce(
      (t, given, i) => pad(t, normaliseAxis(given, x.shape.length), pads[i]!, pads[i + axes.length]!, value),
      x,
    );
    return [padded];
  },
  Trilu: (call) => {
    const x = input(call, 0);
    const [rows, columns] = x.shape.slice(-2) as [number, number];
    const k = integers(call, 1)?.[0] ?? 0;
    const upper = intAttribute(call.attributes, 'upper', 1) === 1;
    const data = x.data.map((value, i) => {
      const above = (i % columns) - (Math.floor(i / columns) % rows) - k;
      return (upper ? above >= 0 : above <= 0) ? value : 0;
    });
    return [{ ...x, data }];
  },
  EyeLike: (call) => {
    const { dtype, shape } = input(call, 0);
    const [rows, columns] = shape as [number, number];
    const k = intAttribute(call.attributes, 'k', 0);
    const out = filled(stringAttribute(call.attributes, 'dtype', dtype) as DType, shape, 0);
    for (let i = 0; i < rows; i++) if (i + k >= 0 && i + k < columns) out.data[i * columns + i + k] = 1;
    return [out];
  },
  ConstantOfShape: (call) => [
    filled(
      stringAttribute(call.attributes, 'dtype', 'float32') as DType,
      integers(call, 0)!,
      intAttribute(call.attributes, 'value', 0),
    ),
  ],
  Range: (call) => {
    const [start, limit, delta] = call.inputs.map((t) => t!.data[0]!) as [number, number, number];
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    const data = Float64Array.from({ length: count }, (_, i) => start + i * delta);
    return [{ dtype: input(call, 0).dtype, shape: [count], data }];
  },
};
