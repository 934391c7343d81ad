import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import type { Attribute, Graph, GraphNode, TensorType } from './graph.ts';
import { halfProducts, storeWeights } from './half.ts';
import { modelBytes } from './model-bytes.ts';
import { operators } from './operators/index.ts';
import { type DType, tensor } from './tensor.ts';
import { toProtoType, toTensorProto } from './tensor-proto.ts';

/** ONNX file format version 9, the first with operator set 20. */
const IR_VERSION = 9n;

/** Versions of the operator sets beside ai.onnx. */
const OTHER_DOMAINS: Readonly<Record<string, bigint>> = { 'ai.onnx.ml': 3n, 'com.microsoft': 1n };

/** Who wrote a file, as it says. */
export const PRODUCER = 'nightjar';

/** Metadata key: the names of the initialisers that are trainable parameters, as JSON. */
export const PARAMETERS_KEY = 'nightjar.parameters';

export interface EncodeOptions {
  /**
   * 'inputs': parameters are fed at every run (training; after the graph's own inputs, in order).
   * 'initializers': they are part of the file (scoring).
   */
  readonly parametersAs: 'inputs' | 'initializers';
  /**
   * How weights are stored that are part of the file and have two axes or more: float16 takes half the bytes, and they are
   * widened when the model is loaded, so all computation stays float32. float32
   */
  readonly weights?: 'float32' | 'float16';
  /** Added to the graph's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The graph as the bytes of an ONNX model file. Equal graphs give equal bytes. Throws GraphError when a weight to be
 * stored as float16 is beyond its range.
 */
export function encodeModel(
  graph: Graph,
  { parametersAs, weights = 'float32', metadata }: EncodeOptions,
): Uint8Array {
  const inside = parametersAs === 'initializers';
  const parameters = graph.parameters.map(({ name, shape, data }) => ({
    name,
    dtype: 'float32' as const,
    shape,
    data,
  }));
  const properties: Record<string, string> = { ...graph.metadata, ...metadata };
  if (inside && parameters.length > 0)
    properties[PARAMETERS_KEY] = JSON.stringify(parameters.map(({ name }) => name));
  const stored = storeWeights(inside ? parameters : [], weights);
  const main = graphProto({
    name: graph.name,
    input: [...graph.inputs, ...(inside ? [] : parameters)].map((value) => valueInfo(value.name, value)),
    output: graph.outputs.map((value) => valueInfo(value.name, value)),
    ...stored,
    graph,
  });
  return modelBytes(modelProto(main, graph, properties));
}

/** A graph's message: what is given first, then the nodes and constants of `graph`, then further nodes. */
export function graphProto(given: {
  name: string;
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  initializer?: TensorProto[];
  node?: NodeProto[];
  /** Nodes that stand before the graph's. */
  casts?: NodeProto[];
  graph?: Graph;
  /** Precision of the graph's matrix products. */
  products?: 'float32' | 'float16';
}): GraphProto {
  const { graph, initializer = [], node = [], casts = [], products = 'float32', ...rest } = given;
  const nodes = (graph?.nodes ?? []).map(nodeProto);
  return create(GraphProtoSchema, {
    ...rest,
    initializer: [...(graph?.initializers ?? []).map((t) => toTensorProto(t, t.name)), ...initializer],
    node: [...casts, ...(products === 'float16' ? halfProducts(nodes) : nodes), ...node],
  });
}

/** The model message around a graph that uses the operators of `of`. */
export function modelProto(
  main: GraphProto,
  of: Graph,
  properties: Readonly<Record<string, string>>,
): ModelProto {
  const domains = new Set<string>(of.nodes.map((node) => operators[node.op].domain ?? ''));
  return create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: PRODUCER,
    opsetImport: [
      { domain: '', version: BigInt(of.opset) },
      ...Object.entries(OTHER_DOMAINS).flatMap(([domain, version]) =>
        domains.has(domain) ? [{ domain, version }] : [],
      ),
    ],
    metadataProps: Object.keys(properties)
      .sort()
      .map((key) => ({ key, value: properties[key] ?? '' })),
    graph: main,
  });
}

/** Name and type of an input or output. */
export function valueInfo(name: string, { dtype, shape }: TensorType): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: toProtoType(dtype),
          shape: {
            dim: shape.map((size) => ({
              value:
                typeof size === 'number'
                  ? { case: 'dimValue' as const, value: BigInt(size) }
                  : { case: 'dimParam' as const, value: size },
            })),
          },
        },
      },
    },
  });
}

function nodeProto(node: GraphNode): NodeProto {
  const { domain = '', attributes: kinds = {} } = operators[node.op];
  const attribute =
    node.op === 'ConstantOfShape'
      ? [filledWith(node)]
      : Object.keys(node.attributes)
          .sort()
          .map((name) => attributeProto(name, node.attributes[name]!, kinds[name] ?? 'int'));
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.op,
    domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute,
  });
}

function attributeProto(name: string, value: Attribute, kind: string): AttributeProto {
  const { INT, FLOAT, STRING, INTS, FLOATS, STRINGS } = AttributeProto_AttributeType;
  switch (kind) {
    case 'dtype':
      return create(AttributeProtoSchema, { name, type: INT, i: BigInt(toProtoType(value as DType)) });
    case 'float':
      return create(AttributeProtoSchema, { name, type: FLOAT, f: Number(value) });
    case 'string':
      return create(AttributeProtoSchema, { name, type: STRING, s: new TextEncoder().encode(String(value)) });
    case 'ints':
      return create(AttributeProtoSchema, {
        name,
        type: INTS,
        ints: (value as readonly number[]).map(BigInt),
      });
    case 'floats':
      return create(AttributeProtoSchema, { name, type: FLOATS, floats: [...(value as readonly number[])] });
    case 'strings':
      return create(AttributeProtoSchema, {
        name,
        type: STRINGS,
        strings: (value as readonly string[]).map((text) => new TextEncoder().encode(text)),
      });
    default:
      return create(AttributeProtoSchema, { name, type: INT, i: BigInt(value as number) });
  }
}

/** ConstantOfShape's value is a tensor of one element in the file, a number and a type in the graph. */
function filledWith({ attributes }: GraphNode): AttributeProto {
  const dtype = (attributes.dtype ?? 'float32') as DType;
  const value = toTensorProto(tensor(dtype, [1], [Number(attributes.value ?? 0)]));
  return create(AttributeProtoSchema, { name: 'value', type: AttributeProto_AttributeType.TENSOR, t: value });
}
