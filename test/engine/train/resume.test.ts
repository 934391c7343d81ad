import { afterAll, describe, expect, it } from 'vitest';
import { CheckpointError, TrainError } from '../../../lib/engine/host/index.ts';
import { toBatch } from '../../../lib/engine/train/fit/batches.ts';
import {
  cosineSchedule,
  decodeCheckpoint,
  type FitOptions,
  meanLoss,
  type OptimiserOptions,
  openTrainer,
  type StepFunction,
  type Trainer,
  fit as train,
} from '../../../lib/engine/train/index.ts';
import { encoderBatches, encoderProgram } from './small-encoder.ts';

const { program, sites } = encoderProgram(0.2);
const first = Object.fromEntries(program.parameters.map(({ name, data }) => [name, data.slice()]));
const open = new Map<string, Trainer>();

/** One trainer per optimiser, at the first parameters. What a run needs is in its checkpoint, so that one can serve many. */
async function trainer(optimiser: OptimiserOptions = {}): Promise<Trainer> {
  const key = `${optimiser.kind} ${optimiser.clipNorm}`;
  const trained = open.get(key) ?? (await openTrainer(program, { optimiser }));
  open.set(key, trained);
  await trained.average(null);
  await trained.load({ parameters: first });
  return trained;
}

afterAll(async () => {
  for (const opened of open.values()) await opened.close();
});

/** A run over length buckets with dropout, accumulation and averages; what differs is given. */
async function run(trained: Trainer, differs: Partial<FitOptions> = {}) {
  const losses: number[] = [];
  const result = await train({
    trainer: trained,
    batches: encoderBatches(sites),
    steps: 9,
    lr: 0.02,
    schedule: cosineSchedule({ warmup: 2 }),
    accumulate: 2,
    ema: 0.9,
    evaluate: async () => ({ loss: await meanLoss(trained, encoderBatches(), 'loss') }),
    evaluateEvery: 4,
    onProgress: ({ loss }) => losses.push(loss),
    ...differs,
  });
  return { result, losses, parameters: await trained.parameters() };
}

const optimisers: OptimiserOptions[] = [
  { group: () => ({ rows: 'lazy' }) },
  { kind: 'sgd', nesterov: true },
  { kind: 'adagrad' },
  { kind: 'adafactor' },
];

describe('a run with dropout, length buckets, accumulation and averages', () => {
  for (const optimiser of optimisers) {
    it(`of ${optimiser.kind ?? 'adamw'} goes on bit for bit from any of its checkpoints`, async () => {
      // given a whole run and what it left on the way
      const saved: Uint8Array[] = [];
      const whole = await run(await trainer(optimiser), {
        checkpoint: { every: 1, put: async (bytes) => void saved.push(bytes) },
      });
      for (const step of [1, 5, 8]) {
        // when a trainer without that past goes on
        const resumed = await run(await trainer(optimiser), { resume: saved[step - 1]! });
        // then
        expect(resumed.losses).toEqual(whole.losses.slice(step));
        expect(resumed.result).toEqual(whole.result);
        expect(resumed.parameters).toEqual(whole.parameters);
      }
      expect(whole.losses.length).toBe(9);
      expect(saved.length).toBe(9);
    });
  }

  it('ends with the averages that were evaluated, or the last ones', async () => {
    // given
    const trained = await trainer();
    const seen: Record<string, Float32Array>[] = [];
    let state: Uint8Array | undefined;
    const checkpoint = { every: 9, put: async (bytes: Uint8Array) => void (state = bytes) };
    // when
    const evaluated = await run(trained, {
      evaluate: async (step) => {
        seen.push(await trained.parameters());
        return { loss: step };
      },
    });
    await trainer();
    const plain = { batches: encoderBatches(sites), steps: 9, lr: 0.02, accumulate: 2, ema: 0.9 };
    await train({ trainer: trained, ...plain, checkpoint });
    const last = await trained.parameters();
    // then the first evaluation, after 4 steps, was the best; else the last
    expect(evaluated.result.bestStep).toBe(4);
    expect(evaluated.parameters).toEqual(seen[0]);
    const { parameters, averages } = decodeCheckpoint(state!).trainer;
    expect(last).toEqual({ ...parameters, ...averages });
    expect(averages).not.toEqual(parameters);
    expect((await trained.state()).averages).toBeUndefined();
  });

  it('refuses a checkpoint of other accumulation or averages', async () => {
    // given
    const trained = await trainer();
    let bytes: Uint8Array | undefined;
    await run(trained, { checkpoint: { every: 3, put: async (given) => void (bytes = given) } });
    // when / then
    const resume = bytes!;
    await expect(run(trained, { resume, accumulate: 3 })).rejects.toThrow(
      /2 batches an update, this one has 3/,
    );
    await expect(run(await trainer({ kind: 'sgd' }), { resume })).rejects.toThrow(
      /no momentum state of tokens/,
    );
    const without = { batches: encoderBatches(sites), steps: 9, lr: 0.02, accumulate: 2 };
    await expect(train({ trainer: trained, ...without, resume })).rejects.toThrow(CheckpointError);
  });
});

