import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRng, sigmoid, softplus } from '../../../lib/engine/host/index.ts';
import {
  fitLogistic,
  LinearError,
  type LinearModel,
  type LogisticInput,
  linearLogits,
} from '../../../lib/engine/linear/index.ts';
import { SmoothLoss } from '../../../lib/engine/linear/objective.ts';
import { sample } from './support.ts';

const recorded = JSON.parse(readFileSync(new URL('./fixtures/logistic.json', import.meta.url), 'utf8'));

interface RecordedFit extends Record<'l2' | 'l1' | 'intercept', number> {
  readonly name: string;
  readonly weighted: boolean;
  readonly weights: readonly number[];
}

/** The objective, written once more and plainly. */
function objective(input: LogisticInput, model: LinearModel): number {
  const { rows, values, labels, weights, offset, l2, l1 = 0 } = input;
  const logits = linearLogits(model, values, offset);
  let [loss, total] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const weight = weights?.[row] ?? 1;
    loss += weight * (softplus(logits[row]!) - labels[row]! * logits[row]!);
    total += weight;
  }
  const penalty = model.weights.reduce((sum, b) => sum + (l2 / 2) * b * b + l1 * Math.abs(b), 0);
  return loss / total + penalty;
}

/** Slopes of the objective on both sides of a weight (the last: of the intercept). */
function slopesAt(input: LogisticInput, model: LinearModel, j: number): [number, number] {
  const moved = (by: number) => {
    const weights = model.weights.map((weight, k) => (k === j ? weight + by : weight));
    const intercept = model.intercept + (j === input.columns ? by : 0);
    return objective(input, { weights, intercept });
  };
  const here = moved(0);
  return [(here - moved(-1e-5)) / 1e-5, (moved(1e-5) - here) / 1e-5];
}

