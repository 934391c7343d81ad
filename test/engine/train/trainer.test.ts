import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  AbortedError,
  DivergedError,
  float32,
  ProgramError,
  SessionError,
} from '../../../lib/engine/host/index.ts';
import {
  linearSchedule,
  openTrainer,
  type Trainer,
  type TrainerOptions,
} from '../../../lib/engine/train/index.ts';
import { evaluationBatch, recorded, smallBatch, smallOptimiser, smallProgram } from './small.ts';

const open: Trainer[] = [];

async function trainer(options: TrainerOptions = { optimiser: smallOptimiser }): Promise<Trainer> {
  const opened = await openTrainer(smallProgram(), options);
  open.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

async function steps(of: Trainer, count: number): Promise<{ losses: number[]; norms: number[] }> {
  const schedule = linearSchedule({ warmup: recorded.warmup });
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 0; step < count; step++) {
    const { loss, gradNorm } = await of.step(smallBatch(step), {
      lr: recorded.lr * schedule(step, recorded.steps),
    });
    losses.push(loss);
    norms.push(gradNorm);
  }
  return { losses, norms };
}

describe('against PyTorch', () => {
  it('30 steps with warm-up, clipping, decay groups, rate multipliers and an embedding table', async () => {
    // given
    const trained = await trainer();
    // when
    const { losses, norms } = await steps(trained, recorded.steps);
    const parameters = await trained.parameters();
    // then
    for (const [step, loss] of losses.entries()) {
      expect(Math.abs(loss - recorded.losses[step]!)).toBeLessThan(1e-5);
      expect(Math.abs(norms[step]! - recorded.norms[step]!)).toBeLessThan(1e-5);
    }
    for (const [name, expected] of Object.entries(recorded.final)) {
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - parameters[name]![i]!)));
      expect(worst, name).toBeLessThan(1e-5);
    }
  });
});

describe('repeats', () => {
  for (const threads of [1, 2]) {
    it(`bit for bit with ${threads} threads`, async () => {
      // given two trainers
      const [first, second] = [
        await trainer({ threads, optimiser: smallOptimiser }),
        await trainer({ threads, optimiser: smallOptimiser }),
      ];
      // when both take the same steps
      const [a, b] = [await steps(first, 12), await steps(second, 12)];
      // then
      expect(a).toEqual(b);
      expect(await first.state()).toEqual(await second.state());
    });
  }

  it('bit for bit from a loaded state', async () => {
    // given a trainer at step 7, and its state in another
    const first = await trainer();
    await steps(first, 7);
    const second = await trainer();
    await second.load(await first.state());
    // when both go on
    const feeds = () => smallBatch(2);
    const [a, b] = [await first.step(feeds(), { lr: 0.01 }), await second.step(feeds(), { lr: 0.01 })];
    // then
    expect(a).toEqual(b);
    expect(await first.state()).toEqual(await second.state());
  });
});

describe('trainer', () => {
  it('evaluates by the graph without dropout and changes nothing', async () => {
    // given
    const trained = await trainer();
    const before = await trained.state();
    // when
    const outputs = await trained.evaluate(evaluationBatch(0), ['loss', 'probability']);
    // then
    expect(outputs.loss!.shape).toEqual([]);
    expect(outputs.probability!.shape).toEqual([8, 1]);
    expect(await trained.state()).toEqual(before);
  });

  it('leaves out rows of weight 0', async () => {
    // given batch 3, whose rows from 5 have weight 0, and a copy with other values there
    const trained = await trainer();
    const other = evaluationBatch(3);
    if (other.numbers!.type === 'float32') other.numbers!.data.fill(9, 5 * 5);
    // when
    const [a, b] = [
      await trained.evaluate(evaluationBatch(3), ['loss']),
      await trained.evaluate(other, ['loss']),
    ];
    // then
    expect(a.loss).toEqual(b.loss);
  });

  it('moves buffers only when asked to', async () => {
    // given
    const trained = await trainer();
    const feeds = smallBatch(0);
    // when sent by copy
    await trained.step(feeds, { lr: 0.01 });
    // then
    expect(feeds.numbers!.data.length).toBe(40);
    // when moved
    await trained.step(feeds, { lr: 0.01, transfer: true });
    // then a second use is told, not a bare TypeError
    expect(feeds.numbers!.data.length).toBe(0);
    await expect(trained.step(feeds, { lr: 0.01 })).rejects.toThrow(/sent to a worker before/);
  });

  it('starts from some parameters of another model with fresh moments', async () => {
    // given a trainer with steps behind it
    const trained = await trainer();
    await steps(trained, 3);
    const w1 = (await trained.parameters()).w1!;
    // when
    await trained.load({ parameters: { b1: new Float32Array(6).fill(2) } });
    const state = await trained.state();
    // then
    expect(state.step).toBe(0);
    expect([...state.parameters.b1!]).toEqual(Array(6).fill(2));
    expect(state.parameters.w1).toEqual(w1);
    expect(state.optimiser.first!.w1!.every((value) => value === 0)).toBe(true);
  });

  it('keeps frozen parameters, and does not move them by decay', async () => {
    // given a program without gradients for the table and w1
    const { rowGradients: _, ...program } = smallProgram();
    const frozen = await openTrainer({ ...program, gradientOutputs: { b1: 'd_b1', w2: 'd_w2', b2: 'd_b2' } });
    open.push(frozen);
    // when
    await steps(frozen, 8);
    const state = await frozen.state();
    await frozen.load(state);
    // then
    expect(Object.keys(state.parameters)).toEqual(['b1', 'w2', 'b2']);
    expect(state.parameters.w2).not.toEqual(program.parameters[3]!.data);
    expect(Object.keys(state.optimiser.first!)).toEqual(['b1', 'w2', 'b2']);
  });

  it('updates only looked-up rows of a lazy table', async () => {
    // given
    const lazy = await trainer({ optimiser: { group: () => ({ rows: 'lazy' }) } });
    const ids = new Set(recorded.batches[0]!.ids.data);
    // when
    await lazy.step(smallBatch(0), { lr: 0.01 });
    const { table } = await lazy.parameters();
    // then
    const before = recorded.parameters[0]!.data;
    for (let row = 0; row < 11; row++) {
      const moved = [0, 1, 2, 3].some((c) => table![row * 4 + c] !== Math.fround(before[row * 4 + c]!));
      expect(moved, `row ${row}`).toBe(ids.has(row));
    }
  });
});

