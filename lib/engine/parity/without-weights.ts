import type { Feeds } from '../host/index.ts';
import {
  encodeModel,
  type Graph,
  type Initializer,
  isFloat,
  removeDeadCode,
  selectOutputs,
} from '../onnx/index.ts';
import { openSession } from '../train/index.ts';

/**
 * The graph with all that depends on no weight computed ahead for one batch, in float32 on the runtime: masks, positions,
 * rotary angles, buckets of distances. Models pin these to float32 whatever their weights are, so a float64 run of the
 * model holds them rounded, too; in float64 a distance on the border of two buckets would even fall into the other.
 */
export async function withoutWeightsInFloat32(graph: Graph, feeds: Feeds): Promise<Graph> {
  const names = frontier(graph);
  if (names.length === 0) return graph;
  const ahead = selectOutputs(graph, names);
  const session = await openSession(encodeModel(ahead, { parametersAs: 'initializers' }));
  try {
    const found = await session.run(Object.fromEntries(ahead.inputs.map(({ name }) => [name, feeds[name]!])));
    const constants = names.map((name): Initializer => {
      const { type, shape, data } = found[name]!;
      return { name, dtype: type, shape, data: type === 'float32' ? Float64Array.from(data) : data };
    });
    const known = new Set(names);
    const nodes = graph.nodes.filter(({ outputs }) => !outputs.some((name) => known.has(name)));
    return removeDeadCode({ ...graph, nodes, initializers: [...graph.initializers, ...constants] });
  } finally {
    await session.close();
  }
}

/** Functions that libraries round differently in the last digit. */
const inexact: ReadonlySet<string> = new Set(['Sin', 'Cos', 'Exp', 'Log', 'Pow', 'Tanh']);

/**
 * Whether float values without a weight in them come out of a sine, say: two libraries' float32 values of it differ in the
 * last digit, and so do float64 runs of the two models, however exact they are otherwise.
 */
export function hasRoundedAngles(graph: Graph): boolean {
  const edge = frontier(graph).filter((name) => isFloat(graph.values.get(name)!.dtype));
  return edge.length > 0 && selectOutputs(graph, edge).nodes.some(({ op }) => inexact.has(op));
}

/** Results without a weight in them that operations with weights take up. */
function frontier(graph: Graph): string[] {
  const weighted = new Set(graph.parameters.map(({ name }) => name));
  const free = new Set<string>();
  const taken = new Set<string>();
  const labelled = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    const depends = node.inputs.some((name) => weighted.has(name));
    for (const name of node.outputs) (depends ? weighted : free).add(name);
    if (depends) for (const name of node.inputs) taken.add(name);
  }
  return [...free].filter((name) => taken.has(name) && !labelled.has(name) && graph.values.has(name));
}
