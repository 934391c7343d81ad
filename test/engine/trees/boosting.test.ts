import { describe, expect, it } from 'vitest';
import { auroc } from '../../../lib/engine/metrics/index.ts';
import {
  type BoostingOptions,
  encodeTrees,
  fitBoosting,
  predictProbabilities,
  predictRaw,
  type TreeModel,
} from '../../../lib/engine/trees/index.ts';
import { shapedTable } from './support.ts';

const alone = { threads: 1 } as const;
/** One tree whose leaves count in full. */
const whole = { ...alone, trees: 1, learningRate: 1, minRowsInLeaf: 1, minChildWeight: 0 } as const;

/** One column of numbers. */
const column = (numbers: readonly number[], labels: readonly number[]) => ({
  ...{ rows: numbers.length, columns: 1, labels },
  values: Float32Array.from(numbers),
});

const leavesOf = (model: TreeModel): number[] =>
  [...model.value].filter((_, node) => model.feature[node]! < 0).map((value) => Number(value.toFixed(5)));

describe('one tree, by hand', () => {
  // given labels whose mean is 1: gradients are 1 1 1 1 0 0 0 -4, hessians 1
  const table = column([1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 1, 1, 1, 5]);
  const options = { ...whole, loss: 'squared', maxLeaves: 2, l2: 1 } as const;

  it('splits where the gain is largest, in the middle between values', async () => {
    // when
    const { model } = await fitBoosting({ ...table, options });
    // then 7 | 1 gains 4²/8 + 4²/2 = 10, more than 4 | 4 with 4²/5 + 4²/5 = 6.4
    expect(model.threshold[0]).toBe(7.5);
    expect(leavesOf(model)).toEqual([-0.5, 2]);
    expect([...model.cover]).toEqual([8, 7, 1]);
    expect(model.base[0]).toBe(1);
  });

  it('splits only for more than the least gain', async () => {
    // when asked for a little less and a little more than the gain
    const below = await fitBoosting({ ...table, options: { ...options, minGain: 9.99 } });
    const above = await fitBoosting({ ...table, options: { ...options, minGain: 10.01 } });
    // then
    expect(below.model.feature.length).toBe(3);
    expect(above.model.feature.length).toBe(1);
  });

  it('keeps the least rows and the least hessian in every leaf', async () => {
    // when
    const byRows = await fitBoosting({ ...table, options: { ...options, minRowsInLeaf: 3 } });
    const byWeight = await fitBoosting({ ...table, options: { ...options, minChildWeight: 2 } });
    // then 5 | 3 gains 4²/6 + 4²/4 = 6.7, 6 | 2 gains 4²/7 + 4²/3 = 7.6
    expect(byRows.model.threshold[0]).toBe(5.5);
    expect(byWeight.model.threshold[0]).toBe(6.5);
  });

  it('logistic: the weight of a leaf is -G / (H + l2)', async () => {
    // given: at a base of 0 gradients are ±0.5, hessians 0.25
    const half = column([0, 0, 1, 1], [0, 0, 1, 1]);
    // when
    const { model } = await fitBoosting({ ...half, options: { ...whole, l2: 1 } });
    // then
    expect(leavesOf(model)).toEqual([-0.66667, 0.66667]);
    expect(predictProbabilities(model, Float32Array.of(1))[0]).toBeCloseTo(1 / (1 + Math.exp(-2 / 3)), 6);
  });

  it('stays within the depth that is allowed', async () => {
    // given a label that rises with every row
    const rising = column([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]);
    // when
    const deep = await fitBoosting({ ...rising, options: { ...options, l2: 0, maxLeaves: 8 } });
    const flat = await fitBoosting({
      ...rising,
      options: { ...options, l2: 0, maxLeaves: 8, maxDepth: 2 },
    });
    // then the root has two children, and these four: no more
    expect(leavesOf(deep.model).length).toBeGreaterThan(4);
    expect(leavesOf(flat.model).length).toBe(4);
  });
});

describe('missing values', () => {
  it.each([
    [1, 0],
    [0, 1],
  ])('go to the side that their labels (%i) are like', async (label, other) => {
    // given labels that rise with the value (or fall), and missing values with label `label`
    const numbers = Array.from({ length: 60 }, (_, i) => (i % 3 === 2 ? Number.NaN : i - 30));
    const labels = numbers.map((value) => (Number.isNaN(value) || value > 0 ? label : other));
    // when
    const { model } = await fitBoosting({ ...column(numbers, labels), options: { ...whole, maxLeaves: 2 } });
    // then they lie with the values above 0
    const [missing, high, low] = predictRaw(model, Float32Array.of(Number.NaN, 20, -20));
    expect(missing).toBe(high);
    expect(missing).not.toBe(low);
  });

  it('are split from all others where only that tells', async () => {
    // given one value and missing
    const numbers = Array.from({ length: 40 }, (_, i) => (i % 2 ? 3 : Number.NaN));
    const labels = numbers.map((value) => (Number.isNaN(value) ? 1 : 0));
    // when
    const { model } = await fitBoosting({ ...column(numbers, labels), options: whole });
    // then every number, infinite or not, is on the other side
    const { POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least, NaN: missing } = Number;
    const scores = predictRaw(model, Float32Array.of(missing, 3, 1e30, most, least));
    expect(model.threshold[0]).toBe(most);
    expect(scores[0]).toBeGreaterThan(0);
    expect(new Set(scores.slice(1)).size).toBe(1);
  });

  it('go where more rows went when training had none', async () => {
    // given 30 rows below and 10 above
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    const labels = numbers.map((value) => (value < 30 ? 1 : 0));
    // when
    const { model } = await fitBoosting({ ...column(numbers, labels), options: whole });
    // then
    const [missing, low] = predictRaw(model, Float32Array.of(Number.NaN, 0));
    expect(missing).toBe(low);
  });
});

