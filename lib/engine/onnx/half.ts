import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf';
import { GraphError } from './errors.ts';
import type { Parameter } from './graph.ts';
import { toTensorProto } from './tensor-proto.ts';

const PRODUCTS = new Set(['MatMul', 'Gemm', 'FusedMatMul']);

/**
 * Nodes with their matrix products in half precision: inputs are cast to float16, results back to float32, and all else
 * (normalisation, softmax, loss, sums) stays float32, as in mixed precision training (Micikevicius et al. 2018,
 * section 3). A value is cast once for all products that read it, and what a product made is read as it was made. A
 * product by ones is a sum, and stays float32 with the other sums. Only for graphs whose products are float32.
 */
export function halfProducts(nodes: readonly NodeProto[]): NodeProto[] {
  const taken = new Set(nodes.flatMap(({ input, output }) => [...input, ...output]));
  const halves = new Map<string, string>();
  const halfOf = (name: string): string => {
    let half = halves.get(name) ?? halfName(name);
    while (!halves.has(name) && taken.has(half)) half = halfName(half);
    halves.set(name, half);
    taken.add(half);
    return half;
  };
  const filled = new Set(nodes.flatMap(({ opType, output }) => (opType === 'ConstantOfShape' ? output : [])));
  return nodes.flatMap((node) => {
    if (!PRODUCTS.has(node.opType) || node.input.some((name) => filled.has(name))) return [node];
    const fresh = [...new Set(node.input)].filter((name) => name !== '' && !halves.has(name));
    return [
      ...fresh.map((name) => castNode(name, halfOf(name), TensorProto_DataType.FLOAT16)),
      create(NodeProtoSchema, {
        ...node,
        input: node.input.map((name) => (name === '' ? '' : halfOf(name))),
        output: node.output.map(halfOf),
      }),
      ...node.output.map((name) => castNode(halfOf(name), name, TensorProto_DataType.FLOAT)),
    ];
  });
}

function castNode(from: string, to: string, type: TensorProto_DataType): NodeProto {
  return create(NodeProtoSchema, {
    name: `cast:${to}`,
    opType: 'Cast',
    input: [from],
    output: [to],
    attribute: [
      create(AttributeProtoSchema, { name: 'to', type: AttributeProto_AttributeType.INT, i: BigInt(type) }),
    ],
  });
}

/** Largest finite float16. */
const LARGEST = 65_504;

/** Weights as a file holds them: matrices as float16 with a cast that gives them their name, vectors as they are. */
export function storeWeights(
  parameters: readonly Parameter[],
  as: 'float32' | 'float16',
): { initializer: TensorProto[]; casts: NodeProto[] } {
  const initializer: TensorProto[] = [];
  const casts: NodeProto[] = [];
  for (const { name, shape, data } of parameters) {
    if (as === 'float32' || shape.length < 2) {
      initializer.push(toTensorProto({ dtype: 'float32', shape, data }, name));
      continue;
    }
    const bits = Uint16Array.from(data, (value) => toHalf(value, name));
    initializer.push(
      create(TensorProtoSchema, {
        name: halfName(name),
        dims: shape.map(BigInt),
        dataType: TensorProto_DataType.FLOAT16,
        rawData: new Uint8Array(bits.buffer),
      }),
    );
    casts.push(castNode(halfName(name), name, TensorProto_DataType.FLOAT));
  }
  return { initializer, casts };
}

/** Undoes the casts of `storeWeights`, in place: the stored tensors get their names back. */
export function restoreNames(graph: GraphProto): void {
  const stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  graph.node = graph.node.filter(({ opType, input, output }) => {
    const name = output[0] ?? '';
    const tensor = opType === 'Cast' && input[0] === halfName(name) ? stored.get(halfName(name)) : undefined;
    if (tensor) tensor.name = name;
    return !tensor;
  });
}

/** IEEE 754 binary16 bits, rounded to the nearest, ties to even. */
function toHalf(value: number, name: string): number {
  if (!(Math.abs(value) <= LARGEST)) {
    throw new GraphError(`Weight ${name} holds ${value}, which float16 does not; store it as float32.`);
  }
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  // units of the last place: 2^-24 for subnormals, then 2^(exponent - 10)
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -24)));
  const units = roundHalfEven(size * 2 ** (10 - exponent));
  // a subnormal, or a rounding up to the next power of two, runs over into the exponent's bits by itself
  return sign | (exponent === -14 ? units : ((exponent + 14) << 10) + units);
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}

const halfName = (name: string): string => `half:${name}`;
