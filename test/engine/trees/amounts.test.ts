import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pinball } from '../../../lib/engine/metrics/index.ts';
import {
  decodeTrees,
  encodeTrees,
  fitBoosting,
  type LossName,
  predictProbabilities,
  predictRaw,
  TreeError,
  treeGraph,
  treeShap,
} from '../../../lib/engine/trees/index.ts';
import { lossOf } from '../../../lib/engine/trees/losses.ts';
import { weightedQuantile } from '../../../lib/engine/trees/weighted.ts';
import { runGraph } from '../onnx/support/runtime.ts';
import { closeValues } from './support.ts';

type Amounts = Extract<LossName, 'quantile' | 'tweedie' | 'gamma'>;
const recorded = JSON.parse(readFileSync(new URL('./fixtures/amounts.json', import.meta.url), 'utf8'));
const { rows, columns } = recorded;
const values = Float32Array.from(recorded.values as number[]);
const testValues = Float32Array.from(recorded.testValues as number[]);
const LOSSES: readonly Amounts[] = ['quantile', 'tweedie', 'gamma'];
/** As in record-amounts.py. */
const LEVEL = 0.8;
const POWER = 1.3;
const settings = { threads: 1, quantile: LEVEL, variancePower: POWER } as const;
const likeTheirs = {
  ...{ ...settings, trees: 60, maxLeaves: 7, minRowsInLeaf: 1, minChildWeight: 20 },
} as const;

/** Gamma's labels are above 0: one more than the others'. */
const labelsOf = (loss: Amounts, of: 'labels' | 'testLabels' = 'labels'): number[] =>
  recorded[of].map((label: number) => (loss === 'gamma' ? label + 1 : label));

const fitted = async (loss: Amounts, options: object = {}) =>
  fitBoosting({
    ...{ rows, columns, values, labels: labelsOf(loss) },
    options: { ...likeTheirs, loss, ...options },
  });

/** The loss as record-amounts.py has it, of predicted amounts. */
function measured(loss: Amounts, truth: readonly number[], predicted: ArrayLike<number>): number {
  if (loss === 'quantile') return pinball(truth, predicted, LEVEL);
  const of = (y: number, p: number): number =>
    loss === 'gamma'
      ? y / p + Math.log(p)
      : (-y * p ** (1 - POWER)) / (1 - POWER) + p ** (2 - POWER) / (2 - POWER);
  return truth.reduce((sum, y, i) => sum + of(y, predicted[i]!), 0) / truth.length;
}

describe('losses of amounts', () => {
  const makeLoss = (loss: Amounts) => lossOf({ ...settings, loss, classes: 2 });

  it.each(LOSSES)('%s: gradients are the slopes of the mean loss, hessians their slopes', (name) => {
    // given scores on either side of the labels, none at a kink
    const loss = makeLoss(name);
    const labels = [0.5, 1, 3, 40, 0.25];
    const weights = [1, 2, 0.5, 1, 3];
    const scores = [[0.4, -1.2, 3.3, 2.7, 0.1]].map((one) => Float64Array.from(one));
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const pairs = (moved: Float64Array) => {
      const [gradients, hessians] = [new Float64Array(5), new Float64Array(5)];
      const rows = Int32Array.of(0, 1, 2, 3, 4);
      if (loss.gradients !== 'kernel') {
        loss.gradients({ labels, weights, scores: [moved], output: 0, rows, gradients, hessians });
      }
      return { gradients, hessians };
    };
    const { gradients, hessians } = pairs(scores[0]!);
    labels.forEach((_, row) => {
      const moved = (by: number) => scores[0]!.map((score, i) => (i === row ? score + by : score));
      const slope = (of: (scores: Float64Array) => number) => (of(moved(1e-5)) - of(moved(-1e-5))) / 2e-5;
      // when, then
      expect(gradients[row]).toBeCloseTo(
        slope((at) => all * loss.mean(labels, weights, [at], 0)),
        7,
      );
      // the pinball loss has no second derivative: 1, as LightGBM
      if (name === 'quantile') expect(hessians[row]).toBe(weights[row]);
      else
        expect(hessians[row]).toBeCloseTo(
          slope((at) => pairs(at).gradients[row]!),
          7,
        );
    });
  });

  it.each(LOSSES)('%s: no other constant is better than the base', (name) => {
    const loss = makeLoss(name);
    const labels = labelsOf(name);
    const weights = labels.map((_, i) => 1 + (i % 3));
    const base = loss.base(labels, weights)[0]!;
    const at = (score: number) =>
      loss.mean(labels, weights, [new Float64Array(labels.length).fill(score)], 0);
    for (const by of [-0.1, -1e-3, 1e-3, 0.1]) expect(at(base + by)).toBeGreaterThanOrEqual(at(base));
  });
});

describe('what LightGBM makes of the same amounts', () => {
  it.each(['tweedie', 'gamma'] as const)('%s: the same trees', async (name) => {
    const { model } = await fitted(name, { trees: 5 });
    const raw = predictRaw(model, values);
    recorded[name].first.forEach((score: number, row: number) => {
      expect(raw[row]).toBeCloseTo(score, 5);
    });
  });

  it.each(LOSSES)('%s: as small a loss on rows kept from it', async (name) => {
    // when
    const { model } = await fitted(name);
    const ours = measured(name, labelsOf(name, 'testLabels'), predictProbabilities(model, testValues));
    const { loss, constant } = recorded[name];
    expect(ours).toBeLessThan(constant);
    // then (quantile 1.007, whose leaves LightGBM interpolates otherwise, tweedie 0.998, gamma 1.001)
    expect(Math.abs(ours / loss - 1)).toBeLessThan(0.01);
  });
});

