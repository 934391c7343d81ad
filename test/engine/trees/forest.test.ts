import { describe, expect, it } from 'vitest';
import { auroc } from '../../../lib/engine/metrics/index.ts';
import { randomBin } from '../../../lib/engine/trees/depth-first.ts';
import { encodeTrees, fitForest, predictProbabilities } from '../../../lib/engine/trees/index.ts';
import { shapedTable } from './support.ts';

describe.each(['random', 'extra'] as const)('%s forest', (kind) => {
  it('ranks held-out rows, with probabilities that are shares', async () => {
    // given
    const [train, test] = [shapedTable(1500, 5, 1, 0.05), shapedTable(1500, 5, 2, 0.05)];
    // when
    const model = await fitForest({
      ...train,
      options: { kind, trees: 60, threads: 1, minRowsInLeaf: 5 },
    });
    const probabilities = predictProbabilities(model, test.values);
    // then
    expect(auroc(test.labels, probabilities)).toBeGreaterThan(0.79);
    expect(probabilities.every((p) => p > -1e-6 && p < 1 + 1e-6)).toBe(true);
  });

  it('gives the same bytes again, and on two threads', async () => {
    // given enough rows to share out
    const table = shapedTable(8000, 9, 3, 0.05);
    const bytes = async (threads: number, seed = 1) =>
      encodeTrees(
        await fitForest({
          ...table,
          seed,
          options: { kind, trees: 3, threads, minRowsInLeaf: 50, columnsPerSplit: 6 },
        }),
      );
    // when
    const first = await bytes(1);
    // then
    expect(await bytes(1)).toEqual(first);
    expect(await bytes(2)).toEqual(first);
    expect(await bytes(1, 2)).not.toEqual(first);
  });

  it('grows to the end: leaves are pure where values differ', async () => {
    // given rows that all differ
    const table = shapedTable(200, 3, 4);
    // when one tree, of all rows for extra trees
    const model = await fitForest({ ...table, options: { kind, trees: 1, threads: 1 } });
    const leaves = [...model.value].filter((_, node) => model.feature[node]! < 0);
    // then
    expect(leaves.every((value) => value === 0 || value === 1)).toBe(true);
    if (kind === 'extra') {
      expect([...predictProbabilities(model, table.values)]).toEqual(Array.from(table.labels));
    }
  });
});

describe('a random threshold', () => {
  it('falls between evenly spaced values evenly', () => {
    // given values 0 to 3
    const edges = Float32Array.of(0.5, 1.5, 2.5, Number.POSITIVE_INFINITY);
    const counts = [0, 0, 0, 0];
    // when drawn over all of them
    for (let i = 0; i < 300; i++) counts[randomBin(edges, 1, 4, i / 300)]!++;
    // then
    expect(counts).toEqual([0, 100, 100, 100]);
  });

  it('is the only one between two values, whatever is drawn', () => {
    const edges = Float32Array.of(0.5, 1.5, Number.POSITIVE_INFINITY);
    expect([0, 0.5, 0.99].map((draw) => randomBin(edges, 2, 3, draw))).toEqual([2, 2, 2]);
    expect(randomBin(edges, 1, 2, 0.7)).toBe(1);
  });
});
