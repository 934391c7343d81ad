import type { Graph, GraphNode } from '../onnx/index.ts';
import { PeftError } from './errors.ts';
import { type ResidualJoin, residualJoins } from './joins.ts';

/** The parameters of an encoder by depth; each is in one group, that of its lowest use. */
export interface EncoderLayers {
  /** Tables, and all that comes before the first layer. */
  readonly embeddings: readonly string[];
  /** From the bottom to the top. */
  readonly layers: readonly (readonly string[])[];
  /** All that comes behind the last layer and its norm. */
  readonly head: readonly string[];
}

/**
 * Which parameters belong to which layer, by structure (names of weights tell nothing): a layer is an attention sublayer
 * with the sublayers up to the next one, bounded by the residual joins; a norm behind a join belongs to that join.
 * Throws PeftError when the graph has no residual joins.
 */
export function layersOf(graph: Graph): EncoderLayers {
  const joins = residualJoins(graph);
  if (joins.length === 0) {
    throw new PeftError(
      `Graph ${graph.name} has no residual joins (x + f(x), f ending in a linear layer), so it has no layers.`,
    );
  }
  const layerOf = numberLayers(joins);
  const last = layerOf.at(-1)!;
  const stages = parameterStages(graph, joins);
  const names = (wanted: (stage: number) => boolean) =>
    graph.parameters.map(({ name }) => name).filter((name) => wanted(stages.get(name) ?? Number.NaN));
  return {
    embeddings: names((stage) => stage === 0),
    layers: Array.from({ length: last + 1 }, (_, layer) => names((stage) => layerOf[stage - 1] === layer)),
    head: names((stage) => stage > joins.length),
  };
}

/** Layer of each join: a new one begins with every attention, or with every join where there is no attention. */
function numberLayers(joins: readonly ResidualJoin[]): number[] {
  const attends = joins.some(({ kind }) => kind === 'attention');
  let layer = 0;
  return joins.map(({ kind }, i) => {
    if (i > 0 && (!attends || kind === 'attention')) layer++;
    return layer;
  });
}

/** Stage of every parameter: 0 embeddings, k the k-th join's sublayer, one more than the joins the head. */
function parameterStages(graph: Graph, joins: readonly ResidualJoin[]): Map<string, number> {
  const place = new Placement(graph, joins);
  const stages = new Map<string, number>();
  // parameters, and what is computed from parameters and constants alone, by name
  const fixed = new Map<string, readonly string[]>(graph.parameters.map(({ name }) => [name, [name]]));
  for (const { name } of graph.initializers) fixed.set(name, []);
  const settle = (names: readonly string[], stage: number) => {
    for (const name of names) stages.set(name, Math.min(stages.get(name) ?? Number.POSITIVE_INFINITY, stage));
  };
  for (const [index, node] of graph.nodes.entries()) {
    const stage = place.node(node, index);
    const inputs = node.inputs.filter((name) => name !== '');
    const read = inputs.flatMap((name) => fixed.get(name) ?? []);
    if (inputs.every((name) => fixed.has(name)) && node.op !== 'Gather') {
      for (const output of node.outputs) fixed.set(output, read);
    } else settle(read, stage);
  }
  return stages;
}

/** Walks a graph in order and says which sublayer each node belongs to. */
class Placement {
  readonly #joins: readonly ResidualJoin[];
  readonly #graph: Graph;
  readonly #parameters: ReadonlySet<string>;
  /** Joins passed on the way to a value. */
  readonly #depth = new Map<string, number>();
  /** Values that the residual of their depth's next join, or a product behind the last join, leads to. */
  readonly #inside = new Set<string>();
  /** Nodes that lead from a join to the residual of the next: its norm. */
  readonly #towardsResidual: ReadonlySet<GraphNode>;
  readonly #scaled = new Set<string>();

  constructor(graph: Graph, joins: readonly ResidualJoin[]) {
    this.#graph = graph;
    this.#joins = joins;
    this.#parameters = new Set(graph.parameters.map(({ name }) => name));
    this.#towardsResidual = leadingTo(
      graph,
      joins.map(({ residual }) => residual),
    );
  }

  node(node: GraphNode, index: number): number {
    // a position table looked up by the hidden state's length does not depend on the hidden state
    if (node.op === 'Shape' || node.op === 'Size') return 0;
    const depth = Math.max(0, ...node.inputs.map((name) => this.#depth.get(name) ?? 0));
    const passed = this.#joins.findIndex((join) => join.index === index);
    for (const output of node.outputs) this.#depth.set(output, passed < 0 ? depth : passed + 1);
    if (passed >= 0) return passed + 1;
    return depth === this.#joins.length ? this.#behindLast(node, depth) : this.#between(node, depth);
  }

  #between(node: GraphNode, depth: number): number {
    const { residual } = this.#joins[depth]!;
    const inside = node.inputs.some((name) => name === residual || this.#inside.has(name));
    if (!inside) return this.#towardsResidual.has(node) || depth === 0 ? depth : this.#joins.length + 1;
    for (const output of node.outputs) this.#inside.add(output);
    return depth + 1;
  }

  /** Of what follows the last join, its norm is still the layer's: a scale and a shift of all positions. */
  #behindLast(node: GraphNode, depth: number): number {
    const sum = this.#graph.values.get(this.#joins[depth - 1]!.output);
    const result = this.#graph.values.get(node.outputs[0] ?? '');
    const other = node.inputs.find((name) => !this.#parameters.has(name)) ?? '';
    const begun = node.inputs.some((name) => this.#inside.has(name));
    const scales = node.op === 'Mul' && node.inputs.some((name) => this.#parameters.has(name));
    const norm =
      node.op === 'LayerNormalization' ||
      (scales && this.#normalised(other)) ||
      (node.op === 'Add' && this.#scaled.has(other));
    if (!begun && norm && String(sum?.shape) === String(result?.shape)) {
      if (scales) for (const output of node.outputs) this.#scaled.add(output);
      return depth;
    }
    if (begun || node.op.endsWith('MatMul') || node.op === 'Gemm') {
      for (const output of node.outputs) this.#inside.add(output);
    }
    return depth + 1;
  }

  /** A norm's quotient: (x - mean) / deviation, or times its inverse. */
  #normalised(value: string): boolean {
    const producer = this.#graph.nodes.find(({ outputs }) => outputs.includes(value));
    return producer?.op === 'Div' || producer?.op === 'Mul';
  }
}

function leadingTo(graph: Graph, values: readonly string[]): Set<GraphNode> {
  const needed = new Set(values);
  const nodes = new Set<GraphNode>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.add(node);
    for (const name of node.inputs) needed.add(name);
  }
  return nodes;
}
