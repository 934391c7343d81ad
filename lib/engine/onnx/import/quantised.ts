import type { GraphProto } from 'onnx-buf';
import type { ExternalReader } from '../stored-tensors.ts';
import { Dequantiser, type Plain } from './dequantiser.ts';
import { type ForeignNode, operatorKey } from './foreign-node.ts';
import { movesValues, quantisedRules } from './quantised-rules.ts';

/**
 * A quantised graph (QDQ, QOperator, dynamic 8-bit, weights in blocks of few bits) as the float32 graph of its dequantised
 * weights: what was computed from rounded activations is computed from the activations themselves. Such a model is as
 * exact as its stored weights, and can be a frozen base, while a rounding has no gradient. Graphs without quantised
 * operators come back as they are. Throws GraphError, which says what file to take, where a graph has an operator on
 * quantised values that is not known here.
 */
export function withoutQuantisation(
  nodes: readonly ForeignNode[],
  graph: GraphProto,
  external: ExternalReader | undefined,
): Plain {
  if (!nodes.some((node) => isQuantisedOperator(operatorKey(node)))) {
    return { nodes, initializers: graph.initializer, weights: new Map() };
  }
  const walk = new Dequantiser(graph, external);
  for (const node of nodes) {
    const key = operatorKey(node);
    const rule = Object.hasOwn(quantisedRules, key) ? quantisedRules[key] : undefined;
    if (rule?.(walk, node)) continue;
    if (isQuantisedOperator(key)) walk.refuse(node);
    walk.keep(node, movesValues(key));
  }
  for (const { name } of graph.output) walk.finish(name);
  return walk.result();
}

/** Is this an operator that works on quantised values? */
function isQuantisedOperator(key: string): boolean {
  return /^(com\.microsoft\.|com\.ms\.internal\.nhwc\.)?(Q[A-Z]|\w*Integer|\w*[Qq]uantize|\w*NBits$|\w*Bnb4$)/.test(
    key,
  );
}
