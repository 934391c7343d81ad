import { ProgramError, sizeOf } from '../host/index.ts';
import type { Parameter } from '../onnx/index.ts';

/** One lookup in an embedding table whose gradient comes as rows. */
export interface RowGradientOutput {
  /** The feed (or, failing that, the output) with the ids that were looked up; int64 or int32. */
  ids: string;
  /** The output with the gradient of the lookup's result, shape (…ids' shape, width). */
  rows: string;
}

/**
 * What a trainer drives: an ONNX graph that computes a loss and its gradients. Parameters are inputs of the graph, so
 * that the update can run in place outside of it; so are the batch, dropout masks and a weight per row. The weights let
 * every batch have one shape: the last is filled up with rows of weight 0, which the loss must leave out of its mean.
 */
export interface TrainingProgram {
  /** ONNX: forward and backward. */
  model: Uint8Array;
  /** ONNX: forward only, without dropout, the same names for parameters; evaluation runs it when it is there. */
  evaluation?: Uint8Array;
  parameters: readonly Parameter[];
  /**
   * The same program specialised to other shapes, by name: one per length bucket, say. Names of inputs, outputs and
   * parameters are those of `model`; parameters are shared, each session is opened when it is first asked for.
   */
  variants?: Readonly<Record<string, Uint8Array>>;
  /** `evaluation` by variant; where there is none of that name, `evaluation` itself, then the variant's training graph. */
  evaluationVariants?: Readonly<Record<string, Uint8Array>>;
  /** Scalar output with the batch's loss. */
  lossOutput: string;
  /** Input by which the gradients are multiplied, for training in half precision; elsewhere it is fed as 1. */
  lossScale?: string;
  /** Parameter → output with its dense gradient, of the parameter's shape. */
  gradientOutputs: Readonly<Record<string, string>>;
  /** Embedding table (rows, width) → its lookups. A parameter in neither table is frozen: fed, and never changed. */
  rowGradients?: Readonly<Record<string, readonly RowGradientOutput[]>>;
}

/** @throws ProgramError when names repeat, data does not fill its shape, or a gradient is of no parameter */
export function checkProgram(program: TrainingProgram): void {
  const shapes = new Map<string, readonly number[]>();
  for (const { name, shape, data } of program.parameters) {
    if (shapes.has(name)) throw new ProgramError(`parameter ${name} is given twice`);
    if (data.length !== sizeOf(shape)) {
      throw new ProgramError(
        `parameter ${name} of shape [${shape.join(', ')}] has ${data.length} values, not ${sizeOf(shape)}`,
      );
    }
    shapes.set(name, shape);
  }
  for (const name of [...Object.keys(program.gradientOutputs), ...Object.keys(program.rowGradients ?? {})]) {
    if (!shapes.has(name)) throw new ProgramError(`a gradient is given for ${name}, which is no parameter`);
  }
  for (const name of Object.keys(program.rowGradients ?? {})) {
    if (shapes.get(name)!.length !== 2) {
      throw new ProgramError(
        `${name} has row gradients, so it must be a table (rows, width); its shape is [${shapes.get(name)!.join(', ')}]`,
      );
    }
  }
}
