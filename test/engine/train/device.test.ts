import { describe, expect, it } from 'vitest';
import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, DivergedError, float32, ProgramError } from '../../../lib/engine/host/index.ts';
import { GraphBuilder } from '../../../lib/engine/onnx/index.ts';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type OptimiserOptions,
  openTrainer,
  type StepResult,
  type TrainerState,
  type TrainingProgram,
} from '../../../lib/engine/train/index.ts';
import { settleOptimiser } from '../../../lib/engine/train/optimisers/optimiser-options.ts';
import { type DriverSettings, TrainerCore } from '../../../lib/engine/train/trainer/trainer-core.ts';
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
  ])('refuses what it cannot do: $says', async ({ optimiser, says }) => {
    const opening = openTrainer(smallProgram(), { driver: 'device', optimiser });
    await expect(opening).rejects.toThrow(ProgramError);
    await expect(opening).rejects.toThrow(says);
  });
});

/**
 * A small network with three products, two of them one behind the other; gradients can be scaled. Its inputs have names
 * that an update or a cast may want for itself.
 */
function scaledProgram(size: number, rows: number | string = 16): TrainingProgram {
  const g = new GraphBuilder('scaled');
  const rng = createRng(5);
  const weight = (name: string, ...shape: number[]) =>
    g.parameter(name, shape, rng.fork(name).normals(shape[0]! * shape[1]!, 0.3));
  const x = g.input('rate', 'float32', [rows, 8]);
  const y = g.input('half:rate', 'float32', [rows, 1]);
  const hidden = g.tanh(g.matmul(g.matmul(x, weight('low', 8, 4)), weight('up', 4, 12)));
  const error = g.sub(g.matmul(hidden, weight('down', 12, 1)), y);
  g.output('loss', g.mul(g.reduceMean(g.square(error)), size));
  const { rowGradientOutputs: _, ...program } = trainingGraph(g.build(), {
    loss: 'loss',
    lossScale: 'loss scale',
  });
  return program;
}

/** What a checkpoint keeps of a state. */
function throughCheckpoint(trainer: TrainerState): TrainerState {
  const run = { step: 0, of: 1, accumulate: 1, rngs: {}, curve: [], best: null, stale: 0 };
  const pending = { loss: 0, gradNorm: 0, steps: 0 };
  return decodeCheckpoint(encodeCheckpoint({ ...run, pending, trainer })).trainer;
}

async function trainScaled(size: number, settings: DriverSettings) {
  const program = scaledProgram(size);
  const optimiser = settleOptimiser(program, { clipNorm: null });
  const trainer = await TrainerCore.open(program, optimiser, 1, settings);
  const rng = createRng(6);
  const x = rng.normals(16 * 8, 1);
  const y = Float32Array.from({ length: 16 }, (_, i) => x[8 * i]! - x[8 * i + 1]!);
  const step = { feeds: { rate: float32(x, [16, 8]), 'half:rate': float32(y, [16, 1]) }, lr: 0.01 };
  const results = [
    ...(await trainer.steps(Array(20).fill(step))),
    ...(await trainer.steps(Array(20).fill(step))),
  ];
  const parameters = trainer.parameters();
  await trainer.close();
  return { results, parameters };
}

describe('batches of a run', () => {
  it('may change their shape, which begins another run; what the model does not read is refused', async () => {
    // given
    const program = scaledProgram(1, 'batch');
    const settings = settleOptimiser(program);
    const batch = (rows: number) => ({
      rate: float32(createRng(rows).normals(rows * 8, 1), [rows, 8]),
      'half:rate': float32(new Float32Array(rows).fill(1), [rows, 1]),
    });
    const steps = [4, 4, 3, 3, 4].map((rows) => ({ feeds: batch(rows), lr: 0.01 }));
    const cpu = await TrainerCore.open(program, settings, 1);
    const device = await TrainerCore.open(program, settings, 1, { driver: 'device' });
    // when
    const expected = await cpu.steps(steps);
    const found = await device.steps(steps);
    const misfed = device.steps([{ feeds: { ...batch(4), weights: batch(4).rate }, lr: 0.01 }]);
    // then
    expect(found.length).toBe(5);
    found.forEach(({ loss }, i) => {
      expect(loss).toBeCloseTo(expected[i]!.loss, 5);
    });
    await expect(misfed).rejects.toThrow(/no input weights/);
    await cpu.close();
    await device.close();
  });
});

