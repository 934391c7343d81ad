import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { chooseL2, fitLogistic, LinearError } from '../../../lib/engine/linear/index.ts';

/** A table, and what scikit-learn 1.x (lbfgs, tolerance 1e-12) makes of it, with C = 1 / (l2 sum of weights). */
interface Recorded {
  readonly columns: number;
  readonly values: number[];
  readonly labels: number[];
  readonly weights: number[];
  readonly fits: { l2: number; weighted: boolean; weights: number[]; intercept: number }[];
}
const recorded: Recorded = JSON.parse(readFileSync(new URL('./logistic.json', import.meta.url), 'utf8'));
const table = {
  rows: recorded.labels.length,
  columns: recorded.columns,
  values: Float32Array.from(recorded.values),
  labels: recorded.labels,
};

describe('logistic regression', () => {
  it.each(recorded.fits)('has the weights of scikit-learn: l2 $l2, weighted: $weighted', (expected) => {
    const weights = expected.weighted ? recorded.weights : undefined;
    const fit = fitLogistic({ ...table, weights, l2: expected.l2, tolerance: 1e-10 });
    expect(fit.converged).toBe(true);
    expect(fit.intercept).toBeCloseTo(expected.intercept, 5);
    expected.weights.forEach((weight, j) => void expect(fit.weights[j]).toBeCloseTo(weight, 5));
  });

  it('says no more than the base rate where the penalty is strong', () => {
    const { weights, intercept } = fitLogistic({ ...table, l2: 1e6, tolerance: 1e-9 });
    const rate = recorded.labels.reduce((sum, label) => sum + label, 0) / table.rows;
    expect(Math.max(...weights.map(Math.abs))).toBeLessThan(1e-4);
    expect(1 / (1 + Math.exp(-intercept))).toBeCloseTo(rate, 5);
  });

  it('ends at once from where it ended', () => {
    const fit = fitLogistic({ ...table, l2: 0.1 });
    const again = fitLogistic({ ...table, l2: 0.1, start: Float64Array.of(...fit.weights, fit.intercept) });
    expect(again.iterations).toBe(0);
  });

  it.each([
    [
      'no rows',
      { rows: 0, values: new Float32Array(0), labels: [] },
      /0 rows and 4 columns .* at least one of each/,
    ],
    [
      'values of another table',
      { values: new Float32Array(3) },
      /3 values were given; 200 rows of 4 columns/,
    ],
    [
      'a value that is not finite',
      { values: table.values.map((v, i) => (i === 5 ? Number.NaN : v)) },
      /row 1 has NaN in column 1/,
    ],
    [
      'a label of another kind',
      { labels: table.labels.map((l, i) => (i === 2 ? 3 : l)) },
      /row 2 has label 3; 0 or 1/,
    ],
    ['a penalty below 0', { l2: -1 }, /l2 is -1; a finite number from 0/],
    ['weights that are all 0', { weights: new Array(200).fill(0) }, /all weights are 0/],
  ])('refuses %s, and says what is expected', (_, wrong, message) => {
    expect(() => fitLogistic({ ...table, l2: 0.1, ...wrong })).toThrow(LinearError);
    expect(() => fitLogistic({ ...table, l2: 0.1, ...wrong })).toThrow(message);
  });
});

describe('the penalty by folds', () => {
  /** One column tells, nineteen are chance. */
  function noisy(rows: number) {
    const rng = createRng(4);
    const columns = 20;
    const values = rng.normals(rows * columns);
    const labels = Float32Array.from({ length: rows }, (_, i) =>
      Number(rng.uniform() < 1 / (1 + Math.exp(-values[i * columns]!))),
    );
    const folds = Int32Array.from({ length: rows }, (_, i) => i % 3);
    return { rows, columns, values, labels, folds };
  }

  it('is strong for few rows and weak for many', () => {
    const candidates = [1e-4, 1e-2, 1e-1, 1];
    const few = chooseL2({ ...noisy(120), candidates });
    const many = chooseL2({ ...noisy(6000), candidates });
    expect(few.l2).toBeGreaterThan(many.l2);
    expect(few.losses).toHaveLength(4);
  });

  it('wants folds and penalties', () => {
    const one = { ...noisy(30), folds: new Int32Array(30) };
    expect(() => chooseL2({ ...one, candidates: [1] })).toThrow(/30 rows in 1 folds and 1 penalties/);
  });
});
