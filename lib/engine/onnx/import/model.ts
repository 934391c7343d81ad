import type { GraphProto, ModelProto } from 'onnx-buf';
import { GraphBuilder } from '../builder.ts';
import { constantValue, parseModel, readInput, readNames } from '../decode.ts';
import { PARAMETERS_KEY, PRODUCER } from '../encode.ts';
import { GraphError } from '../errors.ts';
import type { Graph, Value } from '../graph.ts';
import { isOpType, operators } from '../operators/index.ts';
import { withSharedAxes, withSizes } from '../sizes.ts';
import { foldConstants } from '../specialise.ts';
import { type ExternalReader, isFloatType, readTensor, readType } from '../stored-tensors.ts';
import { type Tensor, tensor, toNumbers } from '../tensor.ts';
import { exactNumber } from './exact.ts';
import { type ForeignNode, graphAttribute, labelOf, operatorKey } from './foreign-node.ts';
import { FunctionTable, inlinedBranch, opsetOf } from './inline.ts';
import { inOrder } from './order.ts';
import { withoutQuantisation } from './quantised.ts';
import { RewriteCall } from './rewrite.ts';
import { rewrites } from './rewrites/index.ts';
import { onlyWeights, refuseNotFinite, weightNames } from './weights.ts';

/** Operator sets of ai.onnx that are brought to ours. */
const OLDEST_OPSET = 11;
const NEWEST_OPSET = 23;

export interface ImportOptions {
  /**
   * Sizes for symbolic input axes by name; those left out stay symbolic and may be given later to `specialise`. Axes whose
   * names contradict each other (a batch named by each input) are those of the first input of the same rank.
   */
  readonly dims?: Readonly<Record<string, number>>;
  /** The bytes of a file beside the model, for weights that are stored outside. */
  readonly externalData?: (location: string) => Uint8Array;
  /** Groups of names of equal weights that stay one parameter, though the exporter wrote them as aliases. */
  readonly tied?: readonly (readonly string[])[];
}

/**
 * Reads an ONNX model as published by others (operator sets 11 to 23, TorchScript and dynamo exports, ONNX Runtime's
 * fused operators): older forms are brought to ours, functions and decided branches put in place, half and double
 * precision widened to float32, shape calculations folded. Stored weights become parameters under their own names, also
 * equal ones that the exporter stored once under aliases. Throws GraphError on bytes that are no model, and on operators
 * that are not supported: all are named with their nodes; and on weights that are no finite numbers.
 */
export function importModel(source: Uint8Array, options: ImportOptions = {}): Graph {
  const { externalData } = options;
  const files = new Map<string, Uint8Array>();
  const external: ExternalReader | undefined =
    externalData &&
    ((location, offset, length) => {
      const whole = files.get(location) ?? externalData(location);
      files.set(location, whole);
      return whole.subarray(offset, length === undefined ? undefined : offset + length);
    });
  return importFrom(source, external, options);
}

/** `importModel` with a reader of byte ranges, for files larger than one buffer. */
export function importFrom(
  source: Uint8Array,
  external: ExternalReader | undefined,
  { dims = {}, tied = [] }: ImportOptions,
): Graph {
  const model = parseModel(source);
  const { graph: whole } = model;
  if (!whole) throw new GraphError('The file holds no graph; is it an ONNX model?');
  const opset = checkedOpset(model);
  const functions = new FunctionTable(model);
  const inlined = inOrder(functions.inline(whole.node, opset));
  // Our own 8-bit files are for scoring, by the operators that they have.
  const own8Bit = model.producerName === PRODUCER;
  const {
    nodes,
    initializers,
    weights: widened,
  } = own8Bit
    ? { nodes: inlined, initializers: whole.initializer, weights: new Map<string, Tensor>() }
    : withoutQuantisation(inlined, whole, external);
  const graph = { ...whole, initializer: [...initializers] };
  refuseUnsupported(nodes);
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
  const own = readNames(metadata[PARAMETERS_KEY]);
  delete metadata[PARAMETERS_KEY];
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const given = graph.input.filter(({ name }) => !stored.has(name)).map((info) => readInput(info, readType));
  const built = followed(withSizes(given, dims), (inputs) =>
    new Importer(graph, functions, opset, external, tied, widened).run(nodes, inputs),
  );
  const weights = onlyWeights(built, own.length > 0 ? new Set(own) : weightNames(built));
  refuseNotFinite(weights);
  return { ...foldConstants(weights), metadata };
}

