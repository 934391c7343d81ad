import { sizeOf } from '../../host/index.ts';
import type { SettingsOf } from './optimiser-options.ts';
import type { Update, UpdateRule } from './update-rule.ts';

/**
 * Gradient descent with momentum, in place: g += decay*p, or p *= 1 - lr*decay where decay is decoupled;
 * m = momentum*m + g; p -= lr*m, or lr*(g + momentum*m) with Nesterov's look-ahead (Sutskever et al. 2013, section 2,
 * in the form of PyTorch's SGD with dampening 0). A lazily updated table's momentum rests where its row does.
 */
export function sgd({ momentum, nesterov, decoupled }: SettingsOf<'sgd'>): UpdateRule {
  const range = (
    parameter: Float32Array,
    gradient: Float32Array,
    velocity: Float32Array | undefined,
    { lr, decay, gradientScale }: Update,
    start: number,
    gradientStart: number,
    count: number,
  ) => {
    const keep = decoupled ? 1 - lr * decay : 1;
    const coupled = decoupled ? 0 : decay;
    for (let i = 0; i < count; i++) {
      const at = start + i;
      const value = parameter[at]!;
      let step = gradient[gradientStart + i]! * gradientScale + coupled * value;
      if (velocity) {
        const moved = momentum * velocity[at]! + step;
        velocity[at] = moved;
        step = nesterov ? step + momentum * moved : moved;
      }
      parameter[at] = value * keep - lr * step;
    }
  };
  return {
    slots: (shape) => (momentum > 0 ? { momentum: sizeOf(shape) } : {}),
    update: ({ value, state }, gradient, update) =>
      range(value, gradient, state.momentum, update, 0, 0, value.length),
    updateRows({ value, state }, { ids, values, width }, update) {
      for (let i = 0; i < ids.length; i++)
        range(value, values, state.momentum, update, ids[i]! * width, i * width, width);
    },
  };
}
