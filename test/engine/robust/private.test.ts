import { describe, expect, it } from 'vitest';
import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, type Feeds } from '../../../lib/engine/host/index.ts';
import { specialise } from '../../../lib/engine/onnx/index.ts';
import { dpSgd, poissonSample, splitExamples } from '../../../lib/engine/robust/index.ts';
import type { TrainingProgram } from '../../../lib/engine/train/index.ts';
import { BATCH, batch, network, plainSgd, withTrainer } from './network.ts';

/** The network for one example at a time. */
function singleProgram(): TrainingProgram {
  const {
    rowGradientOutputs: _,
    inputGradientOutputs: __,
    ...program
  } = trainingGraph(specialise(network('batch'), { batch: 1 }), { loss: 'loss' });
  return program;
}

async function trained(options: Omit<Parameters<typeof dpSgd>[0], 'batchSize'>, feeds: Feeds = batch()) {
  return withTrainer(singleProgram(), plainSgd, async (trainer) => {
    const step = dpSgd({ ...options, batchSize: BATCH });
    const result = await step(trainer, feeds, { lr: 0.5, step: 0 });
    return { result, parameters: await trainer.parameters() };
  });
}

/** How far the parameters moved, over all of them. */
function moved(parameters: Record<string, Float32Array>): number {
  const squares = singleProgram().parameters.flatMap(({ name, data }) =>
    Array.from(data, (value, i) => (parameters[name]![i]! - value) ** 2),
  );
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
}

describe('DP-SGD', () => {
  it('without noise and with a wide clip is plain descent on the batch', async () => {
    // given
    const {
      rowGradientOutputs: _,
      inputGradientOutputs: __,
      ...program
    } = trainingGraph(network(), {
      loss: 'loss',
    });
    const plain = await withTrainer(program, plainSgd, async (trainer) => {
      const { loss } = await trainer.step(batch(), { lr: 0.5 });
      return { loss, parameters: await trainer.parameters() };
    });
    // when
    const { result, parameters } = await trained({ clipNorm: 1e6, noiseMultiplier: 0 });
    // then
    expect(result.loss).toBeCloseTo(plain.loss, 6);
    for (const [name, values] of Object.entries(plain.parameters)) {
      values.forEach((value, i) => {
        expect(parameters[name]![i]).toBeCloseTo(value, 6);
      });
    }
  });

  it('bounds what one example can do by the clip', async () => {
    // given
    const one = splitExamples(batch())[0]!;
    const clipNorm = 0.01;
    // when
    const { parameters } = await trained({ clipNorm, noiseMultiplier: 0 }, one);
    // then: lr x clip / batch size
    expect(moved(parameters)).toBeCloseTo((0.5 * clipNorm) / BATCH, 7);
  });

  it('adds noise of the multiplier times the clip, from the secret source unless a seed is given', async () => {
    // given
    const options = { clipNorm: 0.5, noiseMultiplier: 3 };
    const seeded = () => trained({ ...options, noise: createRng(8) });
    // when
    const [first, again, secret] = [await seeded(), await seeded(), await trained(options)];
    // then: 3 x 0.5 per value, over all values, is far more than the clipped gradients
    const count = singleProgram().parameters.reduce((sum, { data }) => sum + data.length, 0);
    const expected = (0.5 * 3 * 0.5 * Math.sqrt(count)) / BATCH;
    expect(first.parameters).toEqual(again.parameters);
    expect(secret.parameters).not.toEqual(first.parameters);
    for (const { parameters } of [first, secret]) {
      expect(moved(parameters) / expected).toBeGreaterThan(0.7);
      expect(moved(parameters) / expected).toBeLessThan(1.3);
    }
  });

  it('samples each row with the same chance, empty batches included', () => {
    // given
    const rng = createRng(3);
    const counts = new Float64Array(50);
    // when
    const sizes = Array.from({ length: 2000 }, () => {
      const rows = poissonSample(50, 0.04, rng);
      for (const row of rows) counts[row]! += 1;
      return rows.length;
    });
    // then: 2 rows a batch on average, empty in 0.96^50 = 13 % of all
    expect(sizes.reduce((sum, n) => sum + n, 0) / sizes.length).toBeCloseTo(2, 0);
    expect(sizes.filter((n) => n === 0).length / sizes.length).toBeCloseTo(0.13, 1);
    expect(Math.min(...counts)).toBeGreaterThan(40);
    expect(Math.max(...counts)).toBeLessThan(120);
  });

  it.each([
    { change: { clipNorm: 0 }, says: /clipNorm/ },
    { change: { noiseMultiplier: Number.NaN }, says: /noise multiplier/ },
    { change: { batchSize: -1 }, says: /batchSize/ },
  ])('refuses $change', ({ change, says }) => {
    expect(() => dpSgd({ clipNorm: 1, noiseMultiplier: 1, batchSize: 1, ...change })).toThrow(says);
  });
});
