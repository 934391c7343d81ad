import { GraphError } from './errors.ts';
import type { Graph, Parameter } from './graph.ts';

/**
 * The graph with float32 constants turned into trainable parameters: those named, in that order. Throws GraphError when
 * a name is no float32 constant.
 */
export function asParameters(graph: Graph, names: readonly string[]): Graph {
  const constants = new Map(graph.initializers.map((constant) => [constant.name, constant]));
  const promoted = names.map((name): Parameter => {
    const constant = constants.get(name);
    if (constant?.dtype !== 'float32') {
      throw new GraphError(`Graph ${graph.name} has no float32 constant ${name} to train.`);
    }
    return {
      name,
      shape: constant.shape,
      data: Float32Array.from(constant.data as Float32Array | Float64Array),
    };
  });
  const chosen = new Set(names);
  return {
    ...graph,
    initializers: graph.initializers.filter(({ name }) => !chosen.has(name)),
    parameters: [...graph.parameters, ...promoted],
  };
}

/**
 * The graph with other values for the parameters that are named. Throws GraphError when a value is of another size, or
 * when the graph has no such parameter and `unknown` is not `ignored`.
 */
export function withParameters(
  graph: Graph,
  values: Readonly<Record<string, Float32Array>>,
  { unknown = 'refused' }: { unknown?: 'refused' | 'ignored' } = {},
): Graph {
  const left = new Map(Object.entries(values));
  const parameters = graph.parameters.map((parameter) => {
    const data = left.get(parameter.name);
    if (!data) return parameter;
    left.delete(parameter.name);
    if (data.length !== parameter.data.length) {
      throw new GraphError(
        `${parameter.name} [${parameter.shape}] needs ${parameter.data.length} values, given ${data.length}.`,
      );
    }
    return { ...parameter, data };
  });
  if (left.size > 0 && unknown === 'refused') {
    throw new GraphError(
      `Graph ${graph.name} has no parameters ${[...left.keys()].join(', ')}; add the head they belong to first.`,
    );
  }
  return { ...graph, parameters };
}
