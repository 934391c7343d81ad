import { ProgramError } from './errors.ts';

interface DataOf {
  float32: Float32Array;
  float64: Float64Array;
  int64: BigInt64Array;
  int32: Int32Array;
  bool: Uint8Array;
}

export type ElementType = keyof DataOf;

/** A tensor in host memory, row-major; bool holds one byte a value, 0 or 1. */
export type HostTensor = {
  [T in ElementType]: { type: T; shape: readonly number[]; data: DataOf[T] };
}[ElementType];

/** Tensors by the name of the graph input they feed, or the output they came from. */
export type Feeds = Record<string, HostTensor>;

export function float32(data: Float32Array, shape: readonly number[]): HostTensor {
  return { type: 'float32', shape, data };
}

export function float64(data: Float64Array, shape: readonly number[]): HostTensor {
  return { type: 'float64', shape, data };
}

/** Ids and lengths: ONNX wants them as int64, JavaScript has them as numbers. */
export function int64(data: BigInt64Array | ArrayLike<number>, shape: readonly number[]): HostTensor {
  if (data instanceof BigInt64Array) return { type: 'int64', shape, data };
  const wide = new BigInt64Array(data.length);
  for (let i = 0; i < data.length; i++) wide[i] = BigInt(data[i]!);
  return { type: 'int64', shape, data: wide };
}

export function int32(data: Int32Array, shape: readonly number[]): HostTensor {
  return { type: 'int32', shape, data };
}

export function bool(data: Uint8Array, shape: readonly number[]): HostTensor {
  return { type: 'bool', shape, data };
}

/** Values in a tensor of this shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** @throws ProgramError when a tensor's data does not fill its shape */
export function checkTensor(name: string, tensor: HostTensor): void {
  const expected = sizeOf(tensor.shape);
  if (tensor.data.length !== expected) {
    throw new ProgramError(
      `tensor ${name} of shape [${tensor.shape.join(', ')}] needs ${expected} values and has ${tensor.data.length}` +
        (tensor.data.buffer.byteLength === 0 ? ': its buffer is empty, perhaps sent to a worker before' : ''),
    );
  }
}

/**
 * Tensors ready to be posted to another thread, and the buffers to move along. A view into a larger buffer is copied
 * first: cloning would take all of the buffer with it, and moving would take it from its other users.
 * @param move whether tensors that fill their buffer give it away; copies always move
 */
export function toPost(tensors: Feeds, move: boolean): { tensors: Feeds; buffers: ArrayBuffer[] } {
  const buffers = new Set<ArrayBuffer>();
  const posted: Feeds = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const { buffer, byteLength } = tensor.data;
    const alone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
    const sent = alone ? tensor : ({ ...tensor, data: tensor.data.slice() } as HostTensor);
    posted[name] = sent;
    if ((move || !alone) && byteLength > 0) buffers.add(sent.data.buffer as ArrayBuffer);
  }
  return { tensors: posted, buffers: [...buffers] };
}
