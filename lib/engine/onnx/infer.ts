import { type Dim, staticShape } from './dims.ts';
import { GraphError } from './errors.ts';
import type { Attributes, Graph, GraphNode, Initializer, TensorType, Value } from './graph.ts';
import { evaluate, type Tensor64 } from './interpret/index.ts';
import { knownElements } from './known-elements.ts';
import { operators } from './operators/index.ts';
import { type AttributeKind, InferContext } from './operators/spec.ts';
import { elementCount, isFloat, toNumbers } from './tensor.ts';

/** Constants up to this many elements take part in shape inference (axes, shapes, pads). */
const KNOWN_LIMIT = 64;

/** Types and known elements of the values of a graph, filled node by node. */
export class TypeTable {
  readonly types = new Map<string, TensorType>();
  readonly #known = new Map<string, readonly Dim[]>();

  declare(name: string, type: TensorType): void {
    if (name === '') throw new GraphError('A value needs a name.');
    if (this.types.has(name))
      throw new GraphError(`The name ${name} is used twice in the graph; names must be unique.`);
    this.types.set(name, { dtype: type.dtype, shape: [...type.shape] });
  }

  constant(initializer: Initializer): void {
    this.declare(initializer.name, initializer);
    if (initializer.shape.length <= 1 && elementCount(initializer.shape) <= KNOWN_LIMIT) {
      this.#known.set(initializer.name, toNumbers(initializer));
    }
  }

  /** The elements of a small constant or of a shape, where they are known. */
  known(name: string): readonly Dim[] | undefined {
    return this.#known.get(name);
  }

  type(name: string, label: string): TensorType {
    const type = this.types.get(name);
    if (!type) throw new GraphError(`${label} reads ${name}, which nothing before it produces.`);
    return type;
  }

  /**
   * Checks a node and declares its outputs (only those of `declared` where a node gains outputs later). Throws GraphError
   * naming the node, operator and shapes.
   */
  node(node: GraphNode, declared: readonly string[] = node.outputs): void {
    const label = `${node.name} (${node.op})`;
    const spec = operators[node.op];
    const [least, most] = spec.inputs;
    if (node.inputs.length < least || node.inputs.length > most) {
      throw new GraphError(`${label} takes ${least} to ${most} inputs, not ${node.inputs.length}.`);
    }
    checkAttributes(label, node.attributes, spec.attributes ?? {});
    const types = node.inputs.map((name) => (name === '' ? undefined : this.type(name, label)));
    const known = node.inputs.map((name) => this.#known.get(name));
    const context = new InferContext({
      label,
      inputs: types,
      known,
      attributes: node.attributes,
      outputCount: node.outputs.length,
    });
    const inferred = spec.infer(context);
    if (node.outputs.length > inferred.length) {
      throw new GraphError(`${label} gives ${inferred.length} outputs, not ${node.outputs.length}.`);
    }
    node.outputs.forEach((name, i) => {
      if (name !== '' && declared.includes(name)) this.declare(name, inferred[i]!);
    });
    const [first] = node.outputs;
    const small = inferred[0]!.shape.length <= 1 && !isFloat(inferred[0]!.dtype);
    if (!first || !small) return;
    const elements =
      knownElements(node.op, types, known, node.attributes) ?? computedElements(node, types, known);
    if (elements) this.#known.set(first, elements);
  }
}

/** Integers and conditions computed from constants: exporters put whole calculations in front of a Reshape. */
function computedElements(
  node: GraphNode,
  types: readonly (TensorType | undefined)[],
  known: readonly (readonly Dim[] | undefined)[],
): readonly number[] | undefined {
  const inputs: (Tensor64 | undefined)[] = [];
  for (const [i, type] of types.entries()) {
    const shape = type && staticShape(type.shape);
    const elements = known[i];
    if (type === undefined) inputs.push(undefined);
    else if (shape && elements?.every((dim) => typeof dim === 'number')) {
      inputs.push({ dtype: type.dtype, shape, data: Float64Array.from(elements) });
    } else return undefined;
  }
  const [result] = evaluate(node.op, inputs, node.attributes, node.outputs.length);
  return result && result.data.length <= KNOWN_LIMIT ? [...result.data] : undefined;
}

/**
 * The graph with the types of all values derived anew from its inputs, constants and parameters. Throws GraphError on
 * the first node that does not fit, on a name used twice, and on an output that nothing produces.
 */
export function inferTypes(
  graph: Omit<Graph, 'values' | 'outputs'> & { outputs: readonly { name: string }[] },
): Graph {
  const table = new TypeTable();
  for (const input of graph.inputs) table.declare(input.name, input);
  for (const constant of graph.initializers) table.constant(constant);
  for (const parameter of graph.parameters)
    table.declare(parameter.name, { dtype: 'float32', shape: parameter.shape });
  for (const node of graph.nodes) table.node(node);
  const outputs: Value[] = graph.outputs.map(({ name }) => ({
    name,
    ...table.type(name, 'The output list'),
  }));
  return { ...graph, outputs, values: table.types };
}

function checkAttributes(
  label: string,
  given: Attributes,
  allowed: Readonly<Record<string, AttributeKind>>,
): void {
  for (const [name, value] of Object.entries(given)) {
    const kind = allowed[name];
    if (kind === undefined)
      throw new GraphError(`${label} has no attribute ${name}; known: ${Object.keys(allowed)}.`);
    const fits =
      kind === 'int'
        ? Number.isInteger(value)
        : kind === 'float'
          ? typeof value === 'number'
          : kind === 'ints' || kind === 'floats' || kind === 'strings'
            ? Array.isArray(value)
            : typeof value === 'string';
    if (!fits)
      throw new GraphError(`${label}: attribute ${name} must be ${kind}, not ${JSON.stringify(value)}.`);
  }
}
