import type { Dim } from './dims.ts';
import { GraphError } from './errors.ts';
import {
  type Attributes,
  type Graph,
  type GraphNode,
  type Initializer,
  OPSET,
  type Parameter,
  type Value,
} from './graph.ts';
import { inferTypes, TypeTable } from './infer.ts';
import type { OpType } from './operators/index.ts';
import { type DType, elementCount, type Tensor, tensor } from './tensor.ts';

/** A value, or a number that becomes a scalar constant of the first value's type. */
export type Operand = Value | number;

interface OpenNode {
  readonly name: string;
  readonly op: OpType;
  readonly inputs: readonly string[];
  readonly outputs: string[];
  readonly attributes: Attributes;
}

/** Constants up to this many elements are looked up, so that equal ones are stored once. */
const SHARED_LIMIT = 64;

/**
 * Writes a graph operation by operation. Types are checked at once, so an error's stack points at the model's line.
 * Equal operations on equal inputs are emitted once (all operators are pure): gradient rules may name a forward value
 * again without computing it again.
 */
export class GraphEmitter {
  readonly #name: string;
  readonly #table = new TypeTable();
  readonly #inputs: Value[] = [];
  readonly #parameters: Parameter[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #nodes: OpenNode[] = [];
  readonly #producer = new Map<string, OpenNode>();
  readonly #seen = new Map<string, OpenNode>();
  readonly #constants = new Map<string, Value>();
  readonly #labels: { label: string; value: Value; output: boolean }[] = [];
  readonly #scopes: string[] = [];
  #metadata: Readonly<Record<string, string>> = {};
  #counter = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Continues an existing graph; its outputs are kept. */
  protected load(graph: Graph): void {
    for (const { name, dtype, shape } of graph.inputs) this.input(name, dtype, shape);
    for (const { name, shape, data } of graph.parameters) this.parameter(name, shape, data);
    for (const constant of graph.initializers) this.#addConstant(constant);
    for (const node of graph.nodes) this.#addNode({ ...node, outputs: [...node.outputs] });
    for (const output of graph.outputs) this.output(output.name, this.value(output.name));
    this.#metadata = graph.metadata;
  }

