import { readFileSync } from 'node:fs';
import type { Tensor } from '../../../../lib/engine/onnx/index.ts';

const readers = {
  F32: (bytes: ArrayBuffer) => ({ dtype: 'float32' as const, data: new Float32Array(bytes) }),
  F64: (bytes: ArrayBuffer) => ({ dtype: 'float64' as const, data: new Float64Array(bytes) }),
  I64: (bytes: ArrayBuffer) => ({ dtype: 'int64' as const, data: new BigInt64Array(bytes) }),
  U8: (bytes: ArrayBuffer) => ({ dtype: 'uint8' as const, data: new Uint8Array(bytes) }),
};

interface Entry {
  dtype: keyof typeof readers;
  shape: number[];
  data_offsets: [number, number];
}

/** All tensors of a safetensors file: an 8-byte header length, a JSON header, then the data. */
export function readSafetensors(path: URL): Map<string, Tensor> {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, Entry>;
  const tensors = new Map<string, Tensor>();
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [from, to],
    },
  ] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { buffer } = Uint8Array.from(file.subarray(8 + length + from, 8 + length + to));
    tensors.set(name, { shape, ...readers[dtype](buffer) });
  }
  return tensors;
}
