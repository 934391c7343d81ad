import { beforeAll, describe, expect, it } from 'vitest';
import { embed, GraphBuilder } from '../../../lib/engine/onnx/index.ts';
import {
  fitBoosting,
  pathParts,
  predictRaw,
  TreeError,
  type TreeModel,
  treeGraph,
  treeParts,
  treeScores,
  treeShap,
} from '../../../lib/engine/trees/index.ts';
import { runGraph } from '../onnx/support/runtime.ts';
import { closeValues, shapedTable } from './support.ts';

const rows = 500;
const columns = 6;
/** Columns 0 and 3 are one group. */
const GROUPS = [0, 1, 2, 0, 3, 4];

let boosting: TreeModel;
let softmax: TreeModel;

beforeAll(async () => {
  const table = shapedTable(2000, columns, 1, 0.1);
  const labels = Array.from(table.labels, (label, row) => (row % 3 === 2 ? 2 : label));
  boosting = (await fitBoosting({ ...table, options: { threads: 1, trees: 40 } })).model;
  softmax = (
    await fitBoosting({ ...table, labels, options: { threads: 1, trees: 10, loss: 'softmax', classes: 3 } })
  ).model;
});

/** (rows, outputs, groups) by the runtime. */
async function partsOf(model: TreeModel, values: Float32Array): Promise<ArrayLike<number>> {
  const g = new GraphBuilder('parts');
  g.output('parts', treeParts(g, model, g.input('values', 'float32', ['batch', columns]), GROUPS, 5));
  const { parts } = await runGraph(g.build(), {
    values: { dtype: 'float32', shape: [rows, columns], data: values },
  });
  expect(parts!.shape).toEqual([rows, model.outputs, 5]);
  return parts!.data;
}

describe('what groups of columns add to a score', () => {
  it.each(['boosting', 'softmax'])('%s: sums with the expected score to the raw score', async (name) => {
    // given
    const model = name === 'boosting' ? boosting : softmax;
    const values = closeValues(model, rows, 3);
    // when
    const parts = await partsOf(model, values);
    // then
    const { expected } = pathParts(model, GROUPS);
    const raw = predictRaw(model, values);
    for (let i = 0; i < rows * model.outputs; i++) {
      const sum = GROUPS.slice(0, 5).reduce((total, _, group) => total + parts[i * 5 + group]!, 0);
      expect(sum + expected[i % model.outputs]!).toBeCloseTo(raw[i]!, 4);
    }
  });

  it('expects what Shapley values expect, and agrees with them where a tree splits once', async () => {
    // given
    const values = closeValues(boosting, rows, 4);
    const table = shapedTable(2000, columns, 1, 0.1);
    const { model } = await fitBoosting({ ...table, options: { threads: 1, trees: 25, maxLeaves: 2 } });
    // when
    const shap = treeShap(model, values);
    const parts = await partsOf(model, values);
    // then
    expect(pathParts(boosting, GROUPS).expected[0]).toBeCloseTo(treeShap(boosting, values).expected[0]!, 6);
    for (let row = 0; row < rows; row++) {
      const byGroup = [0, 0, 0, 0, 0];
      GROUPS.forEach((group, column) => {
        byGroup[group]! += shap.contributions[row * columns + column]!;
      });
      byGroup.forEach((part, group) => void expect(parts[row * 5 + group]).toBeCloseTo(part, 4));
    }
  });

  it('wants a group for every column', () => {
    const g = new GraphBuilder('parts');
    const x = g.input('values', 'float32', ['batch', columns]);
    expect(() => treeParts(g, boosting, x, [0, 1], 2)).toThrow(TreeError);
  });
});

describe('a graph inside another', () => {
  it('computes what it computes alone, twice over the same input, beside other operations', async () => {
    // given
    const g = new GraphBuilder('both');
    const x = g.input('x', 'float32', ['batch', columns]);
    const first = embed(g, treeGraph(boosting), 'first', { values: x });
    const second = embed(g, treeGraph(softmax), 'second', { values: g.mul(x, 1) });
    g.output('own', treeScores(g, boosting, x));
    g.output('raw', first.raw!);
    g.output('classes', second.probability!);
    const data = closeValues(boosting, rows, 5);
    // when
    const both = await runGraph(g.build(), { x: { dtype: 'float32', shape: [rows, columns], data } });
    // then
    expect(both.raw!.data).toEqual(both.own!.data);
    expect(both.classes!.shape).toEqual([rows, 3]);
  });

  it('says which input it lacks', () => {
    const g = new GraphBuilder('both');
    expect(() => embed(g, treeGraph(boosting), 'first', {})).toThrow(
      /Graph trees reads values \(float32\), given nothing for it/,
    );
  });
});
