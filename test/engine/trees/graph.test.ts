import { beforeAll, describe, expect, it } from 'vitest';
import { decodeModel, encodeModel, GraphBuilder, interpret } from '../../../lib/engine/onnx/index.ts';
import {
  fitBoosting,
  fitForest,
  predictProbabilities,
  predictRaw,
  type TreeModel,
  treeGraph,
  treeScores,
} from '../../../lib/engine/trees/index.ts';
import { runGraph } from '../onnx/support/runtime.ts';
import { closeValues, shapedTable } from './support.ts';

const rows = 10_000;
const columns = 6;

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('trees as a graph', () => {
  const models: Record<string, TreeModel> = {};

  beforeAll(async () => {
    const table = shapedTable(2000, columns, 1, 0.1);
    const values = table.values.map((value, i) => (i % columns === 4 ? Math.round(10 + 10 * value) : value));
    const options = { threads: 1, trees: 60 };
    const train = { ...table, values };
    const labels = Array.from(table.labels, (label, row) => (row % 3 === 2 ? 2 : label));
    models.boosting = (await fitBoosting({ ...train, options: { ...options, categorical: [4] } })).model;
    models.forest = await fitForest({ ...train, options: { ...options, categorical: [4], trees: 20 } });
    models.softmax = (
      await fitBoosting({ ...train, labels, options: { threads: 1, trees: 15, loss: 'softmax', classes: 3 } })
    ).model;
  });

  it.each(['boosting', 'forest', 'softmax'])(
    '%s: the runtime gives our predictions, also at thresholds, infinities and missing values',
    async (name) => {
      // given
      const model = models[name]!;
      const values = closeValues(model, rows, 3);
      const codes = values.map((value, i) => (i % columns === 4 ? Math.round(10 * value) : value));
      for (const [kind, given] of Object.entries({ values, codes })) {
        const feeds = { values: { dtype: 'float32' as const, shape: [rows, columns], data: given } };
        // when
        const { raw, probability } = await runGraph(treeGraph(model), feeds);
        // then
        expect(raw!.shape).toEqual([rows, model.outputs]);
        expect(largest(raw!.data, predictRaw(model, given)), kind).toBeLessThan(1e-5);
        expect(largest(probability!.data, predictProbabilities(model, given)), kind).toBeLessThan(1e-6);
      }
    },
  );

  it('the interpreter and the file keep the model', () => {
    // given
    const model = models.boosting!;
    const data = closeValues(model, 300, 4);
    const feeds = { values: { dtype: 'float32' as const, shape: [300, columns], data } };
    const graph = treeGraph(model);
    // when
    const read = decodeModel(encodeModel(graph, { parametersAs: 'initializers' }));
    const [before, after] = [graph, read].map((one) => interpret(one, feeds).raw!.data);
    // then
    expect(largest(before!, predictRaw(model, data))).toBeLessThan(1e-12);
    expect(after).toEqual(before);
  });

  it('stands in one graph with ordinary operators', async () => {
    // given a mean of a forest's and of boosting's probabilities
    const g = new GraphBuilder('both');
    const x = g.input('x', 'float32', ['batch', columns]);
    const boosted = g.sigmoid(treeScores(g, models.boosting!, x));
    g.output('y', g.mul(g.add(boosted, treeScores(g, models.forest!, x)), 0.5));
    const data = closeValues(models.forest!, 50, 5);
    // when
    const { y } = await runGraph(g.build(), { x: { dtype: 'float32', shape: [50, columns], data } });
    // then
    const [a, b] = [models.boosting!, models.forest!].map((model) => predictProbabilities(model, data));
    expect(
      largest(
        y!.data,
        a!.map((one, i) => (one + b![i]!) / 2),
      ),
    ).toBeLessThan(1e-6);
  });

  it('refuses an input of other columns', () => {
    const g = new GraphBuilder('other');
    const x = g.input('x', 'float32', ['batch', columns + 1]);
    expect(() => treeScores(g, models.boosting!, x)).toThrow(
      "the trees' input x has shape [batch,7]; [batch, 6] is expected",
    );
  });
});
