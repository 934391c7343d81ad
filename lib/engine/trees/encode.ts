import type { CategoryEncoding } from './categories.ts';
import { TreeError } from './errors.ts';
import type { RawScore, TreeModel } from './model.ts';

const MAGIC = 'NJTREES1';
const ALIGNMENT = 8;

type ArrayName =
  | 'base'
  | 'roots'
  | 'target'
  | 'feature'
  | 'threshold'
  | 'missingLeft'
  | 'left'
  | 'right'
  | 'value'
  | 'cover';
type Data = Float32Array | Float64Array | Int32Array | Uint8Array;

/** The arrays in the order in which they are written. */
const ARRAYS: Readonly<Record<ArrayName, { new (buffer: ArrayBuffer): Data; BYTES_PER_ELEMENT: number }>> = {
  base: Float32Array,
  roots: Int32Array,
  target: Int32Array,
  feature: Int32Array,
  threshold: Float32Array,
  missingLeft: Uint8Array,
  left: Int32Array,
  right: Int32Array,
  value: Float32Array,
  cover: Float64Array,
};

interface Header {
  readonly raw: RawScore;
  readonly columns: number;
  readonly outputs: number;
  readonly trees: number;
  readonly nodes: number;
  readonly categories: { column: number; codes: number; missing: number; unknown: number }[];
}

/**
 * A model as bytes: eight letters, the length of a JSON header (uint32), the header, then the arrays, little-endian, each
 * on a multiple of eight. Equal models give equal bytes.
 */
export function encodeTrees(model: TreeModel): Uint8Array {
  const { raw, columns, outputs, roots, feature, categories } = model;
  const header: Header = {
    ...{ raw, columns, outputs },
    trees: roots.length,
    nodes: feature.length,
    categories: categories.map(({ column, values, missing, unknown }) => ({
      ...{ column, codes: values.length, missing, unknown },
    })),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const arrays: Data[] = [
    ...(Object.keys(ARRAYS) as ArrayName[]).map((name) => model[name]),
    ...categories.map(({ values }) => values),
  ];
  const start = aligned(MAGIC.length + 4 + json.length);
  const out = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + aligned(byteLength), start));
  out.set(new TextEncoder().encode(MAGIC));
  new DataView(out.buffer).setUint32(MAGIC.length, json.length, true);
  out.set(json, MAGIC.length + 4);
  let at = start;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    out.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += aligned(byteLength);
  }
  return out;
}

/** @throws TreeError on bytes that `encodeTrees` did not write, or not all of them */
export function decodeTrees(bytes: Uint8Array): TreeModel {
  const header = readHeader(bytes);
  const { raw, columns, outputs, trees, nodes } = header;
  let at = aligned(MAGIC.length + 4 + headerLength(bytes));
  const read = <T extends Data>(
    type: { new (buffer: ArrayBuffer): T; BYTES_PER_ELEMENT: number },
    length: number,
  ): T => {
    const byteLength = length * type.BYTES_PER_ELEMENT;
    if (at + byteLength > bytes.length) fail(bytes, `${at + byteLength} are expected or more`);
    const copy = bytes.slice(at, at + byteLength);
    at += aligned(byteLength);
    return new type(copy.buffer as ArrayBuffer);
  };
  const lengths: Partial<Record<ArrayName, number>> = { base: outputs, roots: trees, target: trees };
  const arrays = Object.fromEntries(
    (Object.keys(ARRAYS) as ArrayName[]).map((name) => [name, read(ARRAYS[name], lengths[name] ?? nodes)]),
  ) as unknown as Pick<TreeModel, ArrayName>;
  const categories = header.categories.map(
    ({ column, codes, missing, unknown }): CategoryEncoding => ({
      ...{ column, missing, unknown },
      values: read(Float32Array, codes),
    }),
  );
  if (at !== bytes.length) fail(bytes, `${at} are expected`);
  return { raw, columns, outputs, categories, ...arrays };
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function headerLength(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
}

function readHeader(bytes: Uint8Array): Header {
  const start = MAGIC.length + 4;
  if (bytes.length < start || new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) {
    fail(bytes, `they do not begin with ${MAGIC}`);
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes.subarray(start, start + headerLength(bytes))));
  } catch (cause) {
    return fail(bytes, 'their header is cut off or broken', cause);
  }
}

function fail(bytes: Uint8Array, why: string, cause?: unknown): never {
  throw new TreeError(
    `${bytes.length} bytes are no trees of encodeTrees: ${why}; read the whole file that was written`,
    { cause },
  );
}
