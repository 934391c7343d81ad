import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
} from 'onnx-buf';

const PRODUCTS = new Set(['MatMul', 'Gemm', 'FusedMatMul']);

/**
 * Nodes with their matrix products in half precision: inputs are cast to float16, results back to float32, and all else
 * (normalisation, softmax, loss, sums) stays float32, as in mixed precision training (Micikevicius et al. 2018,
 * section 3). A value is cast once for all products that read it. Only for graphs whose products are float32.
 */
export function halfProducts(nodes: readonly NodeProto[]): NodeProto[] {
  const cast = new Set<string>();
  return nodes.flatMap((node) => {
    if (!PRODUCTS.has(node.opType)) return [node];
    const fresh = [...new Set(node.input)].filter((name) => name !== '' && !cast.has(name));
    for (const name of fresh) cast.add(name);
    return [
      ...fresh.map((name) => castNode(name, halfName(name), TensorProto_DataType.FLOAT16)),
      create(NodeProtoSchema, {
        ...node,
        input: node.input.map((name) => (name === '' ? '' : halfName(name))),
        output: node.output.map(halfName),
      }),
      ...node.output.map((name) => castNode(halfName(name), name, TensorProto_DataType.FLOAT)),
    ];
  });
}

export function castNode(from: string, to: string, type: TensorProto_DataType): NodeProto {
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

const halfName = (name: string): string => `half:${name}`;
