import { type Attributes, type GraphBuilder, intAttribute, type OpType, type Value } from '../onnx/index.ts';

/** What a gradient rule sees of one operation y = f(x). */
export interface RuleCall {
  /** Where the rule emits its operations. */
  readonly g: GraphBuilder;
  /** Inputs; an omitted optional input is undefined. */
  readonly x: readonly (Value | undefined)[];
  /** Outputs. */
  readonly y: readonly Value[];
  /** Gradient of the loss by the first output, of its shape. */
  readonly dy: Value;
  /** Gradients of all outputs; undefined where the loss does not depend on one. */
  readonly dys: readonly (Value | undefined)[];
  readonly attributes: Attributes;
}

/** Builds the gradient by one input. Called only if that gradient is needed. */
export type InputGradient = () => Value;

/**
 * The gradients of an operation: one function per input, undefined for inputs that have none (indices, shapes). The
 * result may be broadcast against the input either way: the backward walk sums or expands it to the input's shape.
 * 'none' is for operations whose derivative is zero almost everywhere or whose result is no float.
 */
export type GradientRule = ((call: RuleCall) => (InputGradient | undefined)[]) | 'none';

export type RuleTable = Partial<Record<OpType, GradientRule>>;

/** The operators all of whose outputs have gradients; of the others only the first has. */
export const everyOutput: ReadonlySet<OpType> = new Set(['Split', 'RNN', 'GRU', 'LSTM']);

/** The int attribute `axis` as a non-negative number. */
export function axisOf({ attributes, x }: RuleCall, fallback: number, index = 0): number {
  const axis = intAttribute(attributes, 'axis', fallback);
  return axis < 0 ? axis + (x[index]?.shape.length ?? 0) : axis;
}
