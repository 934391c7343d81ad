import type { OptimiserOptions, Trainer } from '../train/index.ts';

/** p -= lr g and nothing else. */
export const plainSgd: OptimiserOptions = { kind: 'sgd', momentum: 0, weightDecay: 0, clipNorm: null };

/** So long a step that the weights' own digits do not blur the gradient; a power of two, so that dividing is exact. */
const LONG_STEP = 2 ** 24;

/**
 * The gradient that a step function follows, by what the step changes: the trainer starts and ends with the same
 * parameters. For trainers with `plainSgd`.
 */
export async function gradientByStep(
  trainer: Trainer,
  step: (lr: number) => Promise<unknown>,
): Promise<Record<string, Float32Array>> {
  const before = await trainer.parameters();
  await step(LONG_STEP);
  const after = await trainer.parameters();
  await trainer.load({ parameters: before });
  return Object.fromEntries(
    Object.entries(before).map(([name, values]) => [
      name,
      values.map((value, i) => (value - after[name]![i]!) / LONG_STEP),
    ]),
  );
}
