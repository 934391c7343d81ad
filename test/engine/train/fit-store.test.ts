import { beforeEach, describe, expect, it } from 'vitest';
import { AbortedError, CheckpointError, createRng } from '../../../lib/engine/host/index.ts';
import {
  type ByteStore,
  decodeCheckpoint,
  FitStore,
  type FitStoreOptions,
  type FittedProgram,
  fitProgram,
  linearSchedule,
  type ProgramFit,
  shuffledBatches,
} from '../../../lib/engine/train/index.ts';
import { evaluationBatch, smallBatch, smallOptimiser, smallProgram } from './small.ts';

const STEPS = 22;
let kept: Map<string, Uint8Array>;
/** Steps at which something was put, in order. */
let checkpoints: number[];

beforeEach(() => {
  kept = new Map();
  checkpoints = [];
});

const store: ByteStore = {
  get: async (key) => kept.get(key),
  put: async (key, bytes) => {
    checkpoints.push(decodeCheckpoint(bytes).step);
    kept.set(key, bytes.slice());
  },
};

const openFits = (options: Partial<FitStoreOptions> = {}) =>
  new FitStore({ store, prefix: 'fits/r/g/', ...options });

/** The one object that was put. */
function keptBytes(): Uint8Array {
  for (const bytes of kept.values()) return bytes;
  throw new Error('nothing was put');
}

/** One fit; what differs is given. @returns its result and the losses of the steps that it did */
async function fitOnce(
  differs: Partial<ProgramFit> = {},
): Promise<FittedProgram & { losses: Map<number, number> }> {
  const losses = new Map<number, number>();
  const order = createRng(3).fork('order');
  const fitted = await fitProgram({
    program: smallProgram(),
    optimiser: smallOptimiser,
    threads: 1,
    batches: shuffledBatches({ rows: 4, batchSize: 1, rng: order, make: ([row]) => smallBatch(row!) }),
    madeFrom: { settings: { seed: 3 }, arrays: [Float32Array.of(1, 2)] },
    steps: STEPS,
    lr: 0.05,
    schedule: linearSchedule({ warmup: 3 }),
    ...differs,
    onProgress(told) {
      losses.set(told.step, told.loss);
      differs.onProgress?.(told);
    },
  });
  return { ...fitted, losses };
}

