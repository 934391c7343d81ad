import type { Graph } from '../../../engine/onnx/index.ts';

/** Values of a graph's parameters by name. */
export type ParameterValues = Readonly<Record<string, Float32Array>>;

/** The graph with some parameters' values replaced. Names that it does not have are ignored. */
export function withValues(graph: Graph, values: ParameterValues): Graph {
  const parameters = graph.parameters.map((p) => {
    const data = values[p.name];
    return data?.length === p.data.length ? { ...p, data } : p;
  });
  return { ...graph, parameters };
}
