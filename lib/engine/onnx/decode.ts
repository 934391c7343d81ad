import { fromBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import type { Dim } from './dims.ts';
import { PARAMETERS_KEY } from './encode.ts';
import { GraphError } from './errors.ts';
import {
  type Attribute,
  type Graph,
  type GraphNode,
  type Initializer,
  OPSET,
  type Parameter,
  type Value,
} from './graph.ts';
import { restoreNames } from './half.ts';
import { inferTypes } from './infer.ts';
import { isOpType, operators } from './operators/index.ts';
import { withSizes } from './sizes.ts';
import { readTensor } from './stored-tensors.ts';
import { type Tensor, tensor, toNumbers } from './tensor.ts';
import { fromProtoType, fromTensorProto } from './tensor-proto.ts';

export interface DecodeOptions {
  /** Sizes for symbolic input axes by name. */
  readonly dims?: Readonly<Record<string, number>>;
}

/**
 * Reads a model file that `encodeModel` wrote: parameters written as initialisers become parameters again. Files of
 * others are read by `importModel`. Throws GraphError on bytes that are no model, another operator set and operators
 * that are not ours (all are named).
 */
export function decodeModel(bytes: Uint8Array, { dims = {} }: DecodeOptions = {}): Graph {
  const model = parseModel(bytes);
  const graph = model.graph;
  if (!graph) throw new GraphError('The file holds no graph; is it an ONNX model?');
  const opset = Number(
    model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n,
  );
  if (opset !== OPSET) {
    throw new GraphError(
      `The model uses operator set ${opset}, not our ${OPSET}; read a model of others by importModel.`,
    );
  }
  refuseUnsupported(graph);
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
  const trainable = new Set<string>(readNames(metadata[PARAMETERS_KEY]));
  delete metadata[PARAMETERS_KEY];

  const initializers: Initializer[] = [];
  const parameters: Parameter[] = [];
  for (const proto of graph.initializer) {
    const { dtype, shape, data } = readTensor(proto, undefined);
    if (trainable.has(proto.name) && data instanceof Float32Array)
      parameters.push({ name: proto.name, shape, data });
    else initializers.push({ name: proto.name, dtype, shape, data });
  }
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !stored.has(name)).map((info) => readInput(info));
  return inferTypes({
    name: graph.name,
    opset: OPSET,
    inputs: withSizes(inputs, dims),
    outputs: graph.output,
    nodes: graph.node.map(readNode),
    initializers,
    parameters,
    metadata,
  });
}

/** The messages of a model file. Throws GraphError on other bytes. */
export function parseModel(bytes: Uint8Array): ModelProto {
  try {
    const model = fromBinary(ModelProtoSchema, bytes);
    if (model.graph) restoreNames(model.graph);
    return model;
  } catch (cause) {
    throw new GraphError(`${bytes.length} bytes are no ONNX model; the file may be truncated.`, { cause });
  }
}

/** The names of trainable parameters that `encodeModel` noted; none for files of others. */
export function readNames(json: string | undefined): string[] {
  if (json === undefined) return [];
  try {
    const names: unknown = JSON.parse(json);
    if (Array.isArray(names)) return names.map(String);
    throw new GraphError('it is no list');
  } catch (cause) {
    throw new GraphError(`The model's metadata ${PARAMETERS_KEY} is not a JSON list of names: ${json}`, {
      cause,
    });
  }
}

function refuseUnsupported(graph: GraphProto): void {
  const unknown = graph.node.filter(({ opType, domain }) => {
    return !isOpType(opType) || (operators[opType].domain ?? '') !== (domain === 'ai.onnx' ? '' : domain);
  });
  if (unknown.length === 0) return;
  const names = unknown.map(
    ({ name, opType, domain }) => `${domain ? `${domain}.` : ''}${opType} (node ${name || '?'})`,
  );
  throw new GraphError(`The model uses unsupported operators: ${[...new Set(names)].join(', ')}.`);
}

/** An input with its axes, unnamed ones named after it. */
export function readInput(info: ValueInfoProto, readType = fromProtoType): Value {
  const type = info.type?.value;
  if (type?.case !== 'tensorType') throw new GraphError(`Input ${info.name} is no tensor.`);
  const shape = (type.value.shape?.dim ?? []).map(({ value }, axis): Dim => {
    if (value.case === 'dimValue') return Number(value.value);
    return value.case === 'dimParam' && value.value !== '' ? value.value : `${info.name}.${axis}`;
  });
  return { name: info.name, dtype: readType(type.value.elemType, `Input ${info.name}`), shape };
}

/** The value of a Constant node, undefined for kinds that are not read. */
export function constantValue(
  attribute: AttributeProto,
  read: (proto: TensorProto) => Tensor = fromTensorProto,
): Tensor | undefined {
  switch (attribute.name) {
    case 'value':
      return attribute.t && read(attribute.t);
    case 'value_int':
      return tensor('int64', [], [Number(attribute.i)]);
    case 'value_ints':
      return tensor('int64', [attribute.ints.length], attribute.ints.map(Number));
    case 'value_float':
      return tensor('float32', [], [attribute.f]);
    case 'value_floats':
      return tensor('float32', [attribute.floats.length], attribute.floats);
    default:
      return undefined;
  }
}

function readNode(proto: NodeProto): GraphNode {
  const { name, opType: op } = proto;
  if (!isOpType(op)) throw new GraphError(`Unsupported operator ${op}.`);
  const attributes: Record<string, Attribute> = {};
  const kinds = operators[op].attributes ?? {};
  for (const attribute of proto.attribute) {
    if (op === 'ConstantOfShape' && attribute.t) {
      const value = fromTensorProto(attribute.t);
      attributes.value = toNumbers(value)[0] ?? 0;
      attributes.dtype = value.dtype;
    } else {
      attributes[attribute.name] = readAttribute(attribute, kinds[attribute.name], name);
    }
  }
  return { name, op, inputs: [...proto.input], outputs: [...proto.output], attributes };
}

/** An attribute as the kind that the operator says. */
export function readAttribute(attribute: AttributeProto, kind: string | undefined, node: string): Attribute {
  const types = AttributeProto_AttributeType;
  if (kind === 'dtype') return fromProtoType(Number(attribute.i), `Node ${node}`);
  switch (attribute.type) {
    case types.INT:
      return Number(attribute.i);
    case types.FLOAT:
      return shortest(attribute.f);
    case types.STRING:
      return new TextDecoder().decode(attribute.s);
    case types.INTS:
      return attribute.ints.map(Number);
    case types.FLOATS:
      return attribute.floats.map(shortest);
    case types.STRINGS:
      return attribute.strings.map((bytes) => new TextDecoder().decode(bytes));
    default:
      throw new GraphError(`Node ${node}: attribute ${attribute.name} is of a kind that is not supported.`);
  }
}

/** The shortest decimal that is this float32: an epsilon written as 1e-5 reads as 1e-5 and not 9.99999974e-6. */
export function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}