  /** A tensor fed at every run. Sizes may be names, 'batch' say. */
  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    const broken = shape.find((dim) => typeof dim === 'number' && !(Number.isInteger(dim) && dim >= 0));
    if (broken !== undefined) throw new GraphError(`Input ${name} cannot have an axis of size ${broken}.`);
    this.#table.declare(name, { dtype, shape });
    const value: Value = { name, dtype, shape: [...shape] };
    this.#inputs.push(value);
    return value;
  }

  /** A trainable float32 tensor. Throws GraphError when the data does not fill the shape. */
  parameter(name: string, shape: readonly number[], data: Float32Array): Value {
    if (data.length !== elementCount(shape)) {
      throw new GraphError(
        `Parameter ${name} of shape [${shape}] needs ${elementCount(shape)} values, not ${data.length}.`,
      );
    }
    this.#table.declare(name, { dtype: 'float32', shape });
    this.#parameters.push({ name, shape: [...shape], data });
    return { name, dtype: 'float32', shape };
  }

  /**
   * A constant from a number, a list (one axis) or a tensor; numbers keep float64 precision until written. Under a name
   * of its own it is stored even where an equal one is.
   */
  constant(value: number | readonly number[] | Tensor, dtype: DType = 'float32', name?: string): Value {
    const whole =
      typeof value === 'number'
        ? tensor(dtype, [], [value])
        : 'data' in value
          ? value
          : tensor(dtype, [value.length], value);
    if (whole.data.length !== elementCount(whole.shape)) {
      throw new GraphError(`A constant of shape [${whole.shape}] cannot hold ${whole.data.length} elements.`);
    }
    if (name !== undefined) return this.#addConstant({ name, ...whole });
    const key =
      elementCount(whole.shape) <= SHARED_LIMIT ? `${whole.dtype}|${whole.shape}|${whole.data}` : undefined;
    const shared = key === undefined ? undefined : this.#constants.get(key);
    if (shared) return shared;
    return this.#addConstant({ name: this.#fresh('const'), ...whole });
  }

  /** One operation; its first output. Throws GraphError naming operator and shapes when they do not fit. */
  op(type: OpType, inputs: readonly (Operand | undefined)[], attributes: Attributes = {}): Value {
    return this.ops(type, inputs, attributes, 1)[0]!;
  }

  /** One operation with several outputs. */
  ops(
    type: OpType,
    inputs: readonly (Operand | undefined)[],
    attributes: Attributes,
    outputCount: number,
  ): Value[] {
    const dtype = inputs.find((operand) => typeof operand === 'object')?.dtype ?? 'float32';
    const names = inputs.map((operand) =>
      operand === undefined
        ? ''
        : typeof operand === 'number'
          ? this.constant(operand, dtype).name
          : operand.name,
    );
    while (names.at(-1) === '') names.pop();
    const key = nodeKey(type, names, attributes);
    const seen = this.#seen.get(key);
    if (!seen) {
      const name = this.#fresh(type);
      const outputs = Array.from({ length: outputCount }, (_, i) => (i === 0 ? name : `${name}.${i}`));
      return this.#addNode({ name, op: type, inputs: names, outputs, attributes });
    }
    const added: string[] = [];
    for (let i = 0; i < outputCount; i++) {
      if (seen.outputs[i]) continue;
      const name = this.#fresh(`${seen.name}.${i}`);
      seen.outputs[i] = name;
      this.#producer.set(name, seen);
      added.push(name);
    }
    if (added.length > 0) this.#table.node(seen, added);
    return seen.outputs.slice(0, outputCount).map((output) => this.value(output));
  }

  /** The first output of an operation that is in the graph already, with exactly these inputs and attributes. */
  existing(type: OpType, inputs: readonly Value[], attributes: Attributes = {}): Value | undefined {
    const seen = this.#seen.get(
      nodeKey(
        type,
        inputs.map(({ name }) => name),
        attributes,
      ),
    );
    return seen?.outputs[0] ? this.value(seen.outputs[0]) : undefined;
  }

  /** One operation under the names of the node and of its outputs. Throws GraphError as `op` does. */
  append(node: GraphNode): Value[] {
    return this.#addNode({ ...node, outputs: [...node.outputs] });
  }

  /** Prefixes the names of what `body` emits; names show in errors and profiles. */
  scope<T>(name: string, body: () => T): T {
    this.#scopes.push(name);
    try {
      return body();
    } finally {
      this.#scopes.pop();
    }
  }

  /** A value by its name. Throws GraphError when there is none. */
  value(name: string): Value {
    return { name, ...this.#table.type(name, 'The graph builder') };
  }

  /** The numbers of a small constant (axes, a bound, an exponent); undefined when it is none. */
  numbersOf(value: Value | undefined): readonly number[] | undefined {
    const known = value && this.#table.known(value.name);
    return known?.every((dim) => typeof dim === 'number') ? (known as readonly number[]) : undefined;
  }

  /**
   * Gives a value a name to find it by in the built graph (as `wrt` of differentiate, say). Go on with the returned value:
   * it is a copy where the given one is an input, a parameter, or has a name already.
   */
  label(name: string, value: Value): Value {
    if (this.#producer.has(value.name) && !this.#labels.some((entry) => entry.value.name === value.name)) {
      this.#labels.push({ label: name, value, output: false });
      return value;
    }
    return this.#addNode({ name, op: 'Identity', inputs: [value.name], outputs: [name], attributes: {} })[0]!;
  }

  /** Makes a value an output of the graph under this name. */
  output(name: string, value: Value): void {
    this.#labels.push({ label: name, value, output: true });
  }

  /** The graph so far. Throws GraphError when it has no output or a name is used twice. */
  build(): Graph {
    const outputs = this.#labels.filter((entry) => entry.output).map((entry) => ({ name: entry.label }));
    if (outputs.length === 0)
      throw new GraphError(`Graph ${this.#name} has no outputs; call output(name, value).`);
    const renamed = new Map<string, string>();
    const copies: GraphNode[] = [];
    for (const { label, value } of this.#labels) {
      const taken = renamed.get(value.name);
      if (label === value.name || taken === label) continue;
      if (this.#producer.has(value.name) && taken === undefined && !this.#isLabelled(value.name)) {
        renamed.set(value.name, label);
      } else {
        copies.push({
          name: `copy:${label}`,
          op: 'Identity',
          inputs: [value.name],
          outputs: [label],
          attributes: {},
        });
      }
    }
    const rename = (name: string): string => renamed.get(name) ?? name;
    const nodes = [...this.#nodes, ...copies].map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
    return inferTypes({
      name: this.#name,
      opset: OPSET,
      inputs: [...this.#inputs],
      outputs,
      nodes,
      initializers: [...this.#initializers],
      parameters: [...this.#parameters],
      metadata: this.#metadata,
    });
  }

  #isLabelled(name: string): boolean {
    return this.#labels.some((entry) => entry.label === name);
  }

  #addNode(node: OpenNode): Value[] {
    this.#table.node(node);
    this.#nodes.push(node);
    for (const output of node.outputs) this.#producer.set(output, node);
    const key = nodeKey(node.op, node.inputs, node.attributes);
    if (!this.#seen.has(key)) this.#seen.set(key, node);
    return node.outputs.map((name) =>
      name === '' ? { name, dtype: 'float32', shape: [] } : this.value(name),
    );
  }

  #addConstant(constant: Initializer): Value {
    this.#table.constant(constant);
    this.#initializers.push(constant);
    const value: Value = { name: constant.name, dtype: constant.dtype, shape: constant.shape };
    if (elementCount(constant.shape) <= SHARED_LIMIT) {
      this.#constants.set(`${constant.dtype}|${constant.shape}|${constant.data}`, value);
    }
    return value;
  }

  #fresh(hint: string): string {
    const prefix = this.#scopes.length > 0 ? `${this.#scopes.join('/')}/` : '';
    let name: string;
    do name = `${prefix}${hint}_${this.#counter++}`;
    while (this.#table.types.has(name));
    return name;
  }
}

function nodeKey(op: OpType, inputs: readonly string[], attributes: Attributes): string {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([op, inputs, sorted]);
}
