import { removeDeadCode } from '../dead-code.ts';
import type { Graph, GraphNode } from '../graph.ts';

/**
 * The graph with every operation on the same inputs done once (all operators are pure) and copies read at their source:
 * exporters write masks and positions anew for every layer. Outputs keep their nodes.
 */
export function mergeEqual(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const standIns = new Map<string, string>();
  const seen = new Map<string, GraphNode>();
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => standIns.get(name) ?? name);
    const kept = node.outputs.some((name) => outputs.has(name));
    if (isCopy(node, graph) && !kept) {
      standIns.set(node.outputs[0]!, inputs[0]!);
      continue;
    }
    const key = JSON.stringify([
      node.op,
      inputs,
      node.outputs.length,
      Object.entries(node.attributes).sort(),
    ]);
    const before = seen.get(key);
    if (before && !kept) {
      node.outputs.forEach((name, i) => {
        standIns.set(name, before.outputs[i]!);
      });
      continue;
    }
    const read = { ...node, inputs };
    nodes.push(read);
    if (!before) seen.set(key, read);
  }
  return nodes.length === graph.nodes.length && standIns.size === 0
    ? graph
    : removeDeadCode({ ...graph, nodes });
}

/** Also a cast to the type that the value has. */
function isCopy({ op, inputs, outputs }: GraphNode, { values }: Graph): boolean {
  const [from, to] = [inputs[0] ?? '', outputs[0] ?? ''];
  return op === 'Identity' || (op === 'Cast' && values.get(from)?.dtype === values.get(to)?.dtype);
}
