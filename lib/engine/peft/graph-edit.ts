import {
  type Graph,
  type GraphNode,
  type Initializer,
  inferTypes,
  type Parameter,
  tensor,
} from '../onnx/index.ts';
import { PeftError } from './errors.ts';

/** A graph being rewritten in place: nodes are put in behind the value they change, which keeps its name. */
export class GraphEdit {
  readonly #graph: Graph;
  readonly #nodes: GraphNode[];
  readonly #parameters: Parameter[];
  readonly #initializers: Initializer[];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#nodes = [...graph.nodes];
    this.#parameters = [...graph.parameters];
    this.#initializers = [...graph.initializers];
  }

  /** A new parameter. Throws PeftError when the name is taken. */
  parameter(name: string, shape: readonly number[], data: Float32Array): string {
    if (this.#parameters.some((parameter) => parameter.name === name)) {
      throw new PeftError(
        `The graph ${this.#graph.name} has a parameter ${name} already: it was tuned this way before.`,
      );
    }
    this.#parameters.push({ name, shape, data });
    return name;
  }

  /** An int64 constant. */
  ints(name: string, values: readonly number[]): string {
    this.#initializers.push({ name, ...tensor('int64', [values.length], [...values]) });
    return name;
  }

  /** A float32 scalar constant. */
  scalar(name: string, value: number): string {
    this.#initializers.push({ name, ...tensor('float32', [], [value]) });
    return name;
  }

  /**
   * Puts nodes behind a value: what made it now makes `inner`, and the last of `nodes` makes the value itself, so that
   * whoever reads it, outputs of the graph included, reads the changed one.
   */
  wrap(value: string, inner: string, nodes: readonly GraphNode[]): void {
    const at = this.#nodes.findIndex(({ outputs }) => outputs.includes(value));
    const producer = this.#nodes[at];
    if (!producer) throw new PeftError(`No node of graph ${this.#graph.name} makes ${value}.`);
    const outputs = producer.outputs.map((name) => (name === value ? inner : name));
    this.#nodes.splice(at, 1, { ...producer, outputs }, ...nodes);
  }

  /** Puts nodes in front of the one that makes a value, whose inputs they may then make. */
  before(value: string, nodes: readonly GraphNode[], change: (node: GraphNode) => GraphNode): void {
    const at = this.#nodes.findIndex(({ outputs }) => outputs.includes(value));
    const node = this.#nodes[at];
    if (!node) throw new PeftError(`No node of graph ${this.#graph.name} makes ${value}.`);
    this.#nodes.splice(at, 1, ...nodes, change(node));
  }

  build(): Graph {
    return inferTypes({
      ...this.#graph,
      nodes: this.#nodes,
      parameters: this.#parameters,
      initializers: this.#initializers,
    });
  }
}

/** The nodes of a graph by the values they make and read. */
export interface Wiring {
  readonly producers: ReadonlyMap<string, GraphNode>;
  readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;
}

export function wiringOf(graph: Graph): Wiring {
  const producers = new Map<string, GraphNode>();
  const consumers = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') producers.set(output, node);
    for (const input of new Set(node.inputs)) {
      if (input === '') continue;
      const readers = consumers.get(input);
      if (readers) readers.push(node);
      else consumers.set(input, [node]);
    }
  }
  return { producers, consumers };
}
