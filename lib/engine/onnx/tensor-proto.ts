import { create } from '@bufbuild/protobuf';
import {
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf';
import { GraphError } from './errors.ts';
import { type DType, elementCount, rounded, type Tensor, type TensorData } from './tensor.ts';

const protoTypes: Readonly<Record<DType, TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
};

/** ONNX's number of an element type. */
export function toProtoType(dtype: DType): number {
  return protoTypes[dtype];
}

/** Throws GraphError for element types the engine does not have. */
export function fromProtoType(code: number, where: string): DType {
  for (const dtype of Object.keys(protoTypes) as DType[]) {
    if (protoTypes[dtype] === code) return dtype;
  }
  const name = TensorProto_DataType[code] ?? code;
  throw new GraphError(
    `${where} has elements of type ${name}; supported: ${Object.keys(protoTypes).join(', ')}.`,
  );
}

/** Little-endian raw data; float32 constants are rounded here. */
export function toTensorProto(tensor: Tensor, name = ''): TensorProto {
  const { dtype, shape, data } = rounded(tensor);
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: toProtoType(dtype),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

/** Reads raw or typed data into memory of its own. Throws GraphError on external data and unknown types. */
export function fromTensorProto(proto: TensorProto): Tensor {
  const where = `Tensor ${proto.name || '(unnamed)'}`;
  const dtype = fromProtoType(proto.dataType, where);
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    throw new GraphError(`${where} keeps its data in another file; save the model with its weights inside.`);
  }
  const shape = proto.dims.map(Number);
  const data = proto.rawData.length > 0 ? fromRaw(dtype, proto) : fromTyped(dtype, proto);
  if (data.length !== elementCount(shape)) {
    throw new GraphError(
      `${where} of shape [${shape}] holds ${data.length} elements, not ${elementCount(shape)}.`,
    );
  }
  return { dtype, shape, data };
}

/**
 * A copy of a tensor's raw bytes: a Buffer's own slice would share its memory.
 * @param each bytes of a number
 * @throws GraphError where the last number is cut off
 */
export function rawBytes({ name, rawData }: TensorProto, each: number): ArrayBuffer {
  if (rawData.length % each !== 0) {
    throw new GraphError(
      `Tensor ${name || '(unnamed)'} holds ${rawData.length} bytes, which are no whole numbers of ${each} bytes: the file is damaged.`,
    );
  }
  return Uint8Array.from(rawData).buffer;
}

function fromRaw(dtype: DType, proto: TensorProto): TensorData {
  switch (dtype) {
    case 'float32':
      return new Float32Array(rawBytes(proto, 4));
    case 'float64':
      return new Float64Array(rawBytes(proto, 8));
    case 'int64':
      return new BigInt64Array(rawBytes(proto, 8));
    case 'int32':
      return new Int32Array(rawBytes(proto, 4));
    case 'uint8':
    case 'bool':
      return new Uint8Array(rawBytes(proto, 1));
  }
}

function fromTyped(dtype: DType, proto: TensorProto): TensorData {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(proto.floatData);
    case 'float64':
      return Float64Array.from(proto.doubleData);
    case 'int64':
      return BigInt64Array.from(proto.int64Data);
    case 'int32':
      return Int32Array.from(proto.int32Data);
    case 'uint8':
    case 'bool':
      return Uint8Array.from(proto.int32Data);
  }
}
