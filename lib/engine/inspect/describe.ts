import { elementCount, type Graph, type Value } from '../onnx/index.ts';
import { layersOf, linears, residualJoins, type TrainableSelection, trainable } from '../peft/index.ts';

/** Parameters that stand together: an encoder's layer, a branch. */
export interface LayerSummary {
  readonly name: string;
  /** Tensors, and numbers in them. */
  readonly tensors: number;
  readonly values: number;
  /** Numbers in those that the selection trains. */
  readonly trained: number;
}

export interface ModelSummary {
  readonly name: string;
  readonly opset: number;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Nodes by operator, the most frequent first. */
  readonly operators: readonly { readonly op: string; readonly count: number }[];
  readonly layers: readonly LayerSummary[];
  readonly parameters: {
    readonly tensors: number;
    readonly values: number;
    readonly bytes: number;
    /** Numbers that the selection trains, and their share of all. */
    readonly trained: number;
    readonly share: number;
  };
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * What a graph is made of. Layers are found by structure where the graph has residual joins, else parameters are grouped by
 * the first part of their names; weights that an exporter renamed are named after their layer.
 * @param selection what would be trained; see `trainable`. Everything by default
 * @throws PeftError when a selection fits no parameter
 */
export function describeModel(
  graph: Graph,
  selection: TrainableSelection | readonly TrainableSelection[] = 'all',
): ModelSummary {
  const chosen = new Set(graph.parameters.length > 0 ? trainable(graph, selection) : []);
  const counts = new Map<string, number>();
  for (const { op } of graph.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  const sizes = new Map(graph.parameters.map(({ name, shape }) => [name, elementCount(shape)]));
  const sum = (names: Iterable<string>) =>
    [...names].reduce((total, name) => total + (sizes.get(name) ?? 0), 0);
  const values = sum(sizes.keys());
  const trained = sum(chosen);
  return {
    name: graph.name,
    opset: graph.opset,
    inputs: graph.inputs,
    outputs: graph.outputs,
    operators: [...counts]
      .map(([op, count]) => ({ op, count }))
      .sort((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1)),
    layers: groups(graph).map(([name, names]) => ({
      name,
      tensors: names.length,
      values: sum(names),
      trained: sum(names.filter((parameter) => chosen.has(parameter))),
    })),
    parameters: {
      tensors: sizes.size,
      values,
      bytes: values * Float32Array.BYTES_PER_ELEMENT,
      trained,
      share: values === 0 ? 0 : trained / values,
    },
    metadata: graph.metadata,
  };
}

function groups(graph: Graph): [string, string[]][] {
  if (residualJoins(graph).length > 0) {
    const { embeddings, layers, head } = layersOf(graph);
    const placed: [string, readonly string[]][] = [
      ['embeddings', embeddings],
      ...layers.map((names, i): [string, readonly string[]] => [`layer ${i}`, names]),
      ['head', head],
    ];
    const known = new Set(placed.flatMap(([, names]) => names));
    const rest = graph.parameters.map(({ name }) => name).filter((name) => !known.has(name));
    const all: [string, readonly string[]][] = [...placed, ['not used', rest]];
    return all.filter(([, names]) => names.length > 0).map(([name, names]) => [name, [...names]]);
  }
  const owners = new Map(linears(graph).map(({ weight, target }) => [weight, target]));
  const found = new Map<string, string[]>();
  for (const { name } of graph.parameters) {
    const first = (owners.get(name) ?? name).split(/[./]/)[0]!;
    found.set(first, [...(found.get(first) ?? []), name]);
  }
  return [...found];
}
