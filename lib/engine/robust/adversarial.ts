import { type Feeds, float32, type HostTensor } from '../host/index.ts';
import type { StepFunction } from '../train/index.ts';
import { RobustError } from './errors.ts';
import { PERTURBATION } from './perturb.ts';

export interface AdversarialOptions {
  /** Radius: the L2 norm of the perturbation. */
  epsilon: number;
  /** Shape of the perturbed value in a batch. */
  shape: readonly number[] | ((feeds: Feeds) => readonly number[]);
  /** The training graph's output with the gradient by the perturbation. */
  gradientOutput: string;
  /** What one norm is taken over: the whole batch's value, or each example's (the first axis) alone. batch */
  per?: 'batch' | 'example';
}

export interface PgdOptions extends AdversarialOptions {
  /** Ascents. */
  steps: number;
  /** Length of one ascent. 2.5 epsilon / steps, which can reach the border from anywhere (Madry et al. 2018). */
  stepSize?: number;
}

/**
 * Fast gradient method on embeddings (Goodfellow et al. 2015; for text Miyato, Dai, Goodfellow 2017, equation 5):
 * r = epsilon g / |g| with g the clean loss' gradient by the value, taken as a constant; the update follows the gradient
 * of clean loss + loss at r. Two passes a step. Train on `perturbable(graph, value)` with `inputs: ['perturbation']`.
 * @throws RobustError when epsilon is not above 0
 */
export function fgm(options: AdversarialOptions): StepFunction {
  return ascents({ ...options, steps: 1, stepSize: options.epsilon });
}

/**
 * Projected gradient descent on embeddings (Madry et al. 2018, section 2.1, with L2 steps and ball): several ascents of
 * the loss, each projected back into the ball of radius epsilon; the update follows the gradient of clean loss + loss at
 * the last point. Steps + 1 passes.
 * @throws RobustError when epsilon or the step size is not above 0, or steps are no whole number from 1
 */
export function pgd({ stepSize, ...options }: PgdOptions): StepFunction {
  return ascents({ ...options, stepSize: stepSize ?? (2.5 * options.epsilon) / options.steps });
}

function ascents(options: Required<Pick<PgdOptions, 'stepSize'>> & PgdOptions): StepFunction {
  const { epsilon, shape, gradientOutput, steps, stepSize, per = 'batch' } = options;
  for (const [what, value] of Object.entries({ epsilon, stepSize })) {
    if (!(value > 0 && Number.isFinite(value)))
      throw new RobustError(`the ${what} of adversarial training is above 0, given ${value}`);
  }
  if (!Number.isInteger(steps) || steps < 1)
    throw new RobustError(`adversarial training takes a whole number of steps from 1, given ${steps}`);
  return async (trainer, feeds, { lr, variant }) => {
    const dims = typeof shape === 'function' ? shape(feeds) : shape;
    const parts = per === 'example' ? dims[0]! : 1;
    const delta = new Float32Array(dims.reduce((product, size) => product * size, 1));
    const backward = (weight: number, outputs: readonly string[], transfer: boolean) =>
      trainer.backward(
        { ...feeds, [PERTURBATION]: float32(delta.slice(), dims) },
        { weight, outputs, transfer, variant },
      );
    const clean = await backward(1, [gradientOutput], false);
    let gradient = floatsOf(clean.outputs[gradientOutput]);
    for (let k = 1; k <= steps; k++) {
      ascend(delta, gradient, stepSize, parts);
      project(delta, epsilon, parts);
      const last = k === steps;
      const { outputs } = await backward(last ? 1 : 0, last ? [] : [gradientOutput], last);
      if (!last) gradient = floatsOf(outputs[gradientOutput]);
    }
    const { gradNorm } = await trainer.update({ lr });
    return { loss: clean.loss, gradNorm };
  };
}

/** delta += length g / |g|, part by part; a part without a gradient stays. */
export function ascend(delta: Float32Array, gradient: Float32Array, length: number, parts: number): void {
  const size = delta.length / parts;
  for (let part = 0; part < parts; part++) {
    const from = part * size;
    const norm = normOf(gradient, from, from + size);
    if (norm === 0) continue;
    for (let i = from; i < from + size; i++) delta[i] = delta[i]! + (length * gradient[i]!) / norm;
  }
}

function project(delta: Float32Array, radius: number, parts: number): void {
  const size = delta.length / parts;
  for (let part = 0; part < parts; part++) {
    const from = part * size;
    const norm = normOf(delta, from, from + size);
    // the rounding of one ascent is no reason to scale it again
    if (norm <= radius * (1 + 1e-6)) continue;
    for (let i = from; i < from + size; i++) delta[i] = (delta[i]! * radius) / norm;
  }
}

function normOf(values: Float32Array, from: number, to: number): number {
  let squares = 0;
  for (let i = from; i < to; i++) squares += values[i]! * values[i]!;
  return Math.sqrt(squares);
}

function floatsOf(tensor: HostTensor | undefined): Float32Array {
  if (tensor?.type !== 'float32') {
    throw new RobustError(
      `the gradient by the perturbation is ${tensor?.type ?? 'missing'}: ask trainingGraph for inputs: ['${PERTURBATION}']`,
    );
  }
  return tensor.data;
}
