import { kernelsOf, sizeOf } from '../../host/index.ts';
import type { SettingsOf } from './optimiser-options.ts';
import type { RowGradient } from './row-gradient.ts';
import type { Target, Update, UpdateRule } from './update-rule.ts';

/** What one update of one tensor needs; its decay is decoupled. */
export interface AdamWUpdate extends Update {
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** First and second moments of one parameter. */
export interface Moments {
  first: Float32Array;
  second: Float32Array;
}

/** AdamW as an update rule. */
export function adamw({ beta1, beta2, epsilon }: SettingsOf<'adamw'>): UpdateRule {
  const moments = ({ state }: Target): Moments => ({ first: state.first!, second: state.second! });
  return {
    slots(shape) {
      const count = sizeOf(shape);
      return { first: count, second: count };
    },
    update: (target, gradient, update) =>
      adamwStep(target.value, gradient, moments(target), { ...update, beta1, beta2, epsilon }),
    updateRows: (target, gradient, update) =>
      adamwRows(target.value, gradient, moments(target), { ...update, beta1, beta2, epsilon }),
  };
}

/**
 * AdamW (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, algorithm 2), in place:
 * p *= 1 - lr*decay; m = b1*m + (1-b1)*g; v = b2*v + (1-b2)*g²; p -= lr * m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps).
 * All arrays have one length. Arithmetic is float32 throughout, as in PyTorch; in arrays of one aligned block (see
 * `alignedGroups`) it runs four at a time, with the same bits.
 */
export function adamwStep(
  parameter: Float32Array,
  gradient: Float32Array,
  moments: Moments,
  update: AdamWUpdate,
): void {
  adamwRange(parameter, gradient, moments, update, 0, 0, parameter.length);
}

/**
 * AdamW on the rows of an embedding table that occurred in the batch ("lazy": rows without a gradient keep their value
 * and moments, and are not decayed). Cheaper than the exact update and not equal to it; time counts steps, not visits.
 */
export function adamwRows(
  table: Float32Array,
  gradient: RowGradient,
  moments: Moments,
  update: AdamWUpdate,
): void {
  const { ids, values, width } = gradient;
  for (let i = 0; i < ids.length; i++) {
    adamwRange(table, values, moments, update, ids[i]! * width, i * width, width);
  }
}

function adamwRange(
  parameter: Float32Array,
  gradient: Float32Array,
  { first, second }: Moments,
  update: AdamWUpdate,
  start: number,
  gradientStart: number,
  count: number,
): void {
  const f = Math.fround;
  const beta1 = f(update.beta1);
  const beta2 = f(update.beta2);
  const rest1 = f(1 - update.beta1);
  const rest2 = f(1 - update.beta2);
  const secondScale = f(1 / (1 - update.beta2 ** update.time));
  const rate = f(update.lr / (1 - update.beta1 ** update.time));
  const keep = f(1 - update.lr * update.decay);
  const epsilon = f(update.epsilon);
  const gradientScale = f(update.gradientScale);
  const kernels = kernelsOf(parameter, gradient, first, second);
  const whole = kernels ? count - (count % 4) : 0;
  const addressOf = (array: Float32Array, at: number) => array.byteOffset + 4 * at;
  kernels?.adamw(
    addressOf(parameter, start),
    addressOf(gradient, gradientStart),
    addressOf(first, start),
    addressOf(second, start),
    whole,
    gradientScale,
    beta1,
    rest1,
    beta2,
    rest2,
    secondScale,
    epsilon,
    rate,
    keep,
  );
  for (let i = whole; i < count; i++) {
    const at = start + i;
    const g = f(gradient[gradientStart + i]! * gradientScale);
    const m = f(f(beta1 * first[at]!) + f(rest1 * g));
    const v = f(f(beta2 * second[at]!) + f(rest2 * f(g * g)));
    first[at] = m;
    second[at] = v;
    const step = f(f(rate * m) / f(f(Math.sqrt(f(v * secondScale))) + epsilon));
    parameter[at] = f(f(parameter[at]! * keep) - step);
  }
}
