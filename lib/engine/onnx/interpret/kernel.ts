import type { Attributes } from '../graph.ts';
import { type DType, elementCount } from '../tensor.ts';

/** A tensor of the interpreter: every element type is held in float64. */
export interface Tensor64 {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What a kernel gets. Types and shapes were checked by the shape rules when the graph was built. */
export interface KernelCall {
  readonly inputs: readonly (Tensor64 | undefined)[];
  readonly attributes: Attributes;
  readonly outputCount: number;
}

export type Kernel = (call: KernelCall) => Tensor64[];

export function input(call: KernelCall, index: number): Tensor64 {
  return call.inputs[index]!;
}

/** The elements of an optional input of integers. */
export function integers(call: KernelCall, index: number): number[] | undefined {
  const given = call.inputs[index];
  return given && Array.from(given.data);
}

export function filled(dtype: DType, shape: readonly number[], value: number): Tensor64 {
  return { dtype, shape: [...shape], data: new Float64Array(elementCount(shape)).fill(value) };
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}

/** Strides that read a tensor as if broadcast to a shape: 0 where it has one element. */
function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, i) => (i < missing || from[i - missing] === 1 ? 0 : own[i - missing]!));
}

/**
 * Gathers by strides: the element at multi-index i of the result is `x.data[offset + Σ i_d strides_d]`. Transposes,
 * broadcasts, slices and splits are all of this form.
 */
export function readStrided(
  x: Tensor64,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Tensor64 {
  const data = new Float64Array(elementCount(shape));
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < data.length; i++) {
    data[i] = x.data[at]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      at -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return { dtype: x.dtype, shape: [...shape], data };
}

export function broadcastTo(x: Tensor64, shape: readonly number[]): Tensor64 {
  return readStrided(x, shape, broadcastStrides(x.shape, shape));
}

/** A shape around one axis: how many slices before it, its size, how many elements after it. */
export function aroundAxis(
  shape: readonly number[],
  axis: number,
): { outer: number; size: number; inner: number } {
  return {
    outer: elementCount(shape.slice(0, axis)),
    size: shape[axis]!,
    inner: elementCount(shape.slice(axis + 1)),
  };
}
