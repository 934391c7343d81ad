import type { Config } from '../../../config/index.ts';
import type { OptimiserOptions } from '../../../engine/train/index.ts';

/**
 * The optimiser that the config names.
 * @param beta2 of AdamW
 */
export function optimiserOf({ training }: Pick<Config, 'training'>, beta2 = 0.999): OptimiserOptions {
  const { optimiser = 'adamw', momentum } = training;
  switch (optimiser) {
    case 'adamw':
      return { kind: optimiser, beta2 };
    // Decoupled, as in AdamW: else the decay would be gathered by the momentum.
    case 'sgd':
      return { kind: optimiser, decoupled: true, ...(momentum === undefined ? {} : { momentum }) };
    case 'adagrad':
      return { kind: optimiser };
    // By the learning rate alone: heads start at zero, and steps relative to their own scale would leave them there.
    case 'adafactor':
      return { kind: optimiser, relativeStep: false };
  }
}