describe('boosting of amounts', () => {
  it.each(LOSSES)('%s: the graph gives our predictions, and bytes keep the model', async (name) => {
    // given
    const { model } = await fitted(name);
    const data = closeValues(model, 1000, 3);
    const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
      Array.from(a).reduce(
        (most, value, i) => Math.max(most, Math.abs(value - b[i]!) / Math.max(1, Math.abs(b[i]!))),
        0,
      );
    // when
    const { raw, probability } = await runGraph(treeGraph(model), {
      values: { dtype: 'float32', shape: [1000, columns], data },
    });
    // then
    const ours = predictRaw(model, data);
    expect(largest(raw!.data, ours)).toBeLessThan(1e-5);
    expect(largest(probability!.data, predictProbabilities(model, data))).toBeLessThan(1e-5);
    expect(predictRaw(decodeTrees(encodeTrees(model)), data)).toEqual(ours);
    const { expected, contributions } = treeShap(model, data.subarray(0, columns));
    expect(contributions.reduce((sum, one) => sum + one, expected[0]!)).toBeCloseTo(ours[0]!, 4);
  });

  it.each(LOSSES)('%s: the same bytes on any number of threads, rows of weight 2 twice', async (name) => {
    // given
    const labels = labelsOf(name);
    const one = { rows, columns, values, labels };
    const twice = {
      ...{ rows: 2 * rows, columns, labels: [...labels, ...labels] },
      values: Float32Array.of(...values, ...values),
    };
    const options = { ...likeTheirs, loss: name, trees: 10, minChildWeight: 40 };
    // when
    const [a, b] = await Promise.all(
      [1, 2].map((threads) => fitBoosting({ ...twice, options: { ...options, threads } })),
    );
    const weighted = await fitBoosting({ ...one, weights: labels.map(() => 2), options });
    // then
    expect(encodeTrees(a!.model)).toEqual(encodeTrees(b!.model));
    const [ofRows, ofWeights] = [a!, weighted].map(({ model }) => predictRaw(model, testValues));
    ofRows!.forEach((score, row) => {
      expect(ofWeights![row]).toBeCloseTo(score, 4);
    });
  });

  it('quantile: as many rows as asked lie below, and training stops by the pinball loss', async () => {
    // given
    const valid = {
      ...{ rows: recorded.testRows, values: testValues, labels: labelsOf('quantile', 'testLabels') },
    };
    // when
    const { model, curves } = await fitBoosting({
      ...{ rows, columns, values, labels: labelsOf('quantile'), valid },
      options: { ...likeTheirs, loss: 'quantile', trees: 200, minRowsInLeaf: 20, patience: 20 },
    });
    // then
    const predicted = predictRaw(model, testValues);
    const below = valid.labels.filter((label, row) => label <= predicted[row]!).length;
    expect(Math.abs(below / valid.rows - LEVEL)).toBeLessThan(0.05);
    const { losses, rounds } = curves[0]!;
    expect(losses[rounds - 1]).toBeCloseTo(pinball(valid.labels, predicted, LEVEL), 5);
    expect(rounds).toBeLessThan(200);
  });

  it('says what is wrong with what it is given', async () => {
    const failing = (options: object, labels = [0, 1, 2]) =>
      expect(fitBoosting({ rows: 3, columns: 1, values: Float32Array.of(1, 2, 3), labels, options })).rejects;
    await failing({ loss: 'quantile', quantile: 1 }).toThrow(/quantile is 1; a number between 0 and 1/);
    await failing({ loss: 'tweedie', variancePower: 2 }).toThrow(/variancePower is 2; a number between 1/);
    await failing({ loss: 'quantile', monotone: [1] }).toThrow(
      /monotone columns were given with the quantile/,
    );
    await failing({ loss: 'tweedie' }, [0, -1, 2]).toThrow(
      /row 1 of the table has label -1; a finite number/,
    );
    await failing({ loss: 'gamma' }).toThrow(/row 0 of the table has label 0; a finite number above 0/);
    await failing({ loss: 'tweedie' }, [0, 0, 0]).toThrow(TreeError);
    await failing({ loss: 'tweedie' }, [0, 0, 0]).toThrow(/all labels of the table/);
  });
});

describe('a weighted quantile', () => {
  it.each([
    // numpy.quantile(np.repeat(numbers, weights), level, method='averaged_inverted_cdf')
    [[3, 1, 2, 5, 4], undefined, 0.5, 3],
    [[3, 1, 2, 4], undefined, 0.5, 2.5],
    [[3, 1, 2, 4], undefined, 0.9, 4],
    [[3, 1, 2, 4], undefined, 0.01, 1],
    [[3, 1, 2, 4], [1, 5, 1, 1], 0.5, 1],
    [[3, 1, 2, 4], [1, 1, 0, 2], 0.5, 3.5],
    [Array.from({ length: 30 }, (_, i) => i), undefined, 0.1, 2.5],
    [[7], [0.3], 0.2, 7],
  ] as const)('of %j by %j at %d is %d', (numbers, weights, level, expected) => {
    expect(weightedQuantile(numbers, weights, level)).toBe(expected);
  });
});
