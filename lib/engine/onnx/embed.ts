import type { GraphBuilder } from './builder.ts';
import { GraphError } from './errors.ts';
import type { Graph, Value } from './graph.ts';

/**
 * Writes a graph into another, so that several models become one.
 * @param prefix of every name that it brings, or what each becomes: two graphs may use the same ones
 * @param inputs the values that stand for its inputs, by their names
 * @returns its outputs by their names
 * @throws GraphError when an input is not given, has another type, or does not fit what the graph does with it
 */
export function embed(
  g: GraphBuilder,
  graph: Graph,
  prefix: string | ((name: string) => string),
  inputs: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const names = new Map([['', '']]);
  for (const { name, dtype } of graph.inputs) {
    const given = inputs[name];
    if (given?.dtype !== dtype) {
      throw new GraphError(
        `Graph ${graph.name} reads ${name} (${dtype}), given ${given ? given.dtype : 'nothing'} for it.`,
      );
    }
    names.set(name, given.name);
  }
  const own = typeof prefix === 'string' ? (name: string) => `${prefix}/${name}` : prefix;
  const renamed = (name: string): string => names.get(name) ?? own(name);
  for (const { name, ...constant } of graph.initializers) {
    g.constant(constant, constant.dtype, renamed(name));
  }
  for (const { name, shape, data } of graph.parameters) g.parameter(renamed(name), shape, data);
  for (const node of graph.nodes) {
    g.append({
      ...node,
      name: own(node.name),
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    });
  }
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, g.value(renamed(name))]));
}
