import type { OpType } from './operators/index.ts';
import type { Tensor } from './tensor.ts';
import type { Attributes, TensorType } from './tensor-type.ts';

export type { Attribute, Attributes, TensorType } from './tensor-type.ts';

/** A named value of a graph. */
export interface Value extends TensorType {
  readonly name: string;
}

/** A constant of a graph. */
export interface Initializer extends Tensor {
  readonly name: string;
}

/** A trainable tensor (float32). */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** One operation. An omitted optional input is the empty name, as in ONNX. */
export interface GraphNode {
  readonly name: string;
  readonly op: OpType;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/**
 * A computation as plain data, in static single assignment: every name is produced once, nodes stand in execution order.
 * `values` holds the type of every name (inputs, constants, parameters and results).
 */
export interface Graph {
  readonly name: string;
  /** Version of the ai.onnx operator set. */
  readonly opset: number;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
  readonly parameters: readonly Parameter[];
  readonly values: ReadonlyMap<string, TensorType>;
  /** Written to and read from the model file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The operator set of built graphs: the first with Gelu; LayerNormalization and reductions by axes input are older. */
export const OPSET = 20;
