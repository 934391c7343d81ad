import { describe, expect, it } from 'vitest';
import {
  fitBoosting,
  fitForest,
  predictRaw,
  TreeExplainer,
  type TreeModel,
  treeShap,
} from '../../../lib/engine/trees/index.ts';
import { pathContributions } from '../../../lib/engine/trees/shap-path.ts';
import { bruteShapley, shapedTable } from './support.ts';

const columns = 5;

describe('TreeSHAP', () => {
  it.each(['boosting', 'forest'])('%s: equals the definition over all subsets', async (kind) => {
    // given a few trees, deep enough that columns repeat on their paths, with missing values
    const table = shapedTable(500, columns, 1, 0.1);
    const model: TreeModel =
      kind === 'forest'
        ? await fitForest({ ...table, options: { threads: 1, trees: 3, minRowsInLeaf: 10 } })
        : (await fitBoosting({ ...table, options: { threads: 1, trees: 4, minRowsInLeaf: 5 } })).model;
    const rows = 12;
    const values = table.values.subarray(0, rows * columns);
    // when
    const { contributions } = treeShap(model, values);
    // then
    for (let row = 0; row < rows; row++) {
      const brute = bruteShapley(model, values.subarray(row * columns, (row + 1) * columns));
      for (let column = 0; column < columns; column++) {
        expect(contributions[row * columns + column]).toBeCloseTo(brute[column]!, 10);
      }
    }
  });

  it('contributions and the expected value sum to the raw score, which they explain per class', async () => {
    // given classes, weights and a categorical column of another model
    const table = shapedTable(1200, columns, 2, 0.05);
    const classes = Array.from(table.labels, (label, row) => (table.values[5 * row + 4]! > 0.5 ? 2 : label));
    const weights = Array.from({ length: 1200 }, (_, row) => 1 + (row % 3));
    const { model } = await fitBoosting({
      ...{ ...table, labels: classes, weights },
      options: { threads: 1, trees: 10, loss: 'softmax', classes: 3 },
    });
    // when
    const { expected, contributions } = treeShap(model, table.values);
    const raw = predictRaw(model, table.values);
    // then
    for (let i = 0; i < raw.length; i++) {
      const own = contributions.subarray(i * columns, (i + 1) * columns);
      expect(own.reduce((sum, one) => sum + one, expected[i % 3]!)).toBeCloseTo(raw[i]!, 9);
    }
    // and the expected value is the mean over the training rows
    let [sum, all] = [0, 0];
    for (let row = 0; row < table.rows; row++) {
      sum += weights[row]! * raw[3 * row]!;
      all += weights[row]!;
    }
    expect(expected[0]).toBeCloseTo(sum / all, 5);
  });

  it('what it keeps between rows changes nothing, and a column that no tree splits by has nothing', async () => {
    // given an explainer that has seen many rows
    const table = shapedTable(800, columns, 3);
    const values = table.values.map((value, i) => (i % columns === 4 ? 1 : value));
    const { model } = await fitBoosting({ ...table, values, options: { threads: 1, trees: 20 } });
    const explainer = new TreeExplainer(model);
    explainer.contributions(values);
    // when it sees one again
    const again = explainer.contributions(values.subarray(0, columns));
    // then
    expect(again).toEqual(treeShap(model, values.subarray(0, columns)).contributions);
    expect(again[4]).toBe(0);
    expect(again[0]).not.toBe(0);
  });

  it('long paths: a path of 20 columns shares out the whole', () => {
    // given a path that a row follows at half of its columns
    const zero = Float64Array.from({ length: 20 }, (_, i) => 0.3 + 0.03 * i);
    const ones = Uint8Array.from({ length: 20 }, (_, i) => i % 2);
    const out = new Float64Array(20);
    // when
    pathContributions(zero, ones, out, new Float64Array(21));
    // then contributions sum to f(x) - E f, here 0 - Π zero
    const sum = out.reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(-zero.reduce((a, b) => a * b, 1), 12);
  });
});
