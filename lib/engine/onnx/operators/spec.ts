import { type Dim, formatShape, type Shape } from '../dims.ts';
import { GraphError } from '../errors.ts';
import type { DType } from '../tensor.ts';
import type { Attribute, Attributes, TensorType } from '../tensor-type.ts';

export type AttributeKind = 'int' | 'float' | 'string' | 'ints' | 'floats' | 'strings' | 'dtype';

/** One operator: what it takes and the types of what it gives. */
export interface OperatorSpec {
  /** Only for operators outside ai.onnx. */
  readonly domain?: 'com.microsoft' | 'ai.onnx.ml';
  /** Least and most inputs. */
  readonly inputs: readonly [number, number];
  readonly attributes?: Readonly<Record<string, AttributeKind>>;
  /** The types of all outputs the operator can give; throws GraphError through `fail` on shapes that do not fit. */
  readonly infer: (node: InferContext) => TensorType[];
}

/** What a shape rule sees of the node. */
export class InferContext {
  readonly label: string;
  readonly inputs: readonly (TensorType | undefined)[];
  readonly attributes: Attributes;
  readonly outputCount: number;
  readonly #known: readonly (readonly Dim[] | undefined)[];

  constructor(given: {
    label: string;
    inputs: readonly (TensorType | undefined)[];
    /** Per input, its elements where they are known: constants, and sizes taken from shapes. */
    known: readonly (readonly Dim[] | undefined)[];
    attributes: Attributes;
    outputCount: number;
  }) {
    this.label = given.label;
    this.inputs = given.inputs;
    this.attributes = given.attributes;
    this.outputCount = given.outputCount;
    this.#known = given.known;
  }

  /** Ends the inference: the message names the node, its operator and its input shapes. */
  fail(message: string): never {
    const shapes = this.inputs
      .map((type) => (type ? `${type.dtype}${formatShape(type.shape)}` : '–'))
      .join(', ');
    throw new GraphError(`${this.label} of (${shapes}): ${message}.`);
  }

  input(index: number): TensorType {
    return this.inputs[index] ?? this.fail(`input ${index} is missing`);
  }

  shape(index: number): Shape {
    return this.input(index).shape;
  }

  /** The elements of an input, some of which may be symbolic sizes; undefined when unknown. */
  known(index: number): readonly Dim[] | undefined {
    return this.#known[index];
  }

  /** The elements of a constant input of integers or numbers; undefined when the input is absent. */
  constant(index: number, what: string): number[] | undefined {
    if (this.inputs[index] === undefined) return undefined;
    const known = this.#known[index];
    if (known === undefined || known.some((dim) => typeof dim !== 'number')) {
      this.fail(
        `${what} (input ${index}) must be constant; fix the sizes first (specialise, or dims of importModel)`,
      );
    }
    return known as number[];
  }

  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(axis) || positive < 0 || positive >= rank)
      this.fail(`axis ${axis} is outside rank ${rank}`);
    return positive;
  }

  int(name: string, fallback: number): number {
    return intAttribute(this.attributes, name, fallback);
  }

  requireFloat(...indices: number[]): void {
    for (const i of indices) {
      if (!this.input(i).dtype.startsWith('float')) this.fail(`input ${i} must be a float tensor`);
    }
  }

  requireInteger(...indices: number[]): void {
    for (const i of indices) {
      if (!this.input(i).dtype.startsWith('int')) this.fail(`input ${i} must be an int32 or int64 tensor`);
    }
  }

  requireSameType(...indices: number[]): DType {
    const first = this.input(indices[0] ?? 0).dtype;
    for (const i of indices) {
      if (this.input(i).dtype !== first)
        this.fail(`inputs must share one type, here ${first} and ${this.input(i).dtype}`);
    }
    return first;
  }
}

export function intAttribute(attributes: Attributes, name: string, fallback: number): number {
  const value = attributes[name];
  return typeof value === 'number' ? value : fallback;
}

export function stringAttribute(attributes: Attributes, name: string, fallback: string): string {
  const value = attributes[name];
  return typeof value === 'string' ? value : fallback;
}

export function listAttribute(attributes: Attributes, name: string): readonly number[] | undefined {
  const value: Attribute | undefined = attributes[name];
  return Array.isArray(value) ? (value as readonly number[]) : undefined;
}