describe('accumulation', () => {
  it('is one update by the mean over all rows', async () => {
    // given two batches of unequal weight, and their mean gradient by hand
    const sgd: OptimiserOptions = { kind: 'sgd', momentum: 0, clipNorm: null };
    const trained = await trainer(sgd);
    const batches = await Promise.all(
      [0, 1].map(async (step) => toBatch(await encoderBatches(sites).at(step))),
    );
    const [ours, theirs] = batches.map(({ weight }) => weight!) as [number, number];
    let total = 0;
    for (const { feeds, variant, weight } of batches) {
      const { loss } = await trained.backward(feeds, { variant, weight: weight! / (ours + theirs) });
      total += (weight! * loss) / (ours + theirs);
    }
    await trained.update({ lr: 0.1 });
    const byHand = await trained.parameters();
    // when
    const seen: number[] = [];
    await train({
      trainer: await trainer(sgd),
      batches: encoderBatches(sites),
      steps: 1,
      lr: 0.1,
      accumulate: 2,
      onProgress: ({ loss }) => seen.push(loss),
    });
    // then
    expect(ours).not.toBe(theirs);
    expect(seen[0]).toBeCloseTo(total, 6);
    for (const [name, values] of Object.entries(await trained.parameters())) {
      expect(Math.max(...values.map((value, i) => Math.abs(value - byHand[name]![i]!))), name).toBeLessThan(
        1e-6,
      );
    }
  });

  it('counts updates, and rounds epochs up to whole ones', async () => {
    // given an odd number of batches an epoch
    const { stepsPerEpoch } = encoderBatches();
    // when
    const options = { batches: encoderBatches(sites), epochs: 1, lr: 0.01, accumulate: 2 };
    const result = await train({ trainer: await trainer(), ...options });
    // then
    expect(result.steps).toBe(Math.ceil(stepsPerEpoch / 2));
    expect(result.curve.length).toBe(1);
  });
});

describe('a step function', () => {
  it('makes the updates in the place of the plain step', async () => {
    // given one that repeats the plain step by its parts
    const seen: number[] = [];
    const parts: StepFunction = async (trained, feeds, { lr, step, variant }) => {
      seen.push(step);
      const { loss } = await trained.backward(feeds, { variant });
      return { loss, ...(await trained.update({ lr })) };
    };
    // when
    const [plain, parted] = [
      await run(await trainer(), { accumulate: 1 }),
      await run(await trainer(), { accumulate: 1, step: parts }),
    ];
    // then
    expect(parted).toEqual(plain);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    await expect(run(await trainer(), { step: parts })).rejects.toThrow(TrainError);
    await expect(run(await trainer(), { accumulate: 0 })).rejects.toThrow(/whole number of batches/);
  });
});
