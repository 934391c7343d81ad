import { ProgramError } from './errors.ts';
import { sizeOf } from './tensor.ts';

/** A trainable tensor and its first values. */
export interface Parameter {
  name: string;
  shape: readonly number[];
  data: Float32Array;
}

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
  /** Scalar output with the batch's loss. */
  lossOutput: string;
  /** Parameter → output with its dense gradient, of the parameter's shape. */
  gradientOutputs: Readonly<Record<string, string>>;
  /** Embedding table (rows, width) → its lookups. A parameter in neither table is frozen. */
  rowGradients?: Readonly<Record<string, readonly RowGradientOutput[]>>;
}

/** How one parameter is updated. */
export interface GroupSettings {
  /** Weight decay; true takes the optimiser's, false is 0. */
  decay?: boolean | number;
  /** Multiplier of the learning rate. */
  lrScale?: number;
  /**
   * For tables with row gradients. `exact` (the default) equals a dense update: moments of all rows decay each step.
   * `lazy` touches only the batch's rows.
   */
  rows?: 'exact' | 'lazy';
}

/** AdamW's settings; defaults beside them. */
export interface OptimiserOptions {
  /** 0.9 */
  beta1?: number;
  /** 0.999 */
  beta2?: number;
  /** 1e-8 */
  epsilon?: number;
  /** 0.01 */
  weightDecay?: number;
  /** Limit of the global gradient norm; null does not clip. 1 */
  clipNorm?: number | null;
  /** What differs for a parameter. By default tensors of two or more dimensions decay, vectors and scalars do not. */
  group?: (parameter: { name: string; shape: readonly number[] }) => GroupSettings;
}

/** The options with every default and group settled: plain data that crosses the thread border. */
export interface OptimiserSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  clipNorm: number | null;
  groups: Record<string, { decay: number; lrScale: number; lazy: boolean }>;
}

/** @throws ProgramError when an option is out of its range */
export function settleOptimiser(program: TrainingProgram, options: OptimiserOptions = {}): OptimiserSettings {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01, clipNorm = 1, group } = options;
  within('beta1', beta1, beta1 >= 0 && beta1 < 1, 'in [0, 1)');
  within('beta2', beta2, beta2 >= 0 && beta2 < 1, 'in [0, 1)');
  within('epsilon', epsilon, epsilon > 0, 'above 0');
  within('weightDecay', weightDecay, weightDecay >= 0, '0 or above');
  if (clipNorm !== null) within('clipNorm', clipNorm, clipNorm > 0, 'above 0, or null');
  const groups: OptimiserSettings['groups'] = {};
  for (const { name, shape } of program.parameters) {
    const { decay = shape.length >= 2, lrScale = 1, rows = 'exact' } = group?.({ name, shape }) ?? {};
    const settledDecay = typeof decay === 'number' ? decay : decay ? weightDecay : 0;
    within(`decay of ${name}`, settledDecay, settledDecay >= 0, '0 or above');
    within(`lrScale of ${name}`, lrScale, lrScale >= 0, '0 or above');
    groups[name] = { decay: settledDecay, lrScale, lazy: rows === 'lazy' };
  }
  return { beta1, beta2, epsilon, clipNorm, groups };
}

function within(what: string, value: number, ok: boolean, range: string): void {
  if (!ok || !Number.isFinite(value))
    throw new ProgramError(`the optimiser's ${what} is ${value}; it must be ${range}`);
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