describe('a kept fit', () => {
  it('is not done again once it is finished', async () => {
    // given
    const bare = await fitOnce();
    const first = await fitOnce({ fits: openFits() });
    // when
    const second = await fitOnce({ fits: openFits() });
    // then
    expect(first.losses.size).toBe(STEPS);
    expect(second.losses.size).toBe(0);
    expect({ ...first, losses: 0 }).toEqual({ ...bare, losses: 0 });
    expect({ ...second, losses: 0 }).toEqual({ ...bare, losses: 0 });
    expect(checkpoints).toEqual([STEPS]);
  });

  it('is taken for no other: whatever decides the result names it', async () => {
    // given
    await fitOnce({ fits: openFits() });
    const others: Partial<ProgramFit>[] = [
      { lr: 0.04 },
      { steps: STEPS - 1 },
      { schedule: linearSchedule({ warmup: 4 }) },
      { evaluateEvery: 5 },
      { threads: 2 },
      { optimiser: { ...smallOptimiser, beta2: 0.9 } },
      { accumulate: 2 },
      { ema: 0.9 },
      { madeFrom: { settings: { seed: 4 }, arrays: [Float32Array.of(1, 2)] } },
      { madeFrom: { settings: { seed: 3 }, arrays: [Float32Array.of(1, 3)] } },
      { madeFrom: { settings: { seed: 3 }, arrays: [Float32Array.of(1), Float32Array.of(2)] } },
      {
        program: {
          ...smallProgram(),
          parameters: smallProgram().parameters.map((p) => ({ ...p, data: p.data.map((x) => x / 2) })),
        },
      },
    ];
    for (const differs of others) {
      // when
      const { losses } = await fitOnce({ ...differs, fits: openFits() });
      // then
      expect(losses.size, JSON.stringify(differs)).toBe(differs.steps ?? STEPS);
    }
  });

  it('is found by its place in the training as well', async () => {
    // given two fits of a training that are alike
    const fits = openFits();
    const first = await fitOnce({ fits });
    const second = await fitOnce({ fits });
    // then each was done
    expect([first.losses.size, second.losses.size]).toEqual([STEPS, STEPS]);
    const again = openFits();
    expect((await fitOnce({ fits: again })).losses.size + (await fitOnce({ fits: again })).losses.size).toBe(
      0,
    );
  });

  it('leaves a checkpoint whenever the interval is over by the clock, and at the end', async () => {
    // given steps of 10 s, and an interval of a minute
    let clock = 0;
    // when
    await fitOnce({
      fits: openFits({ now: () => clock, checkpointEvery: 60_000 }),
      onProgress: () => {
        clock += 10_000;
      },
    });
    // then
    expect(checkpoints).toEqual([6, 12, 18, STEPS]);
  });

  it('leaves one at least every five minutes unless told otherwise', async () => {
    let clock = 0;
    await fitOnce({
      fits: openFits({ now: () => clock }),
      onProgress: () => {
        clock += 60_000;
      },
    });
    const gaps = checkpoints.map((step, i) => step - (checkpoints[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5);
  });

  it('stops between two steps when it is told to, and goes on from there to the same end', async () => {
    // given
    const whole = await fitOnce();
    const losses = new Map<number, number>();
    for (const last of [1, 9, 10, 21]) {
      const stop = new AbortController();
      // when
      const stopped = fitOnce({
        fits: openFits({ signal: stop.signal }),
        onProgress({ step, loss }) {
          losses.set(step, loss);
          if (step === last) stop.abort();
        },
      });
      // then
      await expect(stopped).rejects.toThrow(AbortedError);
      expect(checkpoints.at(-1)).toBe(last);
    }
    const ended = await fitOnce({ fits: openFits() });
    expect([...ended.losses.keys()]).toEqual([22]);
    expect(new Map([...losses, ...ended.losses])).toEqual(whole.losses);
    expect({ ...ended, losses: 0 }).toEqual({ ...whole, losses: 0 });
  });

  it('that is validated ends by patience with its best averages, and is not done again', async () => {
    // given a validation that is best at its second point, and steps made by hand
    const validated = (losses: number[]): Partial<ProgramFit> => ({
      evaluateEvery: 3,
      patience: 2,
      ema: 0.8,
      step: (trainer, feeds, { lr }) => trainer.step(feeds, { lr }),
      evaluate: async (trainer, step) => {
        const { loss } = await trainer.evaluate(evaluationBatch(1), ['loss']);
        return { loss: losses[step / 3 - 1]!, seen: Number(loss!.data[0]) };
      },
      fits: openFits(),
    });
    // when
    const first = await fitOnce(validated([0.5, 0.3, 0.4, 0.31, 0.1]));
    const second = await fitOnce(validated([]));
    // then
    expect([first.losses.size, first.bestStep]).toEqual([12, 6]);
    expect(second.losses.size).toBe(0);
    expect({ ...second, losses: 0 }).toEqual({ ...first, losses: 0 });
    expect(checkpoints).toEqual([12]);
    const last = decodeCheckpoint(keptBytes());
    expect(first.parameters).toEqual(last.best!.parameters);
    expect(first.parameters.w1).not.toEqual(last.trainer.averages!.w1);
  });

  it('is not begun after the signal', async () => {
    const fits = openFits({ signal: AbortSignal.abort() });
    await expect(fitOnce({ fits })).rejects.toThrow(AbortedError);
    expect(checkpoints).toEqual([]);
  });

  it('that is damaged is named, with what to do', async () => {
    // given
    await fitOnce({ fits: openFits() });
    const [key] = [...kept.keys()] as [string];
    expect(key).toMatch(/^fits\/r\/g\//);
    kept.set(key, new TextEncoder().encode('no checkpoint'));
    // when / then
    const damaged = fitOnce({ fits: openFits() });
    await expect(damaged).rejects.toThrow(CheckpointError);
    await expect(damaged).rejects.toThrow(`${key} is damaged`);
    kept.delete(key);
    expect((await fitOnce({ fits: openFits() })).losses.size).toBe(STEPS);
  });
});
