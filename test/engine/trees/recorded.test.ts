import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { auroc } from '../../../lib/engine/metrics/index.ts';
import {
  fitBoosting,
  fitForest,
  predictProbabilities,
  predictRaw,
  treeShap,
} from '../../../lib/engine/trees/index.ts';

const { boosting, forests } = JSON.parse(
  readFileSync(new URL('./fixtures/trees.json', import.meta.url), 'utf8'),
);
const values = (given: (number | null)[]): Float32Array =>
  Float32Array.from(given, (value) => value ?? Number.NaN);

describe('what others made of the same rows', () => {
  it('LightGBM: the same trees, and the same SHAP values', async () => {
    // given a table with missing values, and LightGBM's raw scores and contributions
    const { rows, columns, labels } = boosting;
    const x = values(boosting.values);
    // when we boost with the same options
    const options = { trees: 10, maxLeaves: 7, minRowsInLeaf: 1, minChildWeight: 2, threads: 1 };
    const { model } = await fitBoosting({ rows, columns, values: x, labels, options });
    const raw = predictRaw(model, x);
    const { expected, contributions } = treeShap(model, x.subarray(0, 20 * columns));
    // then scores agree to the rounding of LightGBM's sums
    const apart = boosting.raw.map((score: number, row: number) => Math.abs(score - raw[row]!));
    expect(Math.max(...apart)).toBeLessThan(1e-5);
    // and contributions, whose last column is the expected value
    for (let row = 0; row < 20; row++) {
      for (let column = 0; column <= columns; column++) {
        const ours = column === columns ? expected[0]! : contributions[row * columns + column]!;
        expect(ours).toBeCloseTo(boosting.contributions[row * (columns + 1) + column], 4);
      }
    }
  });

  it.each(['random', 'extra'] as const)('scikit-learn: a %s forest ranks as well', async (kind) => {
    // given a table, and the mean area over five seeds of scikit-learn's forest
    const { rows, columns, labels, trees, minRowsInLeaf } = forests;
    // when
    const model = await fitForest({
      ...{ rows, columns, labels },
      values: values(forests.values),
      options: { kind, trees, minRowsInLeaf, threads: 1 },
    });
    const probabilities = predictProbabilities(model, values(forests.testValues));
    // then
    expect(Math.abs(auroc(forests.testLabels, probabilities) - forests[kind])).toBeLessThan(0.005);
  });
});
