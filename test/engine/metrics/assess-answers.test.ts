import { describe, expect, it } from 'vitest';
import { fitMultinomial, fitRidge } from '../../../lib/engine/linear/index.ts';
import { assessClasses, assessLabels, assessNumbers } from '../../../lib/engine/metrics/index.ts';

/** Values by scikit-learn 1.x: accuracy_score, f1_score, log_loss, roc_auc_score, r2_score, LogisticRegression, Ridge. */
const N = 12;
const rows = <T>(of: (row: number) => T): T[] => Array.from({ length: N }, (_, row) => of(row));
const classOf = (i: number) => (5 * i + Math.floor(i / 3)) % 3;
const number = (i: number) => ((3 * i) % 7) + i / 2;

describe('measures of classes, labels and numbers', () => {
  it('agree with scikit-learn for classes', () => {
    const probabilities = rows((i) => {
      const own = [0, 1, 2].map((k) => ((7 * i + 3 * k) % 11) + 1);
      return own.map((one) => one / own.reduce((a, b) => a + b));
    }).flat();
    const told = assessClasses({
      ...{ classes: ['a', 'b', 'c'], probabilities, shares: [0.5, 0.3, 0.2] },
      truth: rows((i) => 'abc'[classOf(i)]!),
    });
    expect(told.accuracy).toBeCloseTo(1 / 3, 12);
    expect(told.macroF1).toBeCloseTo(0.3238095238095238, 12);
    expect(told.logLoss).toBeCloseTo(1.274949274522328, 12);
    expect(told.baseline.logLoss).toBeCloseTo(1.168852632439994, 12);
  });

  it('count a class that was not learnt as wrong, and leave it out of the log loss', () => {
    const told = assessClasses({
      classes: ['a', 'b'],
      truth: ['a', 'new'],
      probabilities: [0.8, 0.2, 0.9, 0.1],
      shares: [0.5, 0.5],
    });
    expect(told).toMatchObject({ n: 2, unknown: 1, accuracy: 0.5, top3: 0.5 });
    expect(told.logLoss).toBeCloseTo(-Math.log(0.8), 12);
    expect(told.confusion).toEqual([
      { truth: 'a', told: 'a', n: 1 },
      { truth: 'new', told: 'a', n: 1 },
    ]);
  });

  it('agree with scikit-learn for labels', () => {
    const each = (of: (i: number, k: number) => number) => rows((i) => [0, 1, 2].map((k) => of(i, k))).flat();
    const told = assessLabels({
      labels: ['a', 'b', 'c'],
      truth: each((i, k) => Number((i + 2 * k) % 3 === 0)),
      probabilities: each((i, k) => ((5 * i + 4 * k) % 10) / 10),
      shares: [0.3, 0.3, 0.3],
    });
    expect(told.microF1).toBeCloseTo(0.4, 12);
    expect(told.macroF1).toBeCloseTo(0.4, 12);
    expect(told.auroc).toBeCloseTo(0.5, 12);
    expect(told.exact).toBeCloseTo(1 / 6, 12);
  });

  it('agree with scikit-learn for numbers', () => {
    const told = assessNumbers({
      truth: rows(number),
      predictions: rows((i) => ((2 * i) % 5) + i / 2),
      ...{ low: rows(() => 0), high: rows(() => 5), usual: { mean: 5, median: 5 } },
    });
    expect(told.r2).toBeCloseTo(0.46310832025117743, 12);
    expect(told.mae).toBeCloseTo(1.9166666666666667, 12);
    expect(told.rmse).toBeCloseTo(2.179449471770337, 12);
  });
});

describe('linear models of classes and numbers', () => {
  const table = {
    ...{ rows: N, columns: 2 },
    values: Float32Array.from(rows((i) => [(((3 * i) % 7) - 3) / 2, (((5 * i) % 11) - 5) / 3]).flat()),
  };

  it('agree with scikit-learn', () => {
    const { weights, intercepts } = fitMultinomial({
      ...table,
      ...{ labels: rows(classOf), classes: 3, l2: 0.1, tolerance: 1e-9 },
    });
    const coefficients = [0.226548, 0.145669, -0.372217, -0.157641, -0.19286, 0.350501];
    coefficients.forEach((one, i) => void expect(weights[i]).toBeCloseTo(one, 5));
    const middle = intercepts.reduce((a, b) => a + b) / 3;
    [-0.00706436, -0.00481743, 0.01188178].forEach(
      (one, k) => void expect(intercepts[k]! - middle).toBeCloseTo(one, 5),
    );
    const ridge = fitRidge({
      ...{ ...table, labels: rows(number), folds: new Int32Array(N) },
      candidates: [0.1],
    });
    expect(ridge.weights[0]).toBeCloseTo(2.3326714461563314, 6);
    expect(ridge.weights[1]).toBeCloseTo(-0.39957890921395295, 6);
    expect(ridge.intercept).toBeCloseTo(5.680641620342479, 6);
  });
});