describe('mixed precision', () => {
  it('follows the float32 curve within the rounding of half precision', async () => {
    // given
    const exact = await trainScaled(0.1, { driver: 'cpu' });
    // when
    const mixed = await trainScaled(0.1, { driver: 'device', precision: 'mixed' });
    // then
    const errors = exact.results.map(({ loss }, i) => Math.abs(mixed.results[i]!.loss / loss - 1));
    expect(Math.max(...errors)).toBeLessThan(0.02);
    expect(apart(exact.parameters, mixed.parameters)).toBeLessThan(0.02);
  });

  it('skips steps whose gradient overflows, until the scale fits', async () => {
    // given: a loss so large that the scaled gradient's norm is beyond float32 at first (CPUs compute half products in
    // float32, so the largest float16 is no limit here)
    const mixed = await trainScaled(1e18, { driver: 'device', precision: 'mixed' });
    // when
    const skipped = mixed.results.filter(({ gradNorm }) => gradNorm === 0).length;
    // then
    expect(skipped).toBeGreaterThan(0);
    expect(skipped).toBeLessThan(15);
    mixed.results.slice(1, skipped).forEach(({ loss }) => {
      expect(loss).toBe(mixed.results[0]!.loss);
    });
    expect(mixed.results.at(-1)!.loss).toBeLessThan(0.8 * mixed.results[0]!.loss);
  });

  it('goes on from a state bit for bit, the scale with it', async () => {
    // given: a run whose scale is still falling when it is left
    const program = scaledProgram(1e18);
    const settings = settleOptimiser(program, { clipNorm: null });
    const mixed = { driver: 'device', precision: 'mixed' } as const;
    const feeds = {
      rate: float32(createRng(1).normals(128, 1), [16, 8]),
      'half:rate': float32(createRng(2).normals(16, 1), [16, 1]),
    };
    const steps = Array(30).fill({ feeds, lr: 0.01 });
    const whole = await TrainerCore.open(program, settings, 1, mixed);
    const expected = await whole.steps(steps);
    const left = await TrainerCore.open(program, settings, 1, mixed);
    await left.steps(steps.slice(0, 3));
    // when
    const resumed = await TrainerCore.open(program, settings, 1, mixed);
    resumed.load(throughCheckpoint(left.state()));
    const rest = await resumed.steps(steps.slice(3));
    // then
    expect(left.state().lossScale).toEqual({ value: 65_536 / 8, steps: 0 });
    expect(rest).toEqual(expected.slice(3));
    expect(resumed.state()).toEqual(whole.state());
    // parameters of another run start with the first scale
    resumed.load({ parameters: left.parameters() });
    expect(resumed.state().lossScale).toEqual({ value: 65_536, steps: 0 });
    for (const trainer of [whole, left, resumed]) await trainer.close();
  });

  it('says when no scale fits', async () => {
    // given: gradients beyond float32 as they are, under a loss that is not
    const training = trainScaled(1e25, { driver: 'device', precision: 'mixed' });
    // then
    await expect(training).rejects.toThrow(DivergedError);
    await expect(training).rejects.toThrow(/update 17 has loss [\d.e+]+ and a gradient of norm Infinity/);
  });

  it('needs the device driver and a loss scale', async () => {
    await expect(openTrainer(scaledProgram(1), { precision: 'mixed', driver: 'cpu' })).rejects.toThrow(
      /device driver/,
    );
    await expect(openTrainer(smallProgram(), { precision: 'mixed' })).rejects.toThrow(/no loss scale/);
  });
});
