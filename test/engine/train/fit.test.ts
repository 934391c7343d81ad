import { afterEach, describe, expect, it } from 'vitest';
import {
  AbortedError,
  CheckpointError,
  createRng,
  decodeSafetensors,
  float32,
  type Rng,
  TrainError,
} from '../../../lib/engine/host/index.ts';
import {
  type BatchSource,
  decodeCheckpoint,
  type FitOptions,
  linearSchedule,
  openTrainer,
  shuffledBatches,
  type Trainer,
  type TrainerOptions,
  fit as train,
} from '../../../lib/engine/train/index.ts';
import { evaluationBatch, smallBatch, smallOptimiser, smallProgram } from './small.ts';

const open: Trainer[] = [];

async function trainer(options: TrainerOptions = {}): Promise<Trainer> {
  const opened = await openTrainer(smallProgram(), { optimiser: smallOptimiser, ...options });
  open.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

/** Batches in shuffled order, with dropout masks drawn from a generator that keeps counting over the run. */
function batchesWith(masks: Rng): BatchSource {
  return shuffledBatches({
    rows: 4,
    batchSize: 1,
    rng: createRng(3).fork('order'),
    make: ([row]) => ({ ...smallBatch(row!), mask: float32(masks.dropoutMask(48, 0.25), [8, 6]) }),
  });
}

/** A run with everything that has a state; what differs is given. */
async function run(differs: Partial<FitOptions>, options: TrainerOptions = {}) {
  const trained = await trainer(options);
  const masks = createRng(3).fork('dropout');
  const losses: number[] = [];
  const validation = async () => {
    const { loss } = await trained.evaluate(evaluationBatch(1), ['loss']);
    return { loss: Number(loss!.data[0]), auroc: Number.NaN };
  };
  const outcome = train({
    trainer: trained,
    batches: batchesWith(masks),
    steps: 22,
    lr: 0.05,
    schedule: linearSchedule({ warmup: 3 }),
    evaluate: validation,
    evaluateEvery: 5,
    rngs: { masks },
    onProgress: ({ loss }) => losses.push(loss),
    ...differs,
  });
  return { trained, losses, outcome };
}

describe('fit', () => {
  it('lowers the loss, reports each step and keeps the curve', async () => {
    // given
    const seen: { step: number; of: number; lr: number }[] = [];
    // when
    const { outcome } = await run({ onProgress: ({ step, of, lr }) => seen.push({ step, of, lr }) });
    const { curve, steps, stoppedBy } = await outcome;
    // then
    expect(seen.length).toBe(22);
    expect(seen[0]).toEqual({ step: 1, of: 22, lr: 0 });
    expect(seen[3]).toEqual({ step: 4, of: 22, lr: 0.05 });
    expect([steps, stoppedBy]).toEqual([22, 'steps']);
    expect(curve.map(({ step }) => step)).toEqual([5, 10, 15, 20, 22]);
    expect(curve.at(-1)!.trainLoss).toBeLessThan(curve[0]!.trainLoss);
  });

  it('ends with the parameters of the best evaluation, after `patience` worse ones in a row', async () => {
    // given a validation loss that is best at its third evaluation
    const trained = await trainer();
    const seen: Record<string, Float32Array>[] = [];
    const planned = [0.6, 0.65, 0.4, 0.45, 0.41, 0.1];
    // when
    const result = await train({
      trainer: trained,
      batches: { stepsPerEpoch: 4, at: smallBatch },
      epochs: 6,
      lr: 0.05,
      patience: 2,
      evaluate: async () => {
        seen.push(await trained.parameters());
        return { loss: planned[seen.length - 1]!, accuracy: 0.5 };
      },
    });
    // then
    expect(result).toMatchObject({ stoppedBy: 'patience', steps: 20, bestStep: 12, bestLoss: 0.4 });
    expect(result.curve.map(({ validLoss }) => validLoss)).toEqual([0.6, 0.65, 0.4, 0.45, 0.41]);
    expect(result.curve[0]!.metrics).toEqual({ accuracy: 0.5 });
    expect(await trained.parameters()).toEqual(seen[2]);
  });

  it('stops between steps when aborted, with a checkpoint', async () => {
    // given
    const controller = new AbortController();
    const saved: Uint8Array[] = [];
    // when
    const { outcome } = await run({
      signal: controller.signal,
      checkpoint: { put: async (bytes) => void saved.push(bytes), every: 1000 },
      onProgress: ({ step }) => step === 7 && controller.abort(),
    });
    // then
    await expect(outcome).rejects.toThrow(AbortedError);
    expect(saved.map((bytes) => decodeCheckpoint(bytes).step)).toEqual([7]);
  });

  it('refuses a run without length, patience without validation, and a diverged validation', async () => {
    // given
    const trained = await trainer();
    const batches = { stepsPerEpoch: 4, at: smallBatch };
    // when / then
    await expect(train({ trainer: trained, batches, lr: 1 })).rejects.toThrow(/steps or epochs/);
    await expect(train({ trainer: trained, batches, lr: 1, steps: 2, patience: 1 })).rejects.toThrow(
      TrainError,
    );
    const nowhere = async () => ({ loss: Number.NaN });
    await expect(train({ trainer: trained, batches, lr: 0.1, steps: 1, evaluate: nowhere })).rejects.toThrow(
      /is NaN/,
    );
  });

  it('passes on the error of a batch', async () => {
    // given
    const trained = await trainer();
    const at = (step: number) => {
      if (step === 2) throw new Error('row 17 is broken');
      return smallBatch(step);
    };
    // when / then
    await expect(
      train({ trainer: trained, batches: { stepsPerEpoch: 4, at }, lr: 0.1, steps: 4 }),
    ).rejects.toThrow('row 17 is broken');
  });
});

describe('resume', () => {
  for (const killedAt of [3, 10, 21]) {
    it(`a run killed at step ${killedAt} goes on bit for bit`, async () => {
      // given a whole run, and one that dies right after the checkpoint of a step
      const whole = await run({});
      const wholeResult = await whole.outcome;
      let bytes: Uint8Array | undefined;
      const killed = await run({
        checkpoint: { put: async (given) => void (bytes = given), every: (step) => step === killedAt },
        onProgress: ({ step }) => {
          if (step > killedAt) throw new Error('killed');
        },
      });
      await expect(killed.outcome).rejects.toThrow('killed');
      // when another process resumes it
      const resumed = await run({ resume: bytes! });
      const result = await resumed.outcome;
      // then
      expect(resumed.losses).toEqual(whole.losses.slice(killedAt));
      expect(result).toEqual(wholeResult);
      expect(await resumed.trained.parameters()).toEqual(await whole.trained.parameters());
    });
  }

  it('writes the same bytes twice, as a safetensors file', async () => {
    // given
    const saved: Uint8Array[] = [];
    const checkpoint = { put: async (bytes: Uint8Array) => void saved.push(bytes), every: 12 };
    // when
    for (let i = 0; i < 2; i++) await (await run({ checkpoint })).outcome;
    // then
    expect(saved[0]).toEqual(saved[1]);
    expect(Object.keys(decodeSafetensors(saved[0]!).tensors)).toContain('state.first.w1');
  });

  it('refuses a checkpoint of another run', async () => {
    // given
    let bytes: Uint8Array | undefined;
    await (await run({ checkpoint: { put: async (given) => void (bytes = given), every: 20 } })).outcome;
    // when / then
    await expect((await run({ resume: bytes!, steps: 30 })).outcome).rejects.toThrow(
      /a run of 22 steps, this one has 30/,
    );
    await expect((await run({ resume: bytes!, rngs: {} })).outcome).rejects.toThrow(
      /generators masks, this run none/,
    );
    await expect((await run({ resume: bytes!.subarray(0, 99) })).outcome).rejects.toThrow(CheckpointError);
  });
});

describe('fit on the device driver', () => {
  const device = { driver: 'device', stepsPerRun: 4 } as const;
  const keep = (into: Uint8Array[]) => ({
    put: async (bytes: Uint8Array) => void into.push(bytes),
    every: 7,
  });

  it('makes the updates up to the next pause in one call, with the curve and the checkpoints of the CPU driver', async () => {
    // given
    const expected: Uint8Array[] = [];
    const cpu = await run({ checkpoint: keep(expected) });
    const expectedResult = await cpu.outcome;
    const saved: Uint8Array[] = [];
    let built = 0;
    const builtAt: number[] = [];
    const masks = createRng(3).fork('dropout');
    const source = batchesWith(masks);
    const batches: BatchSource = {
      ...source,
      at: (step) => {
        built += 1;
        return source.at(step);
      },
    };
    // when
    const losses: number[] = [];
    const { outcome, trained } = await run(
      {
        batches,
        rngs: { masks },
        checkpoint: keep(saved),
        onProgress: ({ loss }) => {
          losses.push(loss);
          builtAt.push(built);
        },
      },
      device,
    );
    const result = await outcome;
    // then: calls end at evaluations (5, 10, 15, 20) and checkpoints (7, 14, 21); those of 21 and 22 have no more to build
    const calls = [...new Set(builtAt)].map((count) => builtAt.filter((other) => other === count).length);
    expect(calls).toEqual([4, 1, 2, 3, 4, 1, 4, 1, 2]);
    losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(cpu.losses[i]!, 5);
    });
    expect(result.bestStep).toBe(expectedResult.bestStep);
    result.curve.forEach((point, i) => {
      const { step, lr, trainLoss, validLoss } = expectedResult.curve[i]!;
      expect(point).toMatchObject({ step, lr });
      expect(point.trainLoss).toBeCloseTo(trainLoss, 5);
      expect(point.validLoss).toBeCloseTo(validLoss!, 5);
    });
    saved.map(decodeCheckpoint).forEach((checkpoint, i) => {
      const { step, rngs } = decodeCheckpoint(expected[i]!);
      expect(checkpoint).toMatchObject({ step, rngs });
    });
    const [ours, theirs] = [await trained.parameters(), await cpu.trained.parameters()];
    for (const [name, values] of Object.entries(ours))
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(theirs[name]![i]!, 4);
      });
  });

  it('goes on from a checkpoint bit for bit, also from one that a clock asked for between two pauses', async () => {
    // given
    const saved: Uint8Array[] = [];
    const checkpoint = { ...keep(saved), every: (step: number) => step === 7 || step === 12 };
    const whole = await run({ checkpoint }, device);
    const wholeResult = await whole.outcome;
    // when
    const resumed = await run({ resume: saved[0]! }, device);
    const result = await resumed.outcome;
    // then: the calls that made steps 7 and 12 end at 9 and 14
    expect(saved.map((bytes) => decodeCheckpoint(bytes).step)).toEqual([9, 14]);
    expect(resumed.losses).toEqual(whole.losses.slice(9));
    expect(result).toEqual(wholeResult);
    expect(await resumed.trained.parameters()).toEqual(await whole.trained.parameters());
  });

  it('is stopped between two calls, with a checkpoint', async () => {
    // given
    const controller = new AbortController();
    const saved: Uint8Array[] = [];
    // when
    const { outcome } = await run(
      {
        signal: controller.signal,
        checkpoint: { ...keep(saved), every: 1000 },
        onProgress: ({ step }) => step === 7 && controller.abort(),
      },
      device,
    );
    // then
    await expect(outcome).rejects.toThrow(AbortedError);
    expect(saved.map((bytes) => decodeCheckpoint(bytes).step)).toEqual([9]);
  });
});

it('fit refuses steps between evaluations or checkpoints that are no whole number', async () => {
  const trained = await trainer();
  const plain = { trainer: trained, batches: { stepsPerEpoch: 4, at: smallBatch }, steps: 2, lr: 0.1 };
  for (const every of [0, 2.5, Number.NaN]) {
    await expect(train({ ...plain, evaluateEvery: every })).rejects.toThrow(TrainError);
    const checkpoint = { put: async () => {}, every };
    await expect(train({ ...plain, checkpoint })).rejects.toThrow(/a whole number from 1/);
  }
});
