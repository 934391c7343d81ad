import type { GraphProto } from 'onnx-buf';
import type { ForeignNode } from './foreign-node.ts';

/** Names that a node reads: its inputs, and what the graphs of its attributes take from outside. */
export function namesRead(node: ForeignNode): readonly string[] {
  const graphs = [...node.attributes.values()].flatMap(({ g }) => (g ? [g] : []));
  return graphs.length === 0 ? node.inputs : [...node.inputs, ...graphs.flatMap(namesInside)];
}

function namesInside(graph: GraphProto): string[] {
  return [
    ...graph.output.map(({ name }) => name),
    ...graph.node.flatMap(({ input, attribute }) => [
      ...input,
      ...attribute.flatMap(({ g }) => (g ? namesInside(g) : [])),
    ]),
  ];
}

/**
 * The nodes with each after those that it reads from; as they are where that holds already. The ONNX specification wants
 * this order, but runtimes put nodes in order themselves, and tools that forget the branches of If write files without it.
 */
export function inOrder(nodes: readonly ForeignNode[]): readonly ForeignNode[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const done = new Set<ForeignNode>();
  const begun = new Set<ForeignNode>();
  for (const first of nodes) {
    const stack = [first];
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      const missing = done.has(node)
        ? []
        : namesRead(node).flatMap((name) => {
            const producer = producers.get(name);
            return producer && !done.has(producer) && !begun.has(producer) && producer !== node
              ? [producer]
              : [];
          });
      begun.add(node);
      if (missing.length > 0) {
        stack.push(missing[0]!);
        continue;
      }
      done.add(node);
      stack.pop();
    }
  }
  return [...done];
}
