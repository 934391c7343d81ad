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
