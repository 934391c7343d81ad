import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TrainingGraph, trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, float32, int64, TrainError } from '../../../lib/engine/host/index.ts';
import { specialise } from '../../../lib/engine/onnx/index.ts';
import {
  type BucketBatch,
  bucketedBatches,
  lengthBuckets,
  meanLoss,
  openTrainer,
  type TrainingProgram,
} from '../../../lib/engine/train/index.ts';
import { settleOptimiser } from '../../../lib/engine/train/optimisers/optimiser-options.ts';
import { TrainerCore } from '../../../lib/engine/train/trainer/trainer-core.ts';
import { encoderBatches, encoderBuckets, encoderGraph, encoderProgram } from './small-encoder.ts';

describe('length buckets', () => {
  it('hold every row once, at the least length that fits', () => {
    // given
    const lengths = [5, 100, 1, 16, 8, 9, 33];
    // when
    const buckets = lengthBuckets({ lengths, buckets: [32, 8, 16, 64], tokensPerBatch: 128 });
    // then
    expect(buckets.map(({ rows, ...shape }) => ({ ...shape, rows: [...rows] }))).toEqual([
      { variant: 'length-8', length: 8, batchSize: 16, rows: [0, 2, 4] },
      { variant: 'length-16', length: 16, batchSize: 8, rows: [3, 5] },
      { variant: 'length-64', length: 64, batchSize: 2, rows: [1, 6] },
    ]);
  });

  it('give every row once an epoch, in batches of one shape, and repeat', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.nat(),
        async (lengths, batchSize, seed) => {
          // given
          const buckets = lengthBuckets({ lengths, buckets: [10, 20, 30], batchSize });
          const source = (seen: BucketBatch[]) =>
            bucketedBatches({
              buckets,
              rng: createRng(seed),
              make: (batch) => {
                seen.push(batch);
                return {};
              },
            });
          const seen: BucketBatch[] = [];
          const { stepsPerEpoch, at } = source(seen);
          // when
          const weights: number[] = [];
          for (let step = 0; step < 2 * stepsPerEpoch; step++) {
            const batch = await at(step);
            weights.push('weight' in batch ? Number(batch.weight) : 0);
          }
          // then
          for (const epoch of [seen.slice(0, stepsPerEpoch), seen.slice(stepsPerEpoch)]) {
            const counted = epoch.flatMap(({ rows, weights: of }) => [...rows].filter((_, i) => of[i] === 1));
            expect(counted.sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
          }
          for (const [i, { rows, weights: of, length }] of seen.entries()) {
            expect([rows.length, of.length]).toEqual([batchSize, batchSize]);
            expect(weights[i]).toBe(of.filter((weight) => weight === 1).length);
            for (const row of rows)
              expect(lengths[row]! <= length || length === buckets.at(-1)!.length).toBe(true);
          }
          // a batch asked for alone is the same
          const again: BucketBatch[] = [];
          await source(again).at(seen.length - 1);
          expect(again[0]).toEqual(seen.at(-1));
        },
      ),
      { seed: 21, numRuns: 60 },
    );
  });

  it('refuse sizes that are none', () => {
    for (const bad of [
      { lengths: [1], buckets: [] as number[], batchSize: 2 },
      { lengths: [1], buckets: [4] },
      { lengths: [1], buckets: [4], batchSize: 2, tokensPerBatch: 8 },
      { lengths: [1], buckets: [4.5], batchSize: 2 },
      { lengths: [] as number[], buckets: [4], batchSize: 2 },
    ]) {
      expect(() => lengthBuckets(bad)).toThrow(TrainError);
    }
    expect(() => bucketedBatches({ buckets: [], rng: createRng(1), make: () => ({}) })).toThrow(/no rows/);
  });
});

it('a bucketed set has one mean loss, however it is batched', async () => {
  // given a program with a variant per bucket, and the rows in two orders
  const { program } = encoderProgram(0);
  const trainer = await openTrainer(program);
  // when
  const losses = [
    await meanLoss(trainer, encoderBatches({}, 1), 'loss'),
    await meanLoss(trainer, encoderBatches({}, 2), 'loss'),
  ];
  await trainer.close();
  // then
  expect(encoderBuckets.length).toBe(3);
  expect(losses[1]).toBeCloseTo(losses[0]!, 6);
  expect(losses[0]).toBeGreaterThan(0.1);
});

it('frozen parameters are fed to the sessions of all lengths from one copy, to the same results', async () => {
  // given one graph with all but its head frozen
  const graph = encoderGraph();
  const programOf = (frozen: 'constants' | 'inputs'): TrainingProgram => {
    const [short, long] = [5, 9].map((length) =>
      trainingGraph(specialise(graph, { batch: 2, length }), { loss: 'loss', wrt: ['head'], frozen }),
    ) as [TrainingGraph, TrainingGraph];
    const { rowGradientOutputs: _, ...program } = short;
    return { ...program, variants: { long: long.model } };
  };
  const run = async (program: TrainingProgram) => {
    const trainer = await TrainerCore.open(program, settleOptimiser(program), 1);
    const losses: number[] = [];
    for (const [length, variant] of [[5], [9, 'long'], [5]] as const) {
      const feeds = {
        ids: int64(
          Array.from({ length: 2 * length }, (_, i) => 1 + (i % 19)),
          [2, length],
        ),
        label: float32(Float32Array.of(0, 1), [2]),
        weight: float32(Float32Array.of(1, 1), [2]),
      };
      losses.push((await trainer.step(feeds, 0.1, variant)).loss);
    }
    const state = trainer.state();
    await trainer.close();
    return { losses, state };
  };
  const [constants, inputs] = [programOf('constants'), programOf('inputs')];
  // when
  const [a, b] = [await run(constants), await run(inputs)];
  // then
  expect(Object.keys(a.state.parameters)).toEqual(['head']);
  expect(Object.keys(b.state.parameters)).toEqual(['head']);
  for (const [i, loss] of a.losses.entries()) expect(b.losses[i]).toBeCloseTo(loss, 6);
  expect(inputs.parameters.length).toBe(graph.parameters.length);
  const weights = graph.parameters.reduce((sum, { data }) => sum + data.byteLength, 0);
  expect(constants.model.length - inputs.model.length).toBeGreaterThan(0.9 * weights);
});
