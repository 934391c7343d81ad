import { GraphError } from './errors.ts';

/** Element types that the engine reads and writes. */
export type DType = 'float32' | 'float64' | 'int64' | 'int32' | 'uint8' | 'bool';

/** int64 is held as BigInt64Array, bool as Uint8Array of 0 and 1, as the runtime does. */
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;

/**
 * Dense values in row-major order. A `float32` tensor may hold a Float64Array: constants made from numbers keep their
 * exact value until the graph is written, so that the float64 interpreter sees 1/√2π and not its rounding.
 */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** A tensor from plain numbers. Throws GraphError when the count does not match the shape. */
export function tensor(
  dtype: DType,
  shape: readonly number[],
  values: readonly number[] | Float64Array,
): Tensor {
  if (values.length !== elementCount(shape)) {
    throw new GraphError(
      `A tensor of shape [${shape}] needs ${elementCount(shape)} values, not ${values.length}.`,
    );
  }
  if (!isFloat(dtype)) {
    const broken = values.find((value) => !Number.isInteger(value));
    if (broken !== undefined)
      throw new GraphError(`${broken} is no ${dtype}; a tensor of ${dtype} holds whole numbers.`);
  }
  return { dtype, shape: [...shape], data: pack(dtype, values) };
}

/** The numbers of a tensor; int64 values beyond 2^53 lose their last bits. */
export function toNumbers(t: Tensor): number[] {
  return Array.from(t.data as ArrayLike<number | bigint>, Number);
}

/** The tensor as the runtime takes it: float32 constants rounded to a Float32Array. */
export function rounded(t: Tensor): Tensor {
  return t.dtype === 'float32' && t.data instanceof Float64Array
    ? { ...t, data: Float32Array.from(t.data) }
    : t;
}

function pack(dtype: DType, values: readonly number[] | Float64Array): TensorData {
  switch (dtype) {
    case 'float32':
    case 'float64':
      return Float64Array.from(values);
    case 'int64':
      return BigInt64Array.from(values, toInt64);
    case 'int32':
      return Int32Array.from(values);
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values);
  }
}

const int64Max = 2n ** 63n - 1n;

/** Exporters write "to the end" as the largest int64, which a double rounds up by one: saturate. */
function toInt64(value: number): bigint {
  const exact = BigInt(value);
  return exact > int64Max ? int64Max : exact < -int64Max ? -int64Max : exact;
}
