import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type FunctionProtoSchema,
  type GraphProto,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import type { Dim, DType, Tensor } from '../../../../lib/engine/onnx/index.ts';

export type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
export type GraphInit = MessageInitShape<typeof GraphProtoSchema>;

export type AttributeValues = Record<string, number | string | readonly number[] | GraphProto>;

const codes: Record<DType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
};
const floats = new Set(['alpha', 'beta', 'gamma', 'epsilon', 'scale', 'ratio', 'mask_filter_value']);

/** Attributes as exporters write them: numbers are ints but for the names that are floats in every operator. */
function attributesOf(given: AttributeValues): AttributeProto[] {
  const { INT, FLOAT, INTS, STRING, GRAPH } = AttributeProto_AttributeType;
  return Object.entries(given).map(([name, value]) => {
    const one = (init: MessageInitShape<typeof AttributeProtoSchema>): AttributeProto =>
      create(AttributeProtoSchema, { name, ...init });
    if (typeof value === 'string') return one({ type: STRING, s: new TextEncoder().encode(value) });
    if (typeof value === 'number')
      return floats.has(name) ? one({ type: FLOAT, f: value }) : one({ type: INT, i: BigInt(value) });
    return 'node' in value ? one({ type: GRAPH, g: value }) : one({ type: INTS, ints: value.map(BigInt) });
  });
}

/** A node named after its operator and first output. */
export function node(
  opType: string,
  input: string[],
  output: string[],
  attributes: AttributeValues = {},
  domain = '',
): NodeProto {
  const attribute = attributesOf(attributes);
  return create(NodeProtoSchema, {
    opType,
    name: `${opType}:${output[0]}`,
    input,
    output,
    attribute,
    domain,
  });
}

/** Typed data (floatData, int64Data), as some exporters write it and ours does not. */
export function stored(name: string, { dtype, shape, data }: Tensor): TensorInit {
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
  const init: TensorInit = { name, dims: shape.map(BigInt), dataType: codes[dtype] };
  if (dtype === 'float32') return { ...init, floatData: numbers };
  if (dtype === 'float64') return { ...init, doubleData: numbers };
  if (dtype === 'int64') return { ...init, int64Data: numbers.map(BigInt) };
  return { ...init, int32Data: numbers };
}

export function info(
  name: string,
  dtype: DType,
  shape?: readonly Dim[],
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape?.map((size) => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : { case: 'dimParam' as const, value: size },
  }));
  return {
    name,
    type: {
      value: { case: 'tensorType', value: { elemType: codes[dtype], ...(dim && { shape: { dim } }) } },
    },
  };
}

/** A model file as another exporter would write it. */
export function foreignModel(
  graph: GraphInit,
  {
    opset = 17,
    functions = [],
    domains = ['com.microsoft'],
  }: {
    opset?: number;
    functions?: MessageInitShape<typeof FunctionProtoSchema>[];
    domains?: string[];
  } = {},
): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [
        { domain: '', version: BigInt(opset) },
        ...domains.map((domain) => ({ domain, version: 1n })),
      ],
      graph: { name: 'foreign', ...graph },
      functions,
    }),
  );
}

/** A weight `w` of 2 by 2 whose bytes lie in a file beside the model. */
export const external = (location: string, offset: number, length: number): TensorInit => ({
  name: 'w',
  dims: [2n, 2n],
  dataType: TensorProto_DataType.FLOAT,
  dataLocation: 1,
  externalData: [
    { key: 'location', value: location },
    { key: 'offset', value: String(offset) },
    { key: 'length', value: String(length) },
  ],
});
