import type { Feeds } from '../../host/index.ts';
import type { StepResult, Trainer } from '../trainer/index.ts';

/**
 * One update on one batch, made of `backward`, `addNoise` and `update`: adversarial or private training, say. All that it
 * remembers from one step to the next must be in the trainer, or a resumed run would differ.
 */
export type StepFunction = (
  trainer: Trainer,
  feeds: Feeds,
  options: { lr: number; step: number; variant?: string | undefined },
) => Promise<StepResult>;

export const plainStep: StepFunction = (trainer, feeds, { lr, variant }) =>
  trainer.step(feeds, { lr, variant, transfer: true });
