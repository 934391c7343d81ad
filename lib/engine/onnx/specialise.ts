import { removeDeadCode } from './dead-code.ts';
import type { Graph, GraphNode, Initializer } from './graph.ts';
import { inferTypes } from './infer.ts';
import { evaluate, type Tensor64, toTensor64 } from './interpret/index.ts';
import { withSizes } from './sizes.ts';
import { elementCount, isFloat, rounded, tensor } from './tensor.ts';

/** Integer results up to this many elements are folded: sizes, axes, positions. */
const FOLD_LIMIT = 65_536;
/** Float results up to this many: scales made from sizes, and sizes made by way of floats. */
const FLOAT_FOLD_LIMIT = 64;

/**
 * The graph for fixed sizes: symbolic axes replaced by numbers, `specialise(graph, { batch: 256 })`, and what then is
 * constant among integers, conditions and small floats (Shape and what is computed from it) folded. Throws GraphError
 * when a name is no axis of an input or a size is no positive integer.
 */
export function specialise(graph: Graph, sizes: Readonly<Record<string, number>>): Graph {
  return foldConstants(inferTypes({ ...graph, inputs: withSizes(graph.inputs, sizes) }));
}

/** Computes nodes of constant inputs ahead, but for larger floats, which are left to the runtime's own arithmetic. */
export function foldConstants(graph: Graph): Graph {
  const folding = new Folding(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes.filter(
    (node) => node.outputs.some((name) => outputs.has(name)) || !folding.fold(node),
  );
  return removeDeadCode(inferTypes({ ...graph, nodes, initializers: folding.constants() }));
}

class Folding {
  readonly #graph: Graph;
  readonly #constants: Map<string, Initializer>;
  /**
   * Folded floats as float32 arithmetic gives them. The constants themselves are exact, as the float64 interpreter wants
   * them; but a rounding to integers must come out as it does in the runtime (log 8 / log 2 may be just below 3 there).
   */
  readonly #singles = new Map<string, Tensor64>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#constants = new Map(graph.initializers.map((constant) => [constant.name, constant]));
  }

  constants(): Initializer[] {
    return [...this.#constants.values()];
  }

  /** Turns the node's outputs into constants where it can; says whether it did. */
  fold(node: GraphNode): boolean {
    if (!this.#isSmall(node)) return false;
    if (node.op === 'Shape' || node.op === 'Size') return this.#foldShape(node);
    const inputs = node.inputs.map((name) => this.#constants.get(name));
    if (inputs.some((constant, i) => !constant && node.inputs[i] !== '')) return false;
    const run = (exact: boolean): Tensor64[] =>
      evaluate(
        node.op,
        inputs.map((constant) => constant && (exact ? toTensor64(constant) : this.#single(constant))),
        node.attributes,
        node.outputs.length,
      );
    const singles = run(false);
    const exact = roundsToIntegers(node, singles) ? singles : run(true);
    node.outputs.forEach((name, i) => {
      const { dtype, shape, data } = exact[i]!;
      this.#constants.set(name, { name, ...tensor(dtype, shape, data) });
      if (isFloat(dtype))
        this.#singles.set(name, { ...singles[i]!, data: singles[i]!.data.map(Math.fround) });
    });
    return true;
  }

  #single(constant: Initializer): Tensor64 {
    return this.#singles.get(constant.name) ?? toTensor64(rounded(constant));
  }

  #isSmall(node: GraphNode): boolean {
    return node.outputs.every((name) => {
      const type = this.#graph.values.get(name);
      if (!type?.shape.every((dim) => typeof dim === 'number')) return false;
      return elementCount(type.shape as number[]) <= (isFloat(type.dtype) ? FLOAT_FOLD_LIMIT : FOLD_LIMIT);
    });
  }

  /** Shape and Size need the type of their input only, not its value. */
  #foldShape(node: GraphNode): boolean {
    const shape = this.#graph.values.get(node.inputs[0] ?? '')?.shape;
    if (!shape?.every((dim) => typeof dim === 'number')) return false;
    const stand = {
      dtype: 'float32' as const,
      shape: shape as number[],
      data: new Float64Array(node.op === 'Size' ? elementCount(shape as number[]) : 0),
    };
    const [result] = evaluate(node.op, [stand], node.attributes, 1);
    const name = node.outputs[0]!;
    this.#constants.set(name, { name, ...tensor('int64', result!.shape, result!.data) });
    return true;
  }
}

function roundsToIntegers(node: GraphNode, results: readonly Tensor64[]): boolean {
  return (
    node.op === 'Ceil' ||
    node.op === 'Floor' ||
    node.op === 'Round' ||
    results.some(({ dtype }) => !isFloat(dtype))
  );
}