describe('logistic regression', () => {
  it.each(recorded.fits as RecordedFit[])('has the weights of scikit-learn: $name', (theirs) => {
    // given
    const { rows, columns, labels } = recorded;
    const { l2, l1, weighted } = theirs;
    const weights = weighted ? recorded.weights : undefined;
    const values = Float32Array.from(recorded.values);
    // when
    const fit = fitLogistic({ rows, columns, values, labels, weights, l2, l1, tolerance: 1e-10 });
    // then
    expect(fit.converged).toBe(true);
    theirs.weights.forEach((weight, j) => {
      expect(fit.weights[j]).toBeCloseTo(weight, 7);
      if (weight === 0) expect(fit.weights[j]).toBe(0);
    });
    expect(fit.intercept).toBeCloseTo(theirs.intercept, 7);
  });

  it.each([
    { l2: 0.1, l1: 0 },
    { l2: 0, l1: 0.02 },
    { l2: 0.01, l1: 0.05 },
  ])('is where the objective has no way down, with weights and an offset: $l2, $l1', ({ l2, l1 }) => {
    // given rows that are not a multiple of four, some of weight 0
    const table = sample(301, 7, 5);
    const rng = createRng(9);
    const weights = Float64Array.from({ length: 301 }, () => rng.integer(3));
    const offset = Float64Array.from({ length: 301 }, () => rng.normal());
    const input = { ...table, weights, offset, l2, l1, tolerance: 1e-9 };
    // when
    const fit = fitLogistic(input);
    // then, by finite differences: at a kink the slope is up on both sides
    expect(fit.loss).toBeCloseTo(objective(input, fit), 12);
    for (let j = 0; j <= table.columns; j++) {
      const [before, after] = slopesAt(input, fit, j);
      expect(before).toBeLessThan(1e-5);
      expect(after).toBeGreaterThan(-1e-5);
    }
  });

  it('has the gradient of finite differences, far from the minimum', () => {
    // given
    const table = sample(90, 4, 3);
    const offset = Float64Array.from({ length: 90 }, (_, row) => Math.sin(row));
    const smooth = new SmoothLoss({ ...table, offset }, 0.3);
    const point = Float64Array.of(0.4, -1.2, 2, 0.1, -0.7);
    // when
    const gradient = new Float64Array(5);
    smooth.evaluate(point, gradient);
    // then
    gradient.forEach((slope, j) => {
      const at = (by: number) =>
        smooth.evaluate(
          point.map((each, k) => (k === j ? each + by : each)),
          new Float64Array(5),
        );
      expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 8);
    });
  });

  it('counts a row of weight 2 as the row twice, and one of weight 0 not at all', () => {
    // given
    const { rows, columns, values, labels } = sample(40, 3, 2);
    const weights = Array.from({ length: rows }, (_, row) => row % 3);
    const repeated = weights.flatMap((times, row) => Array(times).fill(row) as number[]);
    const twice = Float32Array.from(
      repeated.flatMap((row) => [...values.subarray(row * columns, (row + 1) * columns)]),
    );
    // when
    const options = { columns, l2: 0.1, tolerance: 1e-10 };
    const weighted = fitLogistic({ ...options, rows, values, labels, weights });
    const plain = fitLogistic({
      ...options,
      rows: repeated.length,
      values: twice,
      labels: repeated.map((row) => labels[row]!),
    });
    // then
    plain.weights.forEach((weight, j) => void expect(weighted.weights[j]).toBeCloseTo(weight, 8));
  });

  it('needs few steps where columns repeat each other or are rare, and repeats itself bit for bit', () => {
    // given more rows than the curvature is estimated from
    const rng = createRng(4);
    const [rows, columns] = [9000, 12];
    const values = new Float32Array(rows * columns);
    const labels = new Uint8Array(rows);
    for (let row = 0; row < rows; row++) {
      const common = rng.normal();
      for (let j = 0; j < 10; j++) values[row * columns + j] = common + 0.05 * rng.normal();
      values[row * columns + 10] = rng.uniform() < 0.0005 ? 44 : 0;
      labels[row] = Number(rng.uniform() < sigmoid(common - 3));
    }
    // when
    const fit = fitLogistic({ rows, columns, values, labels, l2: 0.001 });
    // then, and the column of zeros has no weight
    expect(fit).toMatchObject({ converged: true });
    expect(fit.iterations).toBeLessThan(25);
    expect(fit.weights[11]).toBe(0);
    expect(fitLogistic({ rows, columns, values, labels, l2: 0.001 })).toEqual(fit);
    // and from there it takes no step more
    expect(fitLogistic({ rows, columns, values, labels, l2: 0.001, start: fit }).iterations).toBe(0);
  });

  it('says when it has not arrived', () => {
    const fit = fitLogistic({ ...sample(200, 5, 8), l2: 0.001, tolerance: 1e-12, maxIterations: 1 });
    expect(fit).toMatchObject({ converged: false, iterations: 1 });
  });

  it('stays finite without a penalty where a plane divides the labels', () => {
    const values = Float32Array.of(-2, -1, 1, 2);
    const fit = fitLogistic({ rows: 4, columns: 1, values, labels: [0, 0, 1, 1], l2: 0 });
    expect(Number.isFinite(fit.weights[0])).toBe(true);
    expect(fit.loss).toBeLessThan(1e-4);
  });

  it('says what is wrong with what it is given', () => {
    const good = { rows: 2, columns: 1, values: Float32Array.of(1, 2), labels: [0, 1], l2: 1 };
    const wrong = (change: object) => () => fitLogistic({ ...good, ...change });
    expect(wrong({ rows: 0 })).toThrow(LinearError);
    expect(wrong({ rows: 3 })).toThrow(/2 numbers in a Float32Array; a Float32Array of 3 x 1/);
    expect(wrong({ values: [1, 2] })).toThrow(/2 numbers in a Array/);
    expect(wrong({ values: Float32Array.of(1, Number.NaN) })).toThrow(/row 1, column 0 is NaN/);
    expect(wrong({ labels: [0] })).toThrow(/2 rows and 1 labels/);
    expect(wrong({ labels: [0, 0.5] })).toThrow(/row 1 has label 0.5; 0 or 1/);
    expect(wrong({ labels: [1, 1] })).toThrow(/no row with label 0/);
    expect(wrong({ weights: [1, 0] })).toThrow(/no row with label 1/);
    expect(wrong({ weights: [1, -1] })).toThrow(/row 1 has weight -1/);
    expect(wrong({ offset: [1, Number.NaN] })).toThrow(/row 1 has offset NaN/);
    expect(wrong({ l2: -1 })).toThrow(/l2 is -1; a finite number from 0/);
    expect(wrong({ l1: Number.NaN })).toThrow(/l1 is NaN/);
    expect(wrong({ tolerance: 0 })).toThrow(/tolerance is 0/);
    expect(wrong({ maxIterations: 0.5 })).toThrow(/maxIterations is 0.5/);
    expect(wrong({ start: { weights: new Float64Array(2), intercept: 0 } })).toThrow(/2 weights/);
    expect(wrong({ start: { weights: Float64Array.of(Number.NaN), intercept: 0 } })).toThrow(/NaN at 0/);
    expect(() => linearLogits({ weights: new Float64Array(2), intercept: 0 }, new Float32Array(3))).toThrow(
      /3 values are given; rows of 2/,
    );
  });
});
