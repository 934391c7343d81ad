import { create, toBinary } from '@bufbuild/protobuf';
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf';

/** Field numbers of onnx.proto. */
const GRAPH_OF_MODEL = 7;
const INITIALIZER_OF_GRAPH = 5;
const RAW_DATA_OF_TENSOR = 9;

const LENGTH_DELIMITED = 2;

/**
 * The bytes of a model. A general encoder copies a message once for every message around it, which for hundreds of MB of
 * weights takes most of a second; here each weight is copied once.
 */
export function modelBytes(model: ModelProto): Uint8Array {
  const { graph, ...head } = model;
  const parts = [
    toBinary(ModelProtoSchema, head),
    ...(graph ? delimited(GRAPH_OF_MODEL, graphParts(graph)) : []),
  ];
  const bytes = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function graphParts({ initializer, ...graph }: GraphProto): Uint8Array[] {
  return [
    toBinary(GraphProtoSchema, { ...graph, initializer: [] }),
    ...initializer.flatMap((tensor) => delimited(INITIALIZER_OF_GRAPH, tensorParts(tensor))),
  ];
}

function tensorParts(tensor: TensorProto): Uint8Array[] {
  const { rawData, $typeName: _, ...rest } = tensor;
  if (rawData.length === 0) return [toBinary(TensorProtoSchema, tensor)];
  const head = toBinary(TensorProtoSchema, create(TensorProtoSchema, rest));
  return [head, ...delimited(RAW_DATA_OF_TENSOR, [rawData])];
}

/** A field of bytes: tag and length, then the bytes. */
function delimited(field: number, parts: readonly Uint8Array[]): Uint8Array[] {
  return [Uint8Array.from([...varint((field << 3) | LENGTH_DELIMITED), ...varint(sizeOf(parts))]), ...parts];
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
}
