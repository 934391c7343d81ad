import { removeDeadCode } from '../dead-code.ts';
import { GraphError } from '../errors.ts';
import type { Attributes, Graph, GraphNode, Initializer, TensorType } from '../graph.ts';
import { inferTypes } from '../infer.ts';
import type { OpType } from '../operators/index.ts';
import { elementCount, isFloat, type Tensor, toNumbers } from '../tensor.ts';

/** Constants of other exporters are float32 roundings of what they mean. */
const TOLERANCE = 1e-5;

/** What a fusion puts in place of a node: in execution order, the last under the node's own output. */
export type Replacement = readonly GraphNode[];

/** Looks at one node as the end of a pattern; undefined where it is none. */
export type Fusion = (node: GraphNode, view: GraphView) => Replacement | undefined;

/** A graph as patterns are looked for in it: backwards, from a value to what computes it. */
export class GraphView {
  readonly #graph: Graph;
  readonly #producers = new Map<string, GraphNode>();
  readonly #constants: ReadonlyMap<string, Initializer>;
  readonly #readers = new Map<string, number>();
  readonly #added: Initializer[] = [];
  readonly #shared = new Map<string, string>();
  readonly #fresh = new Set<string>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#constants = new Map(graph.initializers.map((constant) => [constant.name, constant]));
    for (const node of graph.nodes) {
      for (const name of node.outputs) this.#producers.set(name, node);
      for (const name of node.inputs) this.#read(name);
    }
    for (const { name } of graph.outputs) this.#read(name);
  }

  /** Constants that replacements brought with them. */
  get added(): readonly Initializer[] {
    return this.#added;
  }

  /** The value itself, behind copies and casts to the type it has. */
  behind(name: string): string {
    for (let at = name; ; ) {
      const node = this.#producers.get(at);
      const from = node?.inputs[0] ?? '';
      if (node?.op !== 'Identity' && node?.op !== 'Cast') return at;
      if (node.op === 'Cast' && this.type(from).dtype !== this.type(at).dtype) return at;
      at = from;
    }
  }

  /** The node that computes a value, if it is of this operator. */
  made(name: string, op: OpType): GraphNode | undefined {
    const node = this.#producers.get(this.behind(name));
    return node?.op === op ? node : undefined;
  }

  type(name: string): TensorType {
    const type = this.#graph.values.get(name);
    if (!type) throw new GraphError(`Graph ${this.#graph.name} has no value ${name} to fuse.`);
    return type;
  }

  /** The number in a float constant of one element. */
  number(name: string): number | undefined {
    const constant = this.#constants.get(this.behind(name));
    const single = constant && isFloat(constant.dtype) && elementCount(constant.shape) === 1;
    return single ? Number(constant.data[0]) : undefined;
  }

  /** The elements of an int64 constant. */
  integers(name: string): number[] | undefined {
    const constant = this.#constants.get(this.behind(name));
    return constant?.dtype === 'int64' ? toNumbers(constant) : undefined;
  }

  is(name: string, expected: number): boolean {
    const value = this.number(name);
    return value !== undefined && near(value, expected);
  }

  /** How many inputs of nodes, and outputs of the graph, read a value. */
  readers(name: string): number {
    return this.#readers.get(name) ?? 0;
  }

  /** The name of a new constant; equal ones share one, so that what is computed from them can be merged. */
  constant(value: Tensor, near: GraphNode): string {
    const key = `${value.dtype}|${value.shape}|${value.data}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.#name(near, 'const');
    this.#shared.set(key, name);
    this.#added.push({ name, ...value });
    return name;
  }

  /** A new node on the way to `root`, or with `output` in its place. */
  node(
    op: OpType,
    inputs: readonly string[],
    attributes: Attributes,
    root: GraphNode,
    output = this.#name(root, op),
  ): GraphNode {
    return {
      name: output === root.outputs[0] ? root.name : output,
      op,
      inputs,
      outputs: [output],
      attributes,
    };
  }

  #name(root: GraphNode, hint: string): string {
    let name = `${root.name}~${hint}`;
    for (let i = 2; this.#graph.values.has(name) || this.#fresh.has(name); i++)
      name = `${root.name}~${hint}_${i}`;
    this.#fresh.add(name);
    return name;
  }

  #read(name: string): void {
    this.#readers.set(name, this.readers(name) + 1);
  }
}

/** Equal up to a float32's rounding. */
export function near(value: number, expected: number): boolean {
  return Math.abs(value - expected) <= TOLERANCE * Math.abs(expected);
}

/** Both orders of a commutative operation's inputs. */
export function eitherOrder({ inputs: [a = '', b = ''] }: GraphNode): [string, string][] {
  return [
    [a, b],
    [b, a],
  ];
}

/** The graph with every pattern that the fusion finds replaced. */
export function applyFusion(graph: Graph, fusion: Fusion): Graph {
  const view = new GraphView(graph);
  let found = false;
  const nodes = graph.nodes.flatMap((node) => {
    const replacement = fusion(node, view);
    found ||= replacement !== undefined;
    return replacement ?? [node];
  });
  if (!found) return graph;
  return removeDeadCode(
    inferTypes({ ...graph, nodes, initializers: [...graph.initializers, ...view.added] }),
  );
}
