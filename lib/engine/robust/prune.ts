import { type Graph, type GraphNode, inferTypes } from '../onnx/index.ts';
import { RobustError } from './errors.ts';

export interface PruneOptions {
  /** Share of the chosen weights set to zero, in [0, 1). */
  share: number;
  /** One threshold for all chosen weights, or one for each tensor. all */
  over?: 'all' | 'tensor';
  /** Which parameters may be pruned; by default those of two axes or more. */
  of?: (parameter: { name: string; shape: readonly number[] }) => boolean;
}

export interface Pruned {
  /** Weights below the threshold are zero; while training goes on, masks keep them there. */
  graph: Graph;
  /** Weights that were set to zero, by parameter. */
  zeros: Readonly<Record<string, number>>;
}

const maskName = (name: string): string => `${name}:mask`;
const maskedName = (name: string): string => `${name}:masked`;

/**
 * Magnitude pruning (Han et al. 2015): the smallest weights of a share become zero and stay so: the graph reads weight x
 * mask, so that fine-tuning afterwards moves only the others. `withoutMasks` gives the plain graph for scoring.
 * Sets exactly round(share x weights) to zero; among equal magnitudes the earlier go first.
 * @throws RobustError when the share is outside [0, 1), nothing is chosen, or the graph is pruned already
 */
export function prune(
  graph: Graph,
  { share, over = 'all', of = ({ shape }) => shape.length >= 2 }: PruneOptions,
): Pruned {
  if (!(share >= 0 && share < 1)) throw new RobustError(`the pruned share lies in [0, 1), given ${share}`);
  const chosen = graph.parameters.filter(of);
  if (chosen.length === 0)
    throw new RobustError(`no parameter of graph ${graph.name} was chosen to be pruned`);
  const again = chosen.find(({ name }) => graph.values.has(maskName(name)));
  if (again) throw new RobustError(`${again.name} is pruned already: remove its mask first (withoutMasks)`);
  const groups = over === 'all' ? [chosen] : chosen.map((parameter) => [parameter]);
  const masks = new Map<string, Float32Array>();
  for (const group of groups) {
    const sizes = group.flatMap(({ data }) => Array.from(data, Math.abs));
    const count = Math.round(share * sizes.length);
    const order = Uint32Array.from(sizes, (_, i) => i).sort((a, b) => sizes[a]! - sizes[b]! || a - b);
    const gone = new Uint8Array(sizes.length);
    for (const i of order.subarray(0, count)) gone[i] = 1;
    let from = 0;
    for (const { name, data } of group) {
      masks.set(
        name,
        data.map((_, i) => 1 - gone[from + i]!),
      );
      from += data.length;
    }
  }
  return {
    graph: withMasks(graph, masks),
    zeros: Object.fromEntries(
      [...masks].map(([name, mask]) => [name, mask.reduce((sum, kept) => sum + 1 - kept, 0)]),
    ),
  };
}

function withMasks(graph: Graph, masks: ReadonlyMap<string, Float32Array>): Graph {
  const products = [...masks.keys()].map(
    (name): GraphNode => ({
      name: `${name}:prune`,
      op: 'Mul',
      inputs: [name, maskName(name)],
      outputs: [maskedName(name)],
      attributes: {},
    }),
  );
  const reads = (name: string) => (masks.has(name) ? maskedName(name) : name);
  const shapeOf = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
  return inferTypes({
    ...graph,
    nodes: [...products, ...graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(reads) }))],
    parameters: graph.parameters.map((parameter) => {
      const mask = masks.get(parameter.name);
      return mask ? { ...parameter, data: parameter.data.map((value, i) => value * mask[i]!) } : parameter;
    }),
    initializers: [
      ...graph.initializers,
      ...[...masks].map(([name, data]) => ({
        name: maskName(name),
        dtype: 'float32' as const,
        shape: shapeOf.get(name)!,
        data,
      })),
    ],
  });
}

/** The graph with masks multiplied into the weights and gone. A graph without masks is returned as it is. */
export function withoutMasks(graph: Graph): Graph {
  const masks = new Map(graph.initializers.map(({ name, data }) => [name, data]));
  const masked = new Set(
    graph.parameters.map(({ name }) => name).filter((name) => masks.has(maskName(name))),
  );
  const back = new Map([...masked].map((name) => [maskedName(name), name]));
  return inferTypes({
    ...graph,
    nodes: graph.nodes
      .filter(({ outputs }) => !back.has(outputs[0]!))
      .map((node) => ({ ...node, inputs: node.inputs.map((name) => back.get(name) ?? name) })),
    parameters: graph.parameters.map((parameter) => {
      const mask = masks.get(maskName(parameter.name)) as Float32Array | undefined;
      return mask && masked.has(parameter.name)
        ? { ...parameter, data: parameter.data.map((value, i) => value * mask[i]!) }
        : parameter;
    }),
    initializers: graph.initializers.filter(
      ({ name }) => ![...masked].some((parameter) => maskName(parameter) === name),
    ),
  });
}

/**
 * What pruning costs before any fine-tuning: a measure of the graph at each share, 0 first.
 * @param measure accuracy, loss or whatever counts, of a plain graph
 */
export async function pruningCost(
  graph: Graph,
  shares: readonly number[],
  measure: (graph: Graph) => Promise<number>,
  options: Omit<PruneOptions, 'share'> = {},
): Promise<{ share: number; value: number }[]> {
  const table: { share: number; value: number }[] = [];
  for (const share of [0, ...shares]) {
    const pruned = withoutMasks(prune(graph, { ...options, share }).graph);
    table.push({ share, value: await measure(pruned) });
  }
  return table;
}
