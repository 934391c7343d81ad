import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { linearSchedule, type OptimiserOptions } from '../../../lib/engine/train/index.ts';
import { settleOptimiser } from '../../../lib/engine/train/optimisers/optimiser-options.ts';
import { updateRuleOf } from '../../../lib/engine/train/optimisers/update-rule-of.ts';
import { TrainerCore } from '../../../lib/engine/train/trainer/trainer-core.ts';
import { recorded, smallBatch, smallOptimiser, smallProgram } from './small.ts';

interface Case {
  lr: number;
  options: OptimiserOptions;
  losses: number[];
  final: Record<string, number[]>;
}

// PyTorch's values; record-optimisers.py beside the file wrote them
const { cases, cube } = JSON.parse(
  readFileSync(new URL('./fixtures/small-optimisers.json', import.meta.url), 'utf8'),
) as { cases: Record<string, Case>; cube: number[] };

describe('30 steps with warm-up, clipping, decay groups, rate multipliers and an embedding table', () => {
  for (const [name, { lr, options, losses, final }] of Object.entries(cases)) {
    it(`${name} equals PyTorch`, async () => {
      // given
      const { weightDecay, clipNorm, group } = smallOptimiser;
      const settings = settleOptimiser(smallProgram(), {
        ...options,
        weightDecay: weightDecay!,
        clipNorm: clipNorm!,
        group: group!,
      });
      const trained = await TrainerCore.open(smallProgram(), settings, 1);
      const schedule = linearSchedule({ warmup: recorded.warmup });
      // when
      const seen: number[] = [];
      for (let step = 0; step < recorded.steps; step++) {
        const rate = lr * schedule(step, recorded.steps);
        seen.push((await trained.step(smallBatch(step), rate)).loss);
      }
      const parameters = trained.parameters();
      await trained.close();
      // then
      for (const [step, loss] of seen.entries()) {
        expect(Math.abs(loss - losses[step]!), `step ${step}`).toBeLessThan(1e-5);
      }
      for (const [parameter, expected] of Object.entries(final)) {
        const worst = Math.max(...expected.map((value, i) => Math.abs(value - parameters[parameter]![i]!)));
        expect(worst, parameter).toBeLessThan(1e-5);
      }
      expect(seen.at(-1)).toBeLessThan(seen[0]!);
    });
  }
});

it('Adafactor factors a tensor of three dimensions as PyTorch does', () => {
  // given 4 steps on the gradients of the recording script
  const options = { kind: 'adafactor', weightDecay: 0.1 } as const;
  const { rule } = settleOptimiser({ ...smallProgram(), parameters: [] }, options);
  const adafactor = updateRuleOf(rule);
  const shape = [2, 3, 4];
  const value = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
  const slots = Object.entries(adafactor.slots(shape));
  const state = Object.fromEntries(slots.map(([name, length]) => [name, new Float32Array(length)]));
  // when
  for (let time = 1; time <= 4; time++) {
    const gradient = Float32Array.from({ length: 24 }, (_, i) => Math.cos(i * time));
    adafactor.update({ value, shape, state }, gradient, { lr: 0.1, decay: 0.1, time, gradientScale: 1 });
  }
  // then
  expect(slots).toEqual([
    ['row', 6],
    ['column', 8],
  ]);
  for (const [i, expected] of cube.entries()) expect(Math.abs(value[i]! - expected)).toBeLessThan(1e-6);
});
