import type { SettingsOf } from './optimiser-options.ts';
import type { RowGradient } from './row-gradient.ts';
import { sizeOf } from './tensor.ts';
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
 * All arrays have one length; sums run in float64 and are stored as float32.
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
  { lr, beta1, beta2, epsilon, decay, time, gradientScale }: AdamWUpdate,
  start: number,
  gradientStart: number,
  count: number,
): void {
  const keep = 1 - lr * decay;
  const rate = lr / (1 - beta1 ** time);
  const secondScale = 1 / (1 - beta2 ** time);
  const rest1 = 1 - beta1;
  const rest2 = 1 - beta2;
  for (let i = 0; i < count; i++) {
    const at = start + i;
    const g = gradient[gradientStart + i]! * gradientScale;
    const m = beta1 * first[at]! + rest1 * g;
    const v = beta2 * second[at]! + rest2 * g * g;
    first[at] = m;
    second[at] = v;
    parameter[at] = parameter[at]! * keep - (rate * m) / (Math.sqrt(v * secondScale) + epsilon);
  }
}