describe('boosting', () => {
  it('learns what there is to learn, and more seeds agree with each other', async () => {
    // given
    const train = shapedTable(3000, 5, 1, 0.02);
    const test = shapedTable(3000, 5, 2, 0.02);
    const options = { ...alone, trees: 60, subsample: 0.7, columnSubsample: 0.6 } as const;
    // when
    const one = await fitBoosting({ ...train, options });
    const three = await fitBoosting({ ...train, options: { ...options, seeds: 3 } });
    // then, of 0.845 that the true probabilities would reach
    const area = ({ model }: { model: TreeModel }) => auroc(test.labels, predictRaw(model, test.values));
    expect(area(one)).toBeGreaterThan(0.8);
    expect(area(three)).toBeGreaterThan(area(one) - 0.001);
    expect(three.model.roots.length).toBe(180);
  });

  it('gives the same bytes again, and on two threads', async () => {
    // given enough rows to share out, and all that is drawn
    const table = shapedTable(6000, 9, 3, 0.1);
    const options = { trees: 8, subsample: 0.8, columnSubsample: 0.7, categorical: [8], seeds: 2 };
    const values = table.values.map((value, i) => (i % 9 === 8 ? Math.round(10 + 10 * value) : value));
    const bytes = async (threads: number, seed = 5) =>
      encodeTrees((await fitBoosting({ ...table, values, options: { ...options, threads }, seed })).model);
    // when
    const first = await bytes(1);
    // then
    expect(await bytes(1)).toEqual(first);
    expect(await bytes(2)).toEqual(first);
    expect(await bytes(3)).toEqual(first);
    expect(await bytes(1, 6)).not.toEqual(first);
  });

  it('never falls along a rising column, never rises along a falling one', async () => {
    // given a label that rises with column 0 up to 0 and falls after, and the other way with column 1
    const table = shapedTable(2000, 3, 4);
    const labels = Array.from({ length: 2000 }, (_, row) => {
      const [a, b, c] = table.values.subarray(3 * row);
      return Math.abs(a!) < 0.5 !== Math.abs(b!) < 0.4 || c! > 0.8 ? 1 : 0;
    });
    const options: BoostingOptions = { ...alone, trees: 40, minRowsInLeaf: 3, monotone: [1, -1, 0] };
    // when
    const { model } = await fitBoosting({ ...table, labels, options });
    // then on a grid
    const steps = Array.from({ length: 21 }, (_, i) => i / 10 - 1);
    const score = (a: number, b: number, c: number) => predictRaw(model, Float32Array.of(a, b, c))[0]!;
    let varies = false;
    for (const b of steps) {
      for (const c of [-0.9, 0, 0.9]) {
        for (let i = 1; i < steps.length; i++) {
          expect(score(steps[i]!, b, c)).toBeGreaterThanOrEqual(score(steps[i - 1]!, b, c) - 1e-9);
          expect(score(b, steps[i]!, c)).toBeLessThanOrEqual(score(b, steps[i - 1]!, c) + 1e-9);
          varies ||= score(steps[i]!, b, c) > score(steps[i - 1]!, b, c);
        }
      }
    }
    expect(varies).toBe(true);
  });

  it('stops when validation is over its best, and keeps the best', async () => {
    // given little to learn from, so that boosting overfits
    const train = shapedTable(300, 4, 5);
    const valid = shapedTable(500, 4, 6);
    const options = { ...alone, trees: 300, minRowsInLeaf: 2, learningRate: 0.3, patience: 15 };
    // when
    const { model, curves } = await fitBoosting({ ...train, valid, options });
    // then training went on for the patience, and the model is that of the best round
    const [{ rounds, losses }] = curves as [(typeof curves)[number]];
    expect(losses.length).toBe(rounds + 15);
    expect(losses[rounds - 1]).toBe(Math.min(...losses));
    const same = await fitBoosting({ ...train, options: { ...options, trees: rounds } });
    expect(encodeTrees(model)).toEqual(encodeTrees(same.model));
    // and its loss is that of the model on these rows
    const loss = predictProbabilities(model, valid.values).reduce(
      (sum, p, row) => sum - Math.log(valid.labels[row] ? p : 1 - p) / valid.rows,
      0,
    );
    expect(loss).toBeCloseTo(losses[rounds - 1]!, 6);
  });

  it('takes a weight of n as a row that is there n times, 0 as none', async () => {
    // given weights 0 to 3, and the rows repeated as often
    const table = shapedTable(400, 3, 7, 0.05);
    const weights = Uint8Array.from({ length: 400 }, (_, row) => row % 4);
    const rows = [...weights].flatMap((weight, row) => new Array<number>(weight).fill(row));
    const repeated = {
      ...{ rows: rows.length, columns: 3 },
      values: Float32Array.from(rows.flatMap((row) => [...table.values.subarray(3 * row, 3 * row + 3)])),
      labels: rows.map((row) => table.labels[row]!),
    };
    const options = { ...alone, trees: 10, minRowsInLeaf: 1, minChildWeight: 1 };
    // when, with bins that are the same for both: at most 255 values
    const weighted = await fitBoosting({ ...rounded(table), weights, options });
    const plain = await fitBoosting({ ...rounded(repeated), options });
    // then the rows that count have the same scores
    expect(weighted.model.cover[0]).toBe(rows.length);
    const [a, b] = [weighted, plain].map(({ model }) => predictRaw(model, rounded(table).values));
    const apart = a!.map((score, row) => (weights[row] === 0 ? 0 : Math.abs(score - b![row]!)));
    expect(Math.max(...apart)).toBeLessThan(1e-5);
  });

  it('softmax: two classes rank as the logistic loss does, and probabilities sum to 1', async () => {
    // given
    const train = shapedTable(1500, 4, 8);
    const test = shapedTable(1500, 4, 9);
    const labels = train.labels;
    const options = { ...alone, trees: 30 };
    // when two classes, and three
    const logistic = await fitBoosting({ ...train, options });
    const two = await fitBoosting({ ...train, options: { ...options, loss: 'softmax', classes: 2 } });
    const classes = Array.from(labels, (label, row) => (train.values[4 * row + 3]! > 0 ? 2 : label));
    const three = await fitBoosting({
      ...{ ...train, labels: classes },
      options: { ...options, loss: 'softmax', classes: 3 },
    });
    // then
    const p = predictProbabilities(two.model, test.values).filter((_, i) => i % 2 === 1);
    const area = auroc(test.labels, predictRaw(logistic.model, test.values));
    expect(Math.abs(auroc(test.labels, p) - area)).toBeLessThan(0.01);
    const all = predictProbabilities(three.model, test.values);
    for (let row = 0; row < test.rows; row++) {
      const own = all.subarray(3 * row, 3 * row + 3);
      expect(own[0]! + own[1]! + own[2]!).toBeCloseTo(1, 9);
      const decides = test.values[4 * row + 3]!;
      if (Math.abs(decides) > 0.05) expect(own[2]! > 0.5).toBe(decides > 0);
    }
  });

  it('stops when the signal fires', async () => {
    const table = shapedTable(200, 3, 10);
    const given = { ...table, options: alone, signal: AbortSignal.abort(new Error('enough')) };
    await expect(fitBoosting(given)).rejects.toThrow('enough');
  });
});

