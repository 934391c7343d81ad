import { type TensorProto, TensorProto_DataType } from 'onnx-buf';
import { GraphError } from '../errors.ts';
import { type ExternalReader, withData } from '../stored-tensors.ts';
import { elementCount } from '../tensor.ts';
import { rawBytes } from '../tensor-proto.ts';

const { INT4, UINT4, INT8, UINT8, INT16, UINT16, INT32 } = TensorProto_DataType;

/** Whole numbers of a quantised tensor. */
export interface StoredIntegers {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Element types in which weights are quantised. */
const quantisedTypes: ReadonlySet<number> = new Set([INT4, UINT4, INT8, UINT8, INT16, UINT16, INT32]);

/** Types that only quantised graphs have: the engine's graphs have none of them. */
const foreignTypes: ReadonlySet<number> = new Set([INT4, UINT4, INT8, INT16, UINT16]);

export function isForeignInteger({ dataType }: TensorProto): boolean {
  return foreignTypes.has(dataType);
}

export function isByte({ dataType }: TensorProto): boolean {
  return dataType === UINT8;
}

export function isQuantisedType({ dataType }: TensorProto): boolean {
  return quantisedTypes.has(dataType);
}

/** @throws GraphError on other types, and where the data does not fill the shape */
export function readIntegers(proto: TensorProto, external: ExternalReader | undefined): StoredIntegers {
  const inside = withData(proto, external);
  const { rawData, int32Data, dataType, name, dims } = inside;
  const shape = dims.map(Number);
  const values = rawData.length > 0 ? fromRaw(inside) : fromWords(dataType, int32Data);
  const count = elementCount(shape);
  const padded = dataType === INT4 || dataType === UINT4 ? values?.subarray(0, count) : values;
  if (padded?.length !== count) {
    throw new GraphError(
      `Tensor ${name} of shape [${shape}] holds ${padded?.length ?? 'no'} whole numbers of type ${TensorProto_DataType[dataType]}, not ${count}.`,
    );
  }
  return { shape, values: padded };
}

function fromRaw(proto: TensorProto) {
  const { dataType, rawData } = proto;
  switch (dataType) {
    case INT4:
    case UINT4:
      return nibbles(rawData, dataType === INT4);
    case INT8:
      return new Int8Array(rawBytes(proto, 1));
    case UINT8:
      return new Uint8Array(rawBytes(proto, 1));
    case INT16:
      return new Int16Array(rawBytes(proto, 2));
    case UINT16:
      return new Uint16Array(rawBytes(proto, 2));
    case INT32:
      return new Int32Array(rawBytes(proto, 4));
    default:
      return undefined;
  }
}

/** Small types are stored a number a word, 4-bit numbers two a word. */
function fromWords(dataType: number, words: readonly number[]) {
  if (!quantisedTypes.has(dataType)) return undefined;
  if (dataType === INT4 || dataType === UINT4) return nibbles(Uint8Array.from(words), dataType === INT4);
  return Int32Array.from(words);
}

/** Two numbers a byte, the lower half first. */
function nibbles(bytes: Uint8Array, signed: boolean): Int32Array {
  const values = new Int32Array(2 * bytes.length);
  bytes.forEach((byte, i) => {
    values[2 * i] = signed ? ((byte & 15) << 28) >> 28 : byte & 15;
    values[2 * i + 1] = signed ? (byte << 24) >> 28 : byte >> 4;
  });
  return values;
}
