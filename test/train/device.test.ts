import { describe, expect, it } from 'vitest';
import {
  DivergedError,
  type OptimiserOptions,
  openTrainer,
  ProgramError,
  type StepResult,
} from '../../lib/train/index.ts';
import { settleOptimiser } from '../../lib/train/optimiser-options.ts';
import { TrainerCore } from '../../lib/train/trainer-core.ts';
import { smallBatch, smallOptimiser, smallProgram } from './small.ts';

const STEPS = 24;
const rates = Array.from({ length: STEPS }, (_, i) => 0.02 * (1 - i / STEPS));
const batches = () => rates.map((lr, i) => ({ feeds: smallBatch(i), lr }));

/** On this thread: starting a worker takes longer than all else here. */
async function train(driver: 'cpu' | 'device', optimiser: OptimiserOptions, sizes: readonly number[]) {
  const program = smallProgram();
  const trainer = await TrainerCore.open(program, settleOptimiser(program, optimiser), 1, { driver });
  const results: StepResult[] = [];
  const all = batches();
  for (const size of sizes) results.push(...(await trainer.steps(all.splice(0, size))));
  const state = trainer.state();
  await trainer.close();
  return { results, state };
}

/** Largest difference of two records of tensors. */
function apart(a: Record<string, Float32Array>, b: Record<string, Float32Array>): number {
  return Math.max(
    ...Object.entries(a).map(([name, values]) =>
      values.reduce((most, value, i) => Math.max(most, Math.abs(value - b[name]![i]!)), 0),
    ),
  );
}

describe('the device driver', () => {
  it.each<{ name: string; optimiser: OptimiserOptions }>([
    { name: 'adamw with row gradients and rates per group', optimiser: smallOptimiser },
    { name: 'adamw without clipping', optimiser: { ...smallOptimiser, clipNorm: null } },
    { name: 'sgd', optimiser: { kind: 'sgd', momentum: 0 } },
    {
      name: 'sgd with look-ahead and coupled decay',
      optimiser: { kind: 'sgd', nesterov: true, weightDecay: 0.1 },
    },
    { name: 'sgd with decoupled decay', optimiser: { kind: 'sgd', decoupled: true, weightDecay: 0.1 } },
    { name: 'adagrad', optimiser: { kind: 'adagrad', weightDecay: 0.01 } },
  ])('follows the curve of the CPU driver: $name', async ({ optimiser }) => {
    // given
    const cpu = await train('cpu', optimiser, Array(STEPS).fill(1));
    // when: the optimiser in the graph, 24 steps in three runs
    const device = await train('device', optimiser, [10, 1, 13]);
    // then
    cpu.results.forEach(({ loss, gradNorm }, i) => {
      expect(device.results[i]!.loss).toBeCloseTo(loss, 5);
      expect(device.results[i]!.gradNorm).toBeCloseTo(gradNorm, 5);
    });
    expect(apart(cpu.state.parameters, device.state.parameters)).toBeLessThan(2e-6);
    expect(device.state.step).toBe(STEPS);
    for (const [slot, kept] of Object.entries(cpu.state.optimiser))
      expect(apart(kept, device.state.optimiser[slot]!)).toBeLessThan(2e-6);
  });

  it('goes on from a state of the CPU driver, and single steps mix with runs', async () => {
    // given
    const whole = await train('cpu', smallOptimiser, [STEPS]);
    const half = await train('cpu', smallOptimiser, [STEPS / 2]);
    const trainer = await openTrainer(smallProgram(), { driver: 'device', optimiser: smallOptimiser });
    // when
    await trainer.load(half.state);
    const rest = batches().slice(STEPS / 2);
    await trainer.steps(rest.slice(0, 5));
    await trainer.step(rest[5]!.feeds, { lr: rest[5]!.lr });
    await trainer.steps(rest.slice(6));
    // then
    expect(apart(whole.state.parameters, await trainer.parameters())).toBeLessThan(2e-6);
    await trainer.close();
  });

  it('makes all updates of a run or none', async () => {
    // given: the third batch has a number that is none
    const trainer = await openTrainer(smallProgram(), { driver: 'device', optimiser: smallOptimiser });
    const before = await trainer.parameters();
    const steps = batches().slice(0, 4);
    (steps[2]!.feeds.numbers!.data as Float32Array)[0] = Number.NaN;
    // when
    const running = trainer.steps(steps);
    // then
    await expect(running).rejects.toThrow(DivergedError);
    await expect(running).rejects.toThrow(/update 3 /);
    expect(apart(before, await trainer.parameters())).toBe(0);
    await trainer.close();
  });

  it.each<{ optimiser: OptimiserOptions; says: RegExp }>([
    { optimiser: { kind: 'adafactor' }, says: /adafactor/ },
    { optimiser: { group: () => ({ rows: 'lazy' }) }, says: /table is updated lazily/ },
  ])('refuses what it can not do: $says', async ({ optimiser, says }) => {
    const opening = openTrainer(smallProgram(), { driver: 'device', optimiser });
    await expect(opening).rejects.toThrow(ProgramError);
    await expect(opening).rejects.toThrow(says);
  });
});