describe('typed errors from the worker', () => {
  it('a missing, an unknown and a misshapen feed', async () => {
    // given
    const trained = await trainer();
    const { mask: _, ...without } = smallBatch(0);
    // when / then
    await expect(trained.step(without, { lr: 0.1 })).rejects.toThrow(ProgramError);
    await expect(trained.step(without, { lr: 0.1 })).rejects.toThrow(/input mask was not fed/);
    const extra = { ...smallBatch(0), maskk: float32(new Float32Array(1), [1]) };
    await expect(trained.step(extra, { lr: 0.1 })).rejects.toThrow(/no input maskk; it has .*mask/);
    const short = { ...smallBatch(0), numbers: float32(new Float32Array(7), [8, 5]) };
    await expect(trained.step(short, { lr: 0.1 })).rejects.toThrow(/needs 40 values and has 7/);
    const wrong = { ...smallBatch(0), numbers: float32(new Float32Array(32), [8, 4]) };
    await expect(trained.step(wrong, { lr: 0.1 })).rejects.toThrow(SessionError);
    await expect(trained.evaluate(evaluationBatch(0), ['los'])).rejects.toThrow(/no output los; it has loss/);
  });

  it('a loss that is not finite updates nothing', async () => {
    // given
    const trained = await trainer();
    const before = await trained.state();
    const feeds = { ...smallBatch(0), numbers: float32(new Float32Array(40).fill(Number.NaN), [8, 5]) };
    // when / then
    await expect(trained.step(feeds, { lr: 0.1 })).rejects.toThrow(DivergedError);
    expect(await trained.state()).toEqual(before);
  });

  it('an abort between steps, and a bad learning rate', async () => {
    // given
    const trained = await trainer();
    const controller = new AbortController();
    await trained.step(smallBatch(0), { lr: 0.1, signal: controller.signal });
    // when
    controller.abort();
    // then
    await expect(trained.step(smallBatch(0), { lr: 0.1, signal: controller.signal })).rejects.toThrow(
      AbortedError,
    );
    await expect(trained.step(smallBatch(0), { lr: -1 })).rejects.toThrow(/learning rate of 0 or above/);
    expect((await trained.state()).step).toBe(1);
  });

  it('states and programs that do not fit', async () => {
    // given
    const trained = await trainer();
    const state = await trained.state();
    const program = smallProgram();
    // when / then
    await expect(trained.load({ parameters: { w9: new Float32Array(1) } })).rejects.toThrow(
      /parameter w9 was given/,
    );
    await expect(trained.load({ parameters: { b1: new Float32Array(5) } })).rejects.toThrow(
      /5 values, the program's has 6/,
    );
    await expect(trained.load({ ...state, optimiser: {} })).rejects.toThrow(/no first state of table/);
    await expect(openTrainer({ ...program, lossOutput: 'perte' })).rejects.toThrow(/no output perte/);
    await expect(openTrainer({ ...program, gradientOutputs: { w7: 'd_w1' } })).rejects.toThrow(
      /w7, which is no parameter/,
    );
    await expect(openTrainer({ ...program, model: new Uint8Array([1, 2, 3]) })).rejects.toThrow(
      /refused the model/,
    );
    await expect(openTrainer(program, { threads: 0 })).rejects.toThrow(/whole number from 1/);
    await expect(openTrainer(program, { optimiser: { beta1: 1 } })).rejects.toThrow(/beta1 is 1/);
  });

  it.skipIf(existsSync('/proc/driver/nvidia'))(
    'a GPU where there is none, rather than work on the CPU unseen',
    async () => {
      // given a machine without a GPU and a job that asks for one
      vi.stubEnv('NIGHTJAR_DEVICE', 'cuda');
      // when / then
      await expect(openTrainer(smallProgram())).rejects.toThrow(/NIGHTJAR_DEVICE=cuda asks for a GPU/);
      vi.unstubAllEnvs();
    },
  );

  it('a closed trainer', async () => {
    // given
    const trained = await trainer();
    await trained.close();
    // when / then
    await expect(trained.parameters()).rejects.toThrow(SessionError);
  });
});
