import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { fitRidge, LinearError } from '../../../lib/engine/linear/index.ts';

const ROWS = 12;
const values = Float32Array.from({ length: 2 * ROWS }, (_, i) => {
  const row = i >> 1;
  return i % 2 === 0 ? Math.sin(row) : Math.cos(2 * row);
});
const labels = Array.from(
  { length: ROWS },
  (_, row) => 1 + 0.5 * values[2 * row]! - 0.2 * values[2 * row + 1]! + 0.1 * Math.sin(5 * row),
);
const input = { rows: ROWS, columns: 2, values, labels, folds: new Int32Array(ROWS) };

describe('linear regression with a penalty', () => {
  it('solves the normal equations as NumPy does', () => {
    // numpy.linalg.solve(A'WA + diag(l2 sum(w), l2 sum(w), 0), A'Wy) with A = [X, 1], float64
    const weights = Array.from({ length: ROWS }, (_, row) => 1 + (row % 3));
    const fit = fitRidge({ ...input, weights, candidates: [0.1] });
    expect(fit.weights[0]).toBeCloseTo(0.44089723, 6);
    expect(fit.weights[1]).toBeCloseTo(-0.14961714, 6);
    expect(fit.intercept).toBeCloseTo(1.00009294, 6);
    expect(fit.l2).toBe(0.1);
  });

  it('takes a weight of 2 for the row twice, and one of 0 for none', () => {
    const twice = Float32Array.from([...values, ...values.subarray(0, 2)]);
    const folds = new Int32Array(ROWS + 1);
    const repeated = fitRidge({
      ...{ rows: ROWS + 1, columns: 2, values: twice, labels: [...labels, labels[0]!], folds },
      candidates: [0.01],
    });
    const weights = labels.map((_, row) => (row === 0 ? 2 : 1));
    const weighed = fitRidge({ ...input, weights, candidates: [0.01] });
    expect(weighed.intercept).toBeCloseTo(repeated.intercept, 9);
    const without = fitRidge({
      ...input,
      weights: labels.map((_, row) => Number(row > 0)),
      candidates: [0.01],
    });
    const rest = fitRidge({
      ...{ rows: ROWS - 1, columns: 2, values: values.subarray(2), labels: labels.slice(1) },
      folds: new Int32Array(ROWS - 1),
      candidates: [0.01],
    });
    expect(without.intercept).toBeCloseTo(rest.intercept, 9);
  });

  it('chooses a weak penalty where columns tell much, and a strong one where they tell nothing', () => {
    const rng = createRng('ridge');
    const rows = 300;
    const columns = 20;
    const many = Float32Array.from({ length: rows * columns }, () => rng.normal());
    const folds = Int32Array.from({ length: rows }, (_, row) => row % 3);
    const candidates = [0.001, 0.1, 10];
    const told = Array.from({ length: rows }, (_, row) => many[row * columns]! + 0.1 * rng.normal());
    const noise = Array.from({ length: rows }, () => rng.normal());
    const fit = (of: number[]) => fitRidge({ rows, columns, values: many, labels: of, folds, candidates }).l2;
    expect(fit(told)).toBe(0.001);
    expect(fit(noise)).toBe(10);
  });

  it('says what is wrong', () => {
    expect(() => fitRidge({ ...input, candidates: [] })).toThrow(LinearError);
    expect(() => fitRidge({ ...input, labels: [1], candidates: [1] })).toThrow('a label, a fold');
    expect(() => fitRidge({ ...input, labels: labels.map(() => Number.NaN), candidates: [1] })).toThrow(
      'row 0 has label NaN',
    );
  });
});
