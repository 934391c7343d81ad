import { sizeOf } from '../../host/index.ts';
import type { SettingsOf } from './optimiser-options.ts';
import type { Update, UpdateRule } from './update-rule.ts';

/**
 * Adagrad with a diagonal (Duchi, Hazan, Singer 2011, figure 1), in place: g += decay*p; s += g²; p -= lr*g/(sqrt(s) + eps).
 * Without decay a row that did not occur has no gradient and rests, so a lazy table is then an exact one.
 */
export function adagrad({ epsilon }: SettingsOf<'adagrad'>): UpdateRule {
  const range = (
    parameter: Float32Array,
    gradient: Float32Array,
    sum: Float32Array,
    { lr, decay, gradientScale }: Update,
    start: number,
    gradientStart: number,
    count: number,
  ) => {
    for (let i = 0; i < count; i++) {
      const at = start + i;
      const value = parameter[at]!;
      const g = gradient[gradientStart + i]! * gradientScale + decay * value;
      const s = sum[at]! + g * g;
      sum[at] = s;
      parameter[at] = value - (lr * g) / (Math.sqrt(s) + epsilon);
    }
  };
  return {
    slots: (shape) => ({ sum: sizeOf(shape) }),
    update: ({ value, state }, gradient, update) =>
      range(value, gradient, state.sum!, update, 0, 0, value.length),
    updateRows({ value, state }, { ids, values, width }, update) {
      for (let i = 0; i < ids.length; i++)
        range(value, values, state.sum!, update, ids[i]! * width, i * width, width);
    },
  };
}