/** The values in steps of 0.02. */
function rounded<T extends { values: Float32Array }>(table: T): T {
  return { ...table, values: table.values.map((value) => Math.round(value * 50) / 50) };
}

describe('what is refused', () => {
  const table = column([1, 2, 3], [0, 1, 1]);
  const cases: [string, Parameters<typeof fitBoosting>[0], string][] = [
    ['a label', { ...table, labels: [0, 1, 2] }, 'row 2 of the table has label 2; 0 or 1 is expected'],
    ['the number of labels', { ...table, labels: [0] }, '3 rows and 1 labels'],
    ['the number of values', { ...table, columns: 2 }, '3 values; 3 x 2 are expected'],
    ['a weight', { ...table, weights: [1, -1, 1] }, 'row 1 of the table has weight -1'],
    ['weights of 0', { ...table, weights: [0, 0, 0] }, 'all weights of the table are 0'],
    ['an option', { ...table, options: { learningRate: 0 } }, 'learningRate is 0; a number above 0'],
    ['leaves', { ...table, options: { maxLeaves: 1 } }, 'maxLeaves is 1; a whole number from 2'],
    ['bins', { ...table, options: { maxBins: 256 } }, 'maxBins is 256; at most 255'],
    ['constraints', { ...table, options: { monotone: [2] } }, 'monotone is [2]; 1 numbers of 1, -1 or 0'],
    ['a column', { ...table, options: { categorical: [1] } }, 'categorical names column 1'],
    [
      'categories of classes',
      { ...table, options: { categorical: [0], loss: 'softmax' } },
      'categorical columns were given with the softmax loss',
    ],
    [
      'a validation label',
      { ...table, valid: { ...table, labels: [0, 1, 5] } },
      'row 2 of the validation table has label 5',
    ],
  ];

  it.each(cases)('%s', async (_, given, message) => {
    await expect(fitBoosting(given)).rejects.toMatchObject({
      name: 'TreeError',
      message: expect.stringContaining(message),
    });
  });
});
