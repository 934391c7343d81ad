import { GraphError } from '../errors.ts';
import { elementCount, type Tensor } from '../tensor.ts';
import type { StoredIntegers } from './stored-integers.ts';

/** Scales and zero points of a quantised tensor: one, one for each index of an axis, or one for each block along it. */
export interface Steps {
  readonly shape: readonly number[];
  readonly scales: ArrayLike<number>;
  readonly zeros: ArrayLike<number> | undefined;
  readonly axis: number;
}

/** (q - zero point) · scale in float32, as the runtime computes it. @throws GraphError where the scales do not fit the shape */
export function dequantise({ shape, values }: StoredIntegers, steps: Steps, name: string): Tensor {
  const at = stepOf(shape, steps, name);
  const { scales, zeros } = steps;
  const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => {
    const step = at(i);
    return Math.fround(values[i]! - (zeros?.[step] ?? 0)) * scales[step]!;
  });
  return { dtype: 'float32', shape, data };
}

/** Which scale belongs to an element. */
function stepOf(shape: readonly number[], steps: Steps, name: string): (element: number) => number {
  const count = elementCount(steps.shape);
  if (count === 1) return () => 0;
  const axis = steps.axis < 0 ? steps.axis + shape.length : steps.axis;
  const size = shape[axis] ?? 0;
  const inner = elementCount(shape.slice(axis + 1));
  if (count === size && steps.shape.length === 1) return (element) => Math.floor(element / inner) % size;
  const blocks = steps.shape[axis] ?? 0;
  const fits = steps.shape.every((length, i) => i === axis || length === shape[i]);
  if (steps.shape.length !== shape.length || !fits || blocks === 0) {
    throw new GraphError(
      `The scales [${steps.shape}] of the quantised tensor ${name} do not fit its shape [${shape}].`,
    );
  }
  const block = Math.ceil(size / blocks);
  return (element) => {
    const outer = Math.floor(element / (inner * size));
    const along = Math.floor((Math.floor(element / inner) % size) / block);
    return (outer * blocks + along) * inner + (element % inner);
  };
}

/** Numbers of `bits` bits, the lowest first in each byte; rows start at a byte of their own. */
export function unpacked(bytes: ArrayLike<number>, bits: number, rows: number, columns: number): Int32Array {
  const rowBytes = Math.ceil((columns * bits) / 8);
  const mask = 2 ** bits - 1;
  const perByte = 8 / bits;
  return Int32Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const byte = bytes[row * rowBytes + Math.floor(column / perByte)]!;
    return (byte >> (bits * (column % perByte))) & mask;
  });
}
