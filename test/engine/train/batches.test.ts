import { describe, expect, it } from 'vitest';
import { createRng, float32 } from '../../../lib/engine/host/index.ts';
import { shuffledBatches } from '../../../lib/engine/train/index.ts';

describe('shuffledBatches', () => {
  it('gives every row once an epoch, each epoch in another order, and fills up with weight 0', async () => {
    // given
    const seen: { rows: number[]; weights: number[] }[] = [];
    const batches = shuffledBatches({
      rows: 10,
      batchSize: 4,
      rng: createRng(1),
      make: (rows, weights) => {
        seen.push({ rows: [...rows], weights: [...weights] });
        return {};
      },
    });
    // when
    for (let step = 0; step < 2 * batches.stepsPerEpoch; step++) await batches.at(step);
    // then
    const counted = seen.map(({ rows, weights }) => rows.filter((_, i) => weights[i] === 1));
    const epochs = [counted.slice(0, 3).flat(), counted.slice(3).flat()];
    for (const epoch of epochs)
      expect(epoch.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(seen[2]!.weights).toEqual([1, 1, 0, 0]);
    expect(seen.every(({ rows }) => rows.length === 4)).toBe(true);
  });

  it('is a function of the step alone', async () => {
    // given
    const source = () =>
      shuffledBatches({
        rows: 10,
        batchSize: 16,
        rng: createRng(1),
        make: (rows, _weights, step) => ({
          rows: float32(Float32Array.from(rows), [16]),
          step: float32(new Float32Array([step]), []),
        }),
      });
    // when
    const straight = source();
    for (let step = 0; step < 5; step++) await straight.at(step);
    // then
    expect(await source().at(5)).toEqual(await straight.at(5));
    expect(() => shuffledBatches({ rows: 0, batchSize: 4, rng: createRng(1), make: () => ({}) })).toThrow(
      /rows is a whole/,
    );
  });
});
