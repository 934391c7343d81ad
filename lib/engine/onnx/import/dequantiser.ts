import type { GraphProto, TensorProto } from 'onnx-buf';
import { GraphError } from '../errors.ts';
import { type ExternalReader, isFloatType, readTensor } from '../stored-tensors.ts';
import { type Tensor, toNumbers } from '../tensor.ts';
import { dequantise, type Steps } from './dequantise.ts';
import { type ForeignNode, labelOf } from './foreign-node.ts';
import { namesRead } from './order.ts';
import { isByte, isForeignInteger, isQuantisedType, readIntegers } from './stored-integers.ts';

/** What the importer goes on with. */
export interface Plain {
  readonly nodes: readonly ForeignNode[];
  /** Stored tensors of types that the engine has. */
  readonly initializers: readonly TensorProto[];
  /** Weights that were quantised, in float32. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** What quantisers put behind a weight's name. */
const SUFFIX = /_(quantized|Q\d+(G\d+)?)$/;

/** How the error of a graph that cannot be dequantised ends. */
const OTHER_FILE =
  'take the file that it was made from: of a repository with model_quantized.onnx, model_int8.onnx or the like that is model.onnx, ' +
  'model_fp16.onnx or model_q4.onnx';

/** @throws GraphError, always: the operators are named */
function refuseQuantised(operators: readonly string[]): never {
  throw new GraphError(
    `The model is quantised with operators that cannot be brought to float32 (${operators.join(', ')}); ${OTHER_FILE}.`,
  );
}

/** Walks the nodes in order and keeps, for each quantised value, the float32 value that it stands for. */
export class Dequantiser {
  readonly #stored: ReadonlyMap<string, TensorProto>;
  readonly #external: ExternalReader | undefined;
  readonly #nodes: ForeignNode[] = [];
  readonly #weights = new Map<string, Tensor>();
  /** Float values by the quantised ones, or by the dequantised ones, that stand for them. */
  readonly #floats = new Map<string, string>();
  /** Steps of dynamically quantised values: the product of two of these scales a product of whole numbers. */
  readonly #steps = new Set<string>();
  /** The stored scale that such a step was multiplied with. */
  readonly #scales = new Map<string, string>();
  /** Products of whole numbers whose scale comes later. */
  readonly #products = new Map<string, ForeignNode>();
  /** Nodes that hand on stored whole numbers in another shape, by their output. */
  readonly #moved = new Map<string, ForeignNode>();

  constructor(graph: GraphProto, external: ExternalReader | undefined) {
    this.#stored = new Map(graph.initializer.map((proto) => [proto.name, proto]));
    this.#external = external;
  }

  /** A node whose operator is no quantised one; `movesValues` says that it hands values on as they are. */
  keep(node: ForeignNode, movesValues: boolean): void {
    if (node.inputs.some((name) => this.#isWhole(name))) {
      if (!movesValues) this.refuse(node);
      this.#moved.set(node.outputs[0] ?? '', node);
      return;
    }
    const quantised = node.inputs.some((name) => this.#floats.has(name));
    // Branches of If keep the names of what they take from outside.
    if (node.attributes.size > 0)
      for (const name of namesRead(node)) if (!node.inputs.includes(name)) this.finish(name);
    this.#nodes.push({ ...node, inputs: node.inputs.map((name) => this.#floats.get(name) ?? name) });
    if (quantised && movesValues) for (const name of node.outputs) this.#floats.set(name, name);
  }

  #isWhole(name: string): boolean {
    const proto = this.#stored.get(name);
    return this.#moved.has(name) || (proto !== undefined && (isForeignInteger(proto) || isByte(proto)));
  }

  /** A node in place of a quantised one. Its outputs are float values. */
  emit(
    node: ForeignNode,
    op: string,
    inputs: readonly string[],
    keep: readonly string[] = [],
    domain = '',
  ): void {
    const attributes = new Map([...node.attributes].filter(([name]) => keep.includes(name)));
    this.#nodes.push({ ...node, op, domain, inputs, attributes });
  }

  /** A further node, whose output is named. */
  emitBefore(node: ForeignNode, op: string, inputs: readonly string[], output: string): string {
    this.#nodes.push({
      ...node,
      name: `${node.name}/${op}`,
      op,
      domain: '',
      inputs,
      outputs: [output],
      attributes: new Map(),
    });
    return output;
  }

  /** From here on `name` stands for the float value. */
  standsFor(name: string | undefined, float: string): void {
    if (name) this.#floats.set(name, this.#floats.get(float) ?? float);
  }

  /** Name of the float value of what is at an input, with the scale and the zero point that are given with it. */
  float(node: ForeignNode, input: number, scale = input + 1, zero = input + 2, axis = -1): string {
    const name = node.inputs[input] ?? '';
    return name === ''
      ? ''
      : this.#floatOf(node, name, node.inputs[scale] ?? '', node.inputs[zero] ?? '', axis);
  }

