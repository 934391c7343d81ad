import { describe, expect, it } from 'vitest';
import { auroc } from '../../../lib/engine/metrics/index.ts';
import { orderedStatistics } from '../../../lib/engine/trees/categories.ts';
import { Draws } from '../../../lib/engine/trees/draws.ts';
import { encodeValues, fitBoosting, fitForest, predictRaw } from '../../../lib/engine/trees/index.ts';
import { shapedTable } from './support.ts';

const options = { threads: 1, trees: 40, categorical: [3] };

/** The table with another column 3. */
function withCodes(table: ReturnType<typeof shapedTable>, code: (row: number) => number) {
  const values = table.values.map((value, i) => (i % 4 === 3 ? code((i - 3) / 4) : value));
  return { ...table, values };
}

describe('categorical columns', () => {
  it('a random category of many codes tells nothing', async () => {
    // given a category with about two rows per code, which has nothing to do with the label
    const draws = new Draws(1, 'codes');
    const code = (seed: number) => (row: number) => draws.below(1500, 10_000 * seed + row);
    const [plain, test] = [shapedTable(3000, 4, 1), shapedTable(3000, 4, 2)];
    const [train, held] = [withCodes(plain, code(1)), withCodes(test, code(2))];
    // when we learn with the category, with the category alone, and without it
    const full = await fitBoosting({ ...train, options });
    const nothing = { ...train, values: train.values.map((value, i) => (i % 4 === 3 ? value : 0)) };
    const alone = await fitBoosting({ ...nothing, options });
    const without = await fitBoosting({ ...withCodes(plain, () => 0), options });
    // then it does not look predictive on held-out rows, nor costs what the other columns tell
    const area = (model: typeof full.model, values = held.values) =>
      auroc(held.labels, predictRaw(model, values));
    expect(Math.abs(area(alone.model) - 0.5)).toBeLessThan(0.03);
    expect(area(full.model)).toBeGreaterThan(area(without.model, withCodes(test, () => 0).values) - 0.012);
    // and in training its statistics do not give the labels away
    const ordered = orderedStatistics(train, full.model.categories[0]!, 10, 0);
    expect(Math.abs(auroc(train.labels, ordered) - 0.5)).toBeLessThan(0.03);
  });

  it('a category that tells is used, also by forests', async () => {
    // given codes whose order says nothing: even ones have the label more often
    const draws = new Draws(2, 'codes');
    const make = (seed: number) => {
      const table = shapedTable(2000, 4, seed);
      const code = (row: number) => draws.below(40, 10_000 * seed + row);
      const labels = Array.from({ length: 2000 }, (_, row) =>
        new Draws(seed, 'label').uniform(row) < (((code(row) * 7) % 5) + 0.5) / 5 ? 1 : 0,
      );
      return { ...withCodes(table, code), labels };
    };
    const [train, test] = [make(3), make(4)];
    // when
    const boosted = await fitBoosting({ ...train, options });
    const forest = await fitForest({
      ...train,
      options: { threads: 1, trees: 40, categorical: [3], minRowsInLeaf: 20, columnsPerSplit: 4 },
    });
    // then, of 0.82 that the shares of the codes allow
    expect(auroc(test.labels, predictRaw(boosted.model, test.values))).toBeGreaterThan(0.79);
    expect(auroc(test.labels, predictRaw(forest, test.values))).toBeGreaterThan(0.79);
  });

  it('the statistics are (Σ y + a p) / (n + a), with missing a category of its own', async () => {
    // given codes 0 0 0 2 and twice missing, of mean label 1/2
    const values = Float32Array.of(0, 0, 0, 2, Number.NaN, Number.NaN);
    const labels = [1, 1, 0, 0, 1, 0];
    // when
    const { model } = await fitBoosting({
      ...{ rows: 6, columns: 1, values, labels },
      options: { threads: 1, trees: 1, categorical: [0], smoothing: 2 },
    });
    // then; 1 has no row, 3 and 0.5 are no codes of training
    const codes = Float32Array.of(0, 1, 2, Number.NaN, 3, 0.5, -1, Number.POSITIVE_INFINITY);
    const expected = [3 / 5, 1 / 2, 1 / 3, 1 / 2, 1 / 2, 1 / 2, 1 / 2, 1 / 2];
    expect([...encodeValues(model.categories, codes, 1)]).toEqual(expected.map(Math.fround));
  });

  it('a row counts only rows before it in the order', () => {
    // given one category, smoothing 1, mean label 1/2
    const table = {
      ...{ rows: 4, columns: 1, labels: [1, 1, 0, 0] },
      values: new Float32Array(4),
    };
    const encoding = { column: 0, values: Float32Array.of(0.5), missing: 0.5, unknown: 0.5 };
    // when
    const ordered = orderedStatistics(table, encoding, 1, 3);
    // then in the order that was drawn each value follows from the labels before
    let [sum, count] = [0, 0];
    for (const row of new Draws(3, 'order').permutation(4)) {
      expect(ordered[row]).toBe(Math.fround((sum + 0.5) / (count + 1)));
      sum += table.labels[row]!;
      count++;
    }
  });

  it('refuses values that are no codes', async () => {
    const table = { rows: 2, columns: 1, labels: [0, 1], values: Float32Array.of(0, 1.5) };
    await expect(fitBoosting({ ...table, options: { categorical: [0] } })).rejects.toThrow(
      'row 1 has 1.5 in the categorical column 0; a code from 0 to 1048575 or NaN is expected',
    );
  });
});
