import { GraphError } from './errors.ts';
import type { Graph, GraphNode } from './graph.ts';

/** The graph without nodes and constants that no output needs. Inputs and parameters stay: they are its interface. */
export function removeDeadCode(graph: Graph): Graph {
  const { nodes, used } = needed(
    graph,
    graph.outputs.map(({ name }) => name),
  );
  const initializers = graph.initializers.filter(({ name }) => used.has(name));
  const kept = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.parameters.map(({ name }) => name),
    ...initializers.map(({ name }) => name),
    ...nodes.flatMap(({ outputs }) => outputs),
  ]);
  const values = new Map([...graph.values].filter(([name]) => kept.has(name)));
  return { ...graph, nodes, initializers, values };
}

/**
 * The part of a graph that computes the named values, with only the inputs and parameters it reads: the scoring graph
 * out of a training graph. Throws GraphError when a name is unknown.
 */
export function selectOutputs(graph: Graph, names: readonly string[]): Graph {
  const outputs = names.map((name) => {
    const type = graph.values.get(name);
    if (!type) throw new GraphError(`Graph ${graph.name} has no value ${name} to select as an output.`);
    return { name, ...type };
  });
  const { used } = needed(graph, names);
  return removeDeadCode({
    ...graph,
    outputs,
    inputs: graph.inputs.filter(({ name }) => used.has(name)),
    parameters: graph.parameters.filter(({ name }) => used.has(name)),
  });
}

function needed(graph: Graph, outputs: readonly string[]): { nodes: GraphNode[]; used: Set<string> } {
  const used = new Set(outputs);
  const nodes: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => used.has(name))) continue;
    nodes.push(node);
    for (const name of node.inputs) if (name !== '') used.add(name);
  }
  return { nodes: nodes.reverse(), used };
}