/** The graph with the axes as named; where these do not fit each other, with axes that inputs of one rank share. */
function followed(inputs: readonly Value[], run: (inputs: readonly Value[]) => Graph): Graph {
  try {
    return run(inputs);
  } catch (error) {
    const shared = withSharedAxes(inputs);
    if (!shared || !(error instanceof GraphError)) throw error;
    try {
      return run(shared);
    } catch {
      throw error;
    }
  }
}

function checkedOpset(model: ModelProto): number {
  const opset = opsetOf(model.opsetImport) ?? 0;
  if (opset < OLDEST_OPSET || opset > NEWEST_OPSET) {
    throw new GraphError(
      `The model uses operator set ${opset}; export it with ${OLDEST_OPSET} to ${NEWEST_OPSET}.`,
    );
  }
  return opset;
}

function isSupported(node: ForeignNode): boolean {
  const key = operatorKey(node);
  if (key === 'Constant' || key === 'If' || Object.hasOwn(rewrites, key)) return true;
  return isOpType(node.op) && (operators[node.op].domain ?? '') === node.domain;
}

function refuseUnsupported(nodes: readonly ForeignNode[]): void {
  const unknown = nodes.filter((node) => !isSupported(node));
  if (unknown.length === 0) return;
  const names = unknown.map((node) => `${operatorKey(node)} (node ${node.name})`);
  throw new GraphError(`The model uses unsupported operators: ${[...new Set(names)].join(', ')}.`);
}

class Importer {
  readonly #g: GraphBuilder;
  readonly #graph: GraphProto;
  readonly #functions: FunctionTable;
  readonly #opset: number;
  readonly #external: ExternalReader | undefined;
  readonly #tied: readonly ReadonlySet<string>[];
  /** Weights that were quantised. */
  readonly #widened: ReadonlyMap<string, Tensor>;
  /** Values of ours by the foreign names that stand for them. */
  readonly #values = new Map<string, Value>();
  readonly #weights = new Map<string, Float32Array>();
  /** Are weights stored in Constant nodes? Only where none are stored as initialisers: else those are of formulas. */
  readonly #weightsInNodes: boolean;

  constructor(
    graph: GraphProto,
    functions: FunctionTable,
    opset: number,
    external: ExternalReader | undefined,
    tied: readonly (readonly string[])[],
    widened: ReadonlyMap<string, Tensor>,
  ) {
    this.#g = new GraphBuilder(graph.name);
    this.#graph = graph;
    this.#functions = functions;
    this.#opset = opset;
    this.#external = external;
    this.#tied = tied.map((group) => new Set(group));
    this.#widened = widened;
    this.#weightsInNodes =
      widened.size === 0 &&
      !graph.initializer.some(({ dims, dataType }) => dims.length > 0 && isFloatType(dataType));
  }

