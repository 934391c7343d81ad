import { CheckpointError } from './errors.ts';
import { type Feeds, type HostTensor, sizeOf } from './tensor.ts';

const codes = { float32: 'F32', float64: 'F64', int64: 'I64', int32: 'I32', bool: 'BOOL' } as const;

const readers: Record<string, (bytes: ArrayBuffer, shape: number[]) => HostTensor> = {
  F32: (bytes, shape) => ({ type: 'float32', shape, data: new Float32Array(bytes) }),
  F64: (bytes, shape) => ({ type: 'float64', shape, data: new Float64Array(bytes) }),
  I64: (bytes, shape) => ({ type: 'int64', shape, data: new BigInt64Array(bytes) }),
  I32: (bytes, shape) => ({ type: 'int32', shape, data: new Int32Array(bytes) }),
  BOOL: (bytes, shape) => ({ type: 'bool', shape, data: new Uint8Array(bytes) }),
};

const elementBytes: Record<string, number> = { F32: 4, F64: 8, I64: 8, I32: 4, BOOL: 1 };

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/**
 * Tensors as a safetensors file: 8 bytes with the header's length (little-endian), a JSON header padded by spaces to a
 * multiple of 8, then the raw values in the order given. Other tools read it. The same input gives the same bytes.
 */
export function encodeSafetensors(tensors: Feeds, metadata: Record<string, string> = {}): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let end = 0;
  for (const [name, { type, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: codes[type], shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(text, 8);
  file.fill(0x20, 8 + text.length, 8 + headerBytes);
  let at = 8 + headerBytes;
  for (const { data } of Object.values(tensors)) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/**
 * Reads a safetensors file of float32, float64, int64, int32 and bool tensors; each gets memory of its own.
 * @throws CheckpointError when it is cut off, its header is no header, or a tensor's bytes do not fit its shape
 */
export function decodeSafetensors(file: Uint8Array): { tensors: Feeds; metadata: Record<string, string> } {
  if (file.length < 8)
    throw new CheckpointError(`a safetensors file has at least 8 bytes, given ${file.length}`);
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  if (headerBytes > file.length - 8) {
    throw new CheckpointError(
      `the header claims ${headerBytes} bytes of a file of ${file.length}: it is cut off or no safetensors file`,
    );
  }
  const { __metadata__: metadata = {}, ...entries } = parseHeader(file.subarray(8, 8 + headerBytes));
  const body = file.subarray(8 + headerBytes);
  const tensors: Feeds = {};
  for (const [name, entry] of Object.entries(entries))
    tensors[name] = readTensor(name, Object(entry) as Entry, body);
  return { tensors, metadata: metadata as Record<string, string> };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) return { ...header };
  } catch (cause) {
    throw new CheckpointError('the header of the safetensors file is not JSON', { cause });
  }
  throw new CheckpointError('the header of the safetensors file is not a JSON object');
}

function readTensor(name: string, entry: Entry, body: Uint8Array): HostTensor {
  const { dtype, shape, data_offsets: offsets } = entry;
  // Object.hasOwn: "constructor" is no type, and what is no text may have no name at all.
  const read = typeof dtype === 'string' && Object.hasOwn(readers, dtype) ? readers[dtype] : undefined;
  const whole = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
  if (
    !read ||
    !Array.isArray(shape) ||
    !shape.every(whole) ||
    !Array.isArray(offsets) ||
    !offsets.every(whole)
  ) {
    throw new CheckpointError(
      `tensor ${name} has type ${typeof dtype === 'string' ? dtype : JSON.stringify(dtype)}; ${Object.keys(readers).join(', ')} can be read`,
    );
  }
  const [start, end] = offsets;
  if (!(start >= 0 && end <= body.length && end - start === sizeOf(shape) * elementBytes[dtype]!)) {
    throw new CheckpointError(
      `tensor ${name} (${dtype} [${shape.join(', ')}]) claims bytes ${start} to ${end} of ${body.length}: the file is cut off or damaged`,
    );
  }
  // not body.slice: that of a Node Buffer shares the file's memory
  return read(Uint8Array.prototype.slice.call(body, start, end).buffer as ArrayBuffer, shape);
}
