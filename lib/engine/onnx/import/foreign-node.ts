import type { AttributeProto, GraphProto, NodeProto } from 'onnx-buf';
import { GraphError } from '../errors.ts';

/** One node as another exporter wrote it, before it is brought to our operator set. */
export interface ForeignNode {
  readonly name: string;
  readonly op: string;
  /** Empty for ai.onnx. */
  readonly domain: string;
  /** Version of the ai.onnx operator set that the node is written in. */
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

export function foreignNode(proto: NodeProto, index: number, opset: number): ForeignNode {
  return {
    name: proto.name || `${proto.opType}_${index}`,
    op: proto.opType,
    domain: proto.domain === 'ai.onnx' ? '' : proto.domain,
    opset,
    inputs: [...proto.input],
    outputs: [...proto.output],
    attributes: new Map(proto.attribute.map((attribute) => [attribute.name, attribute])),
  };
}

/** The operator with its domain, `com.microsoft.Attention`; plain for ai.onnx. */
export function operatorKey({ domain, op }: { domain: string; op: string }): string {
  return domain === '' ? op : `${domain}.${op}`;
}

/** How errors name a node. */
export function labelOf(node: ForeignNode): string {
  return `${node.name} (${operatorKey(node)})`;
}

/** The graph held by an attribute (the branches of If). */
export function graphAttribute(node: ForeignNode, name: string): GraphProto {
  const graph = node.attributes.get(name)?.g;
  if (!graph) throw new GraphError(`${labelOf(node)} has no ${name}.`);
  return graph;
}
