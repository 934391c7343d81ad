import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DivergedError, TrainError } from '../../../lib/engine/host/index.ts';
import { layerwiseRates, openTrainer, rateRangeTest, type Trainer } from '../../../lib/engine/train/index.ts';
import { smallBatch, smallProgram } from './small.ts';

let trainer: Trainer;
const batches = { stepsPerEpoch: 1, at: () => smallBatch(0) };

beforeAll(async () => {
  trainer = await openTrainer(smallProgram(), { optimiser: { kind: 'sgd', momentum: 0, clipNorm: null } });
});

afterAll(() => trainer.close());

describe('range test', () => {
  it('raises the rate by one factor a step, finds where the loss falls, and leaves the trainer as it was', async () => {
    // given
    await trainer.step(smallBatch(0), { lr: 0.01 });
    const before = await trainer.state();
    // when
    const { curve, suggestion, diverged } = await rateRangeTest({
      trainer,
      batches,
      from: 1e-3,
      to: 10,
      steps: 41,
    });
    // then
    expect(curve.length).toBe(41);
    expect(curve[0]!.lr).toBe(1e-3);
    expect(curve.at(-1)!.lr).toBeCloseTo(10, 10);
    expect(curve[10]!.lr / curve[9]!.lr).toBeCloseTo(1e4 ** (1 / 40), 10);
    expect(curve[0]!.smoothed).toBeCloseTo(curve[0]!.loss, 12);
    expect(suggestion).toBeGreaterThan(0.01);
    expect(suggestion).toBeLessThan(10);
    expect(diverged).toBe(false);
    expect(await trainer.state()).toEqual(before);
  });

  it('ends where the loss grows or is not finite', async () => {
    // given losses that fall and then grow, and one that ends in none
    const losses = [1, 0.9, 0.7, 0.4, 0.3, 0.5, 2, 9, 9, 9];
    const made =
      (of: number[]) =>
      async (_: Trainer, __: unknown, { step }: { step: number }) => {
        if (Number.isNaN(of[step])) throw new DivergedError('not finite');
        return { loss: of[step]!, gradNorm: 1 };
      };
    const options = { trainer, batches, steps: 10, smoothing: 0, from: 1e-4, to: 1e5 };
    // when
    const grown = await rateRangeTest({ ...options, step: made(losses) });
    const lost = await rateRangeTest({ ...options, step: made([1, 0.8, 0.7, 0.65, Number.NaN]) });
    const flat = await rateRangeTest({ ...options, step: made(Array(10).fill(1)) });
    // then the means of three are 0.95, 0.87, 0.67, 0.47, 0.4, 0.93, …: from 0.87 to 0.47 is the steepest
    expect(grown.curve.length).toBe(7);
    expect(grown).toMatchObject({ diverged: true });
    expect(grown.suggestion).toBeCloseTo(1e-2, 10);
    expect([lost.curve.length, lost.diverged]).toEqual([4, true]);
    expect(flat).toMatchObject({ diverged: false, suggestion: null });
    await expect(rateRangeTest({ ...options, from: 0 })).rejects.toThrow(TrainError);
    await expect(rateRangeTest({ ...options, stopAt: 1 })).rejects.toThrow(/stopAt above 1/);
  });
});

describe('layer-wise rates', () => {
  const layerOf = (name: string) => (name === 'head' ? undefined : Number(name.split('.')[1]));

  it('fall towards the input, beside other settings', () => {
    // given embeddings as layer 0 and two layers over them
    const group = layerwiseRates({
      layerOf,
      layers: 3,
      decay: 0.5,
      group: ({ shape }) => ({ decay: shape.length > 1, ...(shape.length > 1 ? {} : { lrScale: 4 }) }),
    });
    // when / then
    expect(group({ name: 'layer.2', shape: [2, 2] })).toEqual({ decay: true, lrScale: 0.5 });
    expect(group({ name: 'layer.0', shape: [2, 2] })).toEqual({ decay: true, lrScale: 0.125 });
    expect(group({ name: 'layer.1', shape: [2] })).toEqual({ decay: false, lrScale: 1 });
    expect(group({ name: 'head', shape: [2, 2] })).toEqual({ decay: true });
  });

  it('move each layer by its own rate', async () => {
    // given the same gradient for a lower and an upper layer's vectors, by plain descent
    const program = smallProgram();
    const layered = await openTrainer(program, {
      optimiser: {
        kind: 'sgd',
        momentum: 0,
        clipNorm: null,
        group: layerwiseRates({ layerOf: (name) => ({ b1: 0, w2: 1 })[name], layers: 2, decay: 0.1 }),
      },
    });
    await trainer.load({
      parameters: Object.fromEntries(program.parameters.map(({ name, data }) => [name, data])),
    });
    // when
    for (const each of [trainer, layered]) await each.step(smallBatch(0), { lr: 0.5 });
    const [plain, ours] = [await trainer.parameters(), await layered.parameters()];
    await layered.close();
    // then
    for (const { name, data } of program.parameters) {
      const share = ({ b1: 0.01, w2: 0.1 } as Record<string, number>)[name] ?? 1;
      for (const [i, before] of data.entries())
        expect(ours[name]![i]! - before, name).toBeCloseTo(share * (plain[name]![i]! - before), 6);
    }
  });

  it('refuse layers that there are not', () => {
    expect(() => layerwiseRates({ layerOf, layers: 0, decay: 0.5 })).toThrow(TrainError);
    expect(() => layerwiseRates({ layerOf, layers: 2, decay: 1.5 })).toThrow(/given 2 and 1.5/);
    expect(() => layerwiseRates({ layerOf, layers: 2, decay: 0.5 })({ name: 'layer.2', shape: [1] })).toThrow(
      /layer.2 is in layer 2; layers are 0 to 1/,
    );
  });
});
