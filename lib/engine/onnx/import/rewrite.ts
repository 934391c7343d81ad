import type { AttributeProto } from 'onnx-buf';
import type { GraphBuilder } from '../builder.ts';
import { readAttribute } from '../decode.ts';
import { GraphError } from '../errors.ts';
import type { Attributes, Value } from '../graph.ts';
import { type OpType, operators } from '../operators/index.ts';
import type { Tensor } from '../tensor.ts';
import { type ForeignNode, labelOf } from './foreign-node.ts';

/** What a rewrite sees of a foreign node. */
export interface RewriteContext {
  readonly g: GraphBuilder;
  readonly node: ForeignNode;
  /** Inputs; an omitted optional input is undefined. */
  readonly x: readonly (Value | undefined)[];
  /** Emits a node under the foreign node's own name and outputs. */
  readonly named: (
    op: OpType,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
  ) => readonly Value[];
  readonly tensorOf: (attribute: AttributeProto) => Tensor;
}

/** Brings a foreign node to operators of ours: its outputs in order, undefined where one is not supported. */
export type Rewrite = (call: RewriteCall) => Value | readonly (Value | undefined)[];
export type RewriteTable = Readonly<Record<string, Rewrite>>;

export class RewriteCall {
  readonly g: GraphBuilder;
  readonly node: ForeignNode;
  readonly x: readonly (Value | undefined)[];
  readonly opset: number;
  readonly #context: RewriteContext;

  constructor(context: RewriteContext) {
    this.#context = context;
    this.g = context.g;
    this.node = context.node;
    this.x = context.x;
    this.opset = context.node.opset;
  }

  /** A needed input. */
  input(index: number): Value {
    return this.x[index] ?? this.fail(`input ${index} is missing`);
  }

  /** Is an output used under a name? */
  wants(output: number): boolean {
    return Boolean(this.node.outputs[output]);
  }

  int(name: string, fallback: number): number {
    const attribute = this.node.attributes.get(name);
    return attribute ? Number(attribute.i) : fallback;
  }

  float(name: string, fallback: number): number {
    const attribute = this.node.attributes.get(name);
    return attribute ? (this.#read(attribute, 'float') as number) : fallback;
  }

  string(name: string, fallback: string): string {
    const attribute = this.node.attributes.get(name);
    return attribute ? new TextDecoder().decode(attribute.s) : fallback;
  }

  ints(name: string): number[] | undefined {
    return this.node.attributes.get(name)?.ints.map(Number);
  }

  tensor(name: string): Tensor | undefined {
    const attribute = this.node.attributes.get(name);
    return attribute?.t ? this.#context.tensorOf(attribute) : undefined;
  }

  /** Emits an operation of ours under the node's own name, so that errors, profiles and patterns find it. */
  named(
    op: OpType,
    inputs: readonly (Value | undefined)[] = this.x,
    attributes: Attributes = {},
  ): readonly Value[] {
    return this.#context.named(op, inputs, attributes);
  }

  /** The attributes that our operator knows, without those left out. */
  attributes(op: OpType, without: readonly string[] = []): Attributes {
    const kinds = operators[op].attributes ?? {};
    const kept: Record<string, Attributes[string]> = {};
    for (const [name, attribute] of this.node.attributes) {
      if (!without.includes(name)) kept[name] = this.#read(attribute, kinds[name]);
    }
    return kept;
  }

  fail(message: string): never {
    const shapes = this.x.map((v) => (v ? `${v.dtype}[${v.shape.join(', ')}]` : '–')).join(', ');
    throw new GraphError(`${labelOf(this.node)} of (${shapes}): ${message}.`);
  }

  #read(attribute: AttributeProto, kind: string | undefined): Attributes[string] {
    return readAttribute(attribute, kind, labelOf(this.node));
  }
}