  run(nodes: readonly ForeignNode[], inputs: readonly Value[]): Graph {
    if (this.#graph.sparseInitializer.length > 0)
      throw new GraphError('The model stores sparse tensors; export it with dense ones.');
    for (const { name, dtype, shape } of inputs) this.#values.set(name, this.#g.input(name, dtype, shape));
    for (const proto of this.#graph.initializer) this.#store(proto.name, readTensor(proto, this.#external));
    for (const [name, weight] of this.#widened) this.#store(name, weight);
    for (const node of nodes) this.#node(node);
    for (const { name } of this.#graph.output) this.#g.output(name, this.#value(name, 'The output list'));
    return this.#g.build();
  }

  /** Float tensors of an axis or more may be weights, which is seen when all their uses are known. */
  #store(name: string, t: Tensor, mayBeWeight = true): void {
    if (t.dtype !== 'float32' || t.shape.length === 0 || !mayBeWeight) {
      const single = t.dtype === 'float32' && t.data.length === 1;
      const meant = single ? tensor('float32', t.shape, toNumbers(t).map(exactNumber)) : t;
      this.#values.set(name, this.#g.constant(meant, t.dtype, name));
      return;
    }
    const data = t.data instanceof Float32Array ? t.data : Float32Array.from(toNumbers(t));
    this.#weights.set(name, data);
    this.#values.set(name, this.#g.parameter(name, t.shape, data));
  }

  #value(name: string, reader: string): Value {
    const value = this.#values.get(name);
    if (!value) throw new GraphError(`${reader} reads ${name}, which nothing before it produces.`);
    return value;
  }

  #node(node: ForeignNode): void {
    const key = operatorKey(node);
    if (key === 'Constant') this.#constant(node);
    else if (key === 'If') this.#branch(node);
    else if (key === 'Identity' && this.#weights.has(node.inputs[0] ?? '')) this.#alias(node);
    else this.#operation(node, key);
  }

  #constant(node: ForeignNode): void {
    const [attribute] = node.attributes.values();
    const value = attribute && constantValue(attribute, (proto) => readTensor(proto, this.#external));
    if (!value)
      throw new GraphError(`${labelOf(node)} has no value of a supported kind (${attribute?.name}).`);
    this.#store(node.outputs[0] ?? '', value, this.#weightsInNodes);
  }

  /** An exporter's second name for equal weights: a weight of its own, unless the two were declared one. */
  #alias(node: ForeignNode): void {
    const [from, to] = [node.inputs[0] ?? '', node.outputs[0] ?? ''];
    const source = this.#value(from, labelOf(node));
    if (this.#tied.some((group) => group.has(from) && group.has(to))) {
      this.#values.set(to, source);
      return;
    }
    this.#store(to, { ...source, shape: source.shape as number[], data: this.#weights.get(from)!.slice() });
  }

  /** A branch that constants decide is put in place of the If. */
  #branch(node: ForeignNode): void {
    const [condition] = this.#g.numbersOf(this.#value(node.inputs[0] ?? '', labelOf(node))) ?? [];
    if (condition === undefined) {
      throw new GraphError(
        `${labelOf(node)} chooses by a value that is not constant; fix the sizes of the input axes (dims) if it depends on them.`,
      );
    }
    const graph = graphAttribute(node, condition ? 'then_branch' : 'else_branch');
    const body = inlinedBranch(graph, node);
    for (const proto of body.initializer) this.#store(proto.name, readTensor(proto, this.#external));
    const nodes = this.#functions.inline(body.node, this.#opset);
    refuseUnsupported(nodes);
    for (const inner of nodes) this.#node(inner);
  }

  #operation(node: ForeignNode, key: string): void {
    const x = node.inputs.map((name) => (name === '' ? undefined : this.#value(name, labelOf(node))));
    const call = new RewriteCall({
      g: this.#g,
      node,
      x,
      named: (op, inputs, attributes) => {
        const names = inputs.map((value) => value?.name ?? '');
        while (names.at(-1) === '') names.pop();
        return this.#g.append({ name: node.name, op, inputs: names, outputs: node.outputs, attributes });
      },
      tensorOf: ({ t }) => readTensor(t!, this.#external),
    });
    const rewrite = Object.hasOwn(rewrites, key) ? rewrites[key] : undefined;
    const results = this.#g.scope(`${node.name}~`, () => {
      if (rewrite) return rewrite(call);
      if (!isOpType(node.op)) return call.fail('the operator is not supported');
      return call.named(node.op, x, call.attributes(node.op));
    });
    node.outputs.forEach((name, i) => {
      const value = 'dtype' in results ? (i === 0 ? results : undefined) : results[i];
      if (name !== '' && value) this.#values.set(name, value);
    });
  }
}