  #floatOf(node: ForeignNode, name: string, scale: string, zero: string, axis: number): string {
    const known = this.#floats.get(name);
    if (known !== undefined) return known;
    const moved = this.#moved.get(name);
    if (moved) {
      const root = this.#floatOf(node, moved.inputs[0] ?? '', scale, zero, axis);
      this.#nodes.push({ ...moved, inputs: [root, ...moved.inputs.slice(1)] });
      this.#floats.set(name, name);
      return name;
    }
    const proto = this.#stored.get(name);
    if (!proto) return name;
    if (isFloatType(proto.dataType)) return name;
    const steps = this.steps(node, scale, zero, axis);
    if (!isQuantisedType(proto) || !steps) return this.refuse(node, ', whose scales are not stored');
    const weight = this.addWeight(name, dequantise(readIntegers(proto, this.#external), steps, name));
    this.#floats.set(name, weight);
    return weight;
  }

  /** A weight in float32, under the name that it had before it was quantised where that is free. */
  addWeight(name: string, weight: Tensor): string {
    const bare = name.replace(SUFFIX, '');
    const own = this.#stored.has(bare) || this.#weights.has(bare) ? name : bare;
    this.#weights.set(own, weight);
    return own;
  }

  /** Stored scales and zero points; undefined where they are not stored. */
  steps(node: ForeignNode, scale: string, zero: string, axis: number): Steps | undefined {
    const scales = this.floats(scale);
    if (!scales) return undefined;
    const zeros = zero === '' ? undefined : this.wholes(node, zero);
    return { shape: scales.shape, scales: toNumbers(scales), zeros, axis };
  }

  /** Values of a stored float tensor. */
  floats(name: string): Tensor | undefined {
    const proto = this.#stored.get(name);
    return proto && isFloatType(proto.dataType) ? readTensor(proto, this.#external) : undefined;
  }

  /** Values of a stored tensor of whole numbers. */
  wholes(node: ForeignNode, name: string): ArrayLike<number> {
    const proto = this.#stored.get(name);
    if (!proto) return this.refuse(node, `, of which ${name} is not stored`);
    return readIntegers(proto, this.#external).values;
  }

  isStored(name: string | undefined): boolean {
    return name !== undefined && this.#stored.has(name);
  }

  /** The value is the step of a dynamically quantised one. */
  markStep(name: string | undefined): void {
    if (name) this.#steps.add(name);
  }

  isStep(name: string | undefined): boolean {
    return name !== undefined && this.#steps.has(name);
  }

  /** `product` is a step times the stored scale. */
  holdScale(product: string, scale: string): void {
    this.#steps.add(product);
    this.#scales.set(product, scale);
  }

  scaleOf(product: string): string {
    return this.#scales.get(product) ?? product;
  }

  holdProduct(name: string, node: ForeignNode): void {
    this.#products.set(name, node);
  }

  productOf(name: string | undefined): ForeignNode | undefined {
    return this.#products.get(name ?? '');
  }

  /** A bias of whole numbers, whose step is the product of two stored ones. */
  addBias(node: ForeignNode, input: number, steps: readonly [number, number]): string {
    const name = node.inputs[input] ?? '';
    const [a, b] = steps.map((step) => this.floats(node.inputs[step] ?? ''));
    const proto = this.#stored.get(name);
    if (!a || !b || !proto) return this.refuse(node, ', whose scales are not stored');
    const [left = 1, right] = [toNumbers(a)[0], toNumbers(b)];
    const scales = { shape: b.shape, scales: right.map((scale) => left * scale), zeros: undefined, axis: -1 };
    return this.addWeight(name, dequantise(readIntegers(proto, this.#external), scales, name));
  }

  /** Are values of fewer than 8 bits stored as bytes here, and not in a type of their own? */
  isPacked(name: string): boolean {
    const proto = this.#stored.get(name);
    return proto !== undefined && isByte(proto);
  }

  /** @throws GraphError, always */
  refuse(node: ForeignNode, why = ''): never {
    return refuseQuantised([`${labelOf(node)}${why}`]);
  }

  /** An output of the graph, or what a branch reads, may be a dequantised value, which is another name by now. */
  finish(output: string): void {
    const float = this.#floats.get(output);
    if (float === undefined || float === output) return;
    this.#floats.set(output, output);
    const identity = { name: `${output}~`, op: 'Identity', domain: '', opset: 13, attributes: new Map() };
    this.#nodes.push({ ...identity, inputs: [float], outputs: [output] });
  }

  result(): Plain {
    const used = new Set(this.#nodes.flatMap(({ inputs }) => inputs));
    const initializers = [...this.#stored.values()].filter(
      (proto) => !this.#weights.has(proto.name) && (used.has(proto.name) || !isForeignInteger(proto)),
    );
    return { nodes: this.#nodes, initializers, weights: this.#weights };
  }
}
