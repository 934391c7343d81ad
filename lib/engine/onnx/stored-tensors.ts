import { create } from '@bufbuild/protobuf';
import {
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf';
import { GraphError } from './errors.ts';
import { type DType, elementCount, type Tensor } from './tensor.ts';
import { fromProtoType, fromTensorProto, rawBytes } from './tensor-proto.ts';

/** Reads `length` bytes (to the end when absent) from `offset` of a file beside the model. */
export type ExternalReader = (location: string, offset: number, length: number | undefined) => Uint8Array;

const { FLOAT, FLOAT16, BFLOAT16, DOUBLE } = TensorProto_DataType;

/** The engine trains in float32: half, bfloat16 and double become it while a model is read. */
export function readType(code: number, where: string): DType {
  return isFloatType(code) ? 'float32' : fromProtoType(code, where);
}

/** Is this float32, or a type that becomes it? */
export function isFloatType(code: number): boolean {
  return code === FLOAT || code === FLOAT16 || code === BFLOAT16 || code === DOUBLE;
}

/**
 * A stored tensor; float16, bfloat16 and float64 as float32. Throws GraphError on other types, on data that does not
 * fill the shape and on external data that cannot be read.
 */
export function readTensor(proto: TensorProto, external: ExternalReader | undefined): Tensor {
  const inside = withData(proto, external);
  const { dataType, name } = inside;
  if (dataType === DOUBLE) {
    const { shape, data } = fromTensorProto(inside);
    return { dtype: 'float32', shape, data };
  }
  if (dataType !== FLOAT16 && dataType !== BFLOAT16) return fromTensorProto(inside);
  const shape = inside.dims.map(Number);
  const bits =
    inside.rawData.length > 0 ? new Uint16Array(rawBytes(inside, 2)) : Uint16Array.from(inside.int32Data);
  if (bits.length !== elementCount(shape)) {
    throw new GraphError(
      `Tensor ${name} of shape [${shape}] holds ${bits.length} elements, not ${elementCount(shape)}.`,
    );
  }
  return { dtype: 'float32', shape, data: Float32Array.from(bits, dataType === FLOAT16 ? half : brain) };
}

/** The tensor with its values inside, wherever they lie. @throws GraphError when they cannot be read */
export function withData(proto: TensorProto, external: ExternalReader | undefined): TensorProto {
  if (proto.dataLocation !== TensorProto_DataLocation.EXTERNAL) return proto;
  return create(TensorProtoSchema, {
    name: proto.name,
    dims: proto.dims,
    dataType: proto.dataType,
    rawData: Uint8Array.from(readExternal(proto, external)),
  });
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a float32. */
function brain(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

function readExternal(proto: TensorProto, external: ExternalReader | undefined): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (!location) throw new GraphError(`Tensor ${proto.name} lies in another file whose name is missing.`);
  if (!external) {
    throw new GraphError(
      `Tensor ${proto.name} lies in the file ${location}; read the model by readModelFile, or pass externalData.`,
    );
  }
  const offset = Number(entries.get('offset') ?? 0);
  const given = entries.get('length');
  const length = given === undefined ? undefined : Number(given);
  try {
    const bytes = external(location, offset, length);
    if (length !== undefined && bytes.length !== length) {
      throw new GraphError(`it ends ${length - bytes.length} bytes early`);
    }
    return bytes;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GraphError(
      `Tensor ${proto.name} lies in the file ${location} at byte ${offset}, which cannot be read: ${reason}.`,
      { cause },
    );
  }
}
