import { normaliseAxis } from '../dims.ts';
import { GraphError } from '../errors.ts';
import type { indexing } from '../operators/indexing.ts';
import { intAttribute, stringAttribute } from '../operators/spec.ts';
import { elementCount } from '../tensor.ts';
import { aroundAxis, input, type Kernel, type KernelCall, stridesOf } from './kernel.ts';

function wrapIndex(index: number, size: number): number {
  const positive = index < 0 ? index + size : index;
  if (positive < 0 || positive >= size)
    throw new GraphError(`Index ${index} is outside an axis of ${size} elements.`);
  return positive;
}

function axisOf(call: KernelCall, fallback: number): number {
  return normaliseAxis(intAttribute(call.attributes, 'axis', fallback), input(call, 0).shape.length);
}

/** For each element of `index`, its place in a tensor of `shape` with the axis coordinate replaced by the element. */
function elementPlaces(
  shape: readonly number[],
  index: { shape: readonly number[]; data: Float64Array },
  axis: number,
): number[] {
  const strides = stridesOf(shape);
  const own = stridesOf(index.shape);
  return Array.from(index.data, (value, i) => {
    let at = 0;
    for (let d = 0; d < shape.length; d++) {
      const coordinate = d === axis ? wrapIndex(value, shape[d]!) : Math.floor(i / own[d]!) % index.shape[d]!;
      at += coordinate * strides[d]!;
    }
    return at;
  });
}

/** For each index tuple (last axis), where the slice it names begins in a tensor of `shape`. */
function slicePlaces(
  shape: readonly number[],
  index: { shape: readonly number[]; data: Float64Array },
  batch: number,
): number[] {
  const strides = stridesOf(shape);
  const depth = index.shape.at(-1)!;
  const count = index.data.length / depth;
  const perBatch = count / elementCount(shape.slice(0, batch));
  const batchStride = batch === 0 ? 0 : strides[batch - 1]!;
  return Array.from({ length: count }, (_, i) => {
    let at = Math.floor(i / perBatch) * batchStride;
    for (let d = 0; d < depth; d++) {
      at += wrapIndex(index.data[i * depth + d]!, shape[batch + d]!) * strides[batch + d]!;
    }
    return at;
  });
}

export const indexingKernels: Record<keyof typeof indexing, Kernel> = {
  Gather: (call) => {
    const x = input(call, 0);
    const ids = input(call, 1);
    const axis = axisOf(call, 0);
    const { outer, size, inner } = aroundAxis(x.shape, axis);
    const shape = [...x.shape.slice(0, axis), ...ids.shape, ...x.shape.slice(axis + 1)];
    const data = new Float64Array(elementCount(shape));
    for (let o = 0; o < outer; o++) {
      ids.data.forEach((id, j) => {
        const from = (o * size + wrapIndex(id, size)) * inner;
        data.set(x.data.subarray(from, from + inner), (o * ids.data.length + j) * inner);
      });
    }
    return [{ dtype: x.dtype, shape, data }];
  },
  GatherElements: (call) => {
    const x = input(call, 0);
    const index = input(call, 1);
    const places = elementPlaces(x.shape, index, axisOf(call, 0));
    return [{ dtype: x.dtype, shape: index.shape, data: Float64Array.from(places, (at) => x.data[at]!) }];
  },
  ScatterElements: (call) => {
    const x = input(call, 0);
    const updates = input(call, 2);
    const add = stringAttribute(call.attributes, 'reduction', 'none') === 'add';
    const data = x.data.slice();
    elementPlaces(x.shape, input(call, 1), axisOf(call, 0)).forEach((at, i) => {
      data[at] = (add ? data[at]! : 0) + updates.data[i]!;
    });
    return [{ ...x, data }];
  },
  GatherND: (call) => {
    const x = input(call, 0);
    const index = input(call, 1);
    const batch = intAttribute(call.attributes, 'batch_dims', 0);
    const depth = index.shape.at(-1)!;
    const inner = elementCount(x.shape.slice(batch + depth));
    const places = slicePlaces(x.shape, index, batch);
    const data = new Float64Array(places.length * inner);
    places.forEach((from, i) => {
      data.set(x.data.subarray(from, from + inner), i * inner);
    });
    return [{ dtype: x.dtype, shape: [...index.shape.slice(0, -1), ...x.shape.slice(batch + depth)], data }];
  },
  ScatterND: (call) => {
    const x = input(call, 0);
    const updates = input(call, 2);
    const add = stringAttribute(call.attributes, 'reduction', 'none') === 'add';
    const data = x.data.slice();
    const places = slicePlaces(x.shape, input(call, 1), 0);
    const inner = updates.data.length / Math.max(1, places.length);
    places.forEach((at, i) => {
      for (let k = 0; k < inner; k++) data[at + k] = (add ? data[at + k]! : 0) + updates.data[i * inner + k]!;
    });
    return [{ ...x, data }];
  },
  NonZero: (call) => {
    const x = input(call, 0);
    const strides = stridesOf(x.shape);
    const hits = [...x.data.keys()].filter((i) => x.data[i] !== 0);
    const rows = x.shape.map((size, d) => hits.map((at) => Math.floor(at / strides[d]!) % size));
    return [{ dtype: 'int64', shape: [x.shape.length, hits.length], data: Float64Array.from(rows.flat()) }];
  },
  OneHot: (call) => {
    const ids = input(call, 0);
    const depth = input(call, 1).data[0]!;
    const [off = 0, on = 1] = input(call, 2).data;
    const axis = normaliseAxis(intAttribute(call.attributes, 'axis', -1), ids.shape.length + 1);
    const shape = [...ids.shape.slice(0, axis), depth, ...ids.shape.slice(axis)];
    const { inner } = aroundAxis(shape, axis);
    const data = new Float64Array(elementCount(shape)).fill(off);
    ids.data.forEach((id, i) => {
      const hot = id < 0 ? id + depth : id;
      if (hot >= 0 && hot < depth) data[(Math.floor(i / inner) * depth + hot) * inner + (i % inner)] = on;
    });
    return [{ dtype: input(call, 2).dtype, shape, data }];
  },
};
