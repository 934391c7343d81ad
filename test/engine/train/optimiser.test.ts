import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignedFloats } from '../../../lib/engine/host/aligned.ts';
import { createRng, ProgramError, TrainError } from '../../../lib/engine/host/index.ts';
import { constantSchedule, cosineSchedule, linearSchedule } from '../../../lib/engine/train/index.ts';
import {
  type AdamWUpdate,
  adamwRows,
  adamwStep,
  addRows,
  clipFactor,
  sumOfSquares,
  sumRows,
} from '../../../lib/engine/train/optimisers/index.ts';

const update: AdamWUpdate = {
  lr: 0.1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  decay: 0.01,
  time: 1,
  gradientScale: 1,
};

const zeros = (n: number) => ({ first: new Float32Array(n), second: new Float32Array(n) });

describe('AdamW', () => {
  it('moves by about the learning rate against the gradient at first, after decaying', () => {
    // given
    const parameter = new Float32Array([1, -2, 3]);
    // when
    adamwStep(parameter, new Float32Array([5, -0.001, 0]), zeros(3), update);
    // then
    expect(parameter[0]).toBeCloseTo(1 * 0.999 - 0.1, 6);
    expect(parameter[1]).toBeCloseTo(-2 * 0.999 + 0.1, 5);
    expect(parameter[2]).toBeCloseTo(3 * 0.999, 6);
  });

  it('a rate of 0 still updates the moments', () => {
    // given
    const parameter = new Float32Array([1]);
    const moments = zeros(1);
    // when
    adamwStep(parameter, new Float32Array([2]), moments, { ...update, lr: 0 });
    // then
    expect(parameter[0]).toBe(1);
    expect(moments.first[0]).toBeCloseTo(0.2, 6);
    expect(moments.second[0]).toBeCloseTo(0.004, 6);
  });

  it('on rows equals the dense update of those rows and leaves the others', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 6 }), fc.nat(), (rows, seed) => {
        // given a table (10, 3) and gradients of some rows
        const rng = createRng(seed);
        const table = rng.normals(30);
        const dense = table.slice();
        const gradient = sumRows([{ ids: rows, rows: rng.normals(rows.length * 3) }], 10, 3);
        const full = new Float32Array(30);
        addRows(full, gradient);
        const moments = zeros(30);
        const before = table.slice();
        // when
        adamwRows(table, gradient, moments, update);
        adamwStep(dense, full, zeros(30), update);
        // then
        for (let row = 0; row < 10; row++) {
          const of = (values: Float32Array) => [...values.subarray(row * 3, row * 3 + 3)];
          expect(of(table)).toEqual(of(rows.includes(row) ? dense : before));
        }
      }),
      { seed: 8 },
    );
  });
});

describe('row gradients', () => {
  it('add up per id in the order of the batch, over all lookups', () => {
    // given values whose float32 sum depends on the order
    const rows = new Float32Array([1e8, 1, -1e8, 7]);
    // when
    const { ids, values } = sumRows(
      [
        { ids: [2, 2, 2, 0], rows },
        { ids: new BigInt64Array([2n, -1n]), rows: new Float32Array([0.5, 4]) },
      ],
      5,
      1,
    );
    // then (1e8 + 1) - 1e8 is 0 in float32, and -1 is row 4
    expect([...ids]).toEqual([0, 2, 4]);
    expect([...values]).toEqual([7, 0.5, 4]);
  });

  it('equal a dense scatter', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { maxLength: 30 }), fc.nat(), (ids, seed) => {
        // given
        const rows = createRng(seed).normals(ids.length * 2);
        const expected = new Float32Array(14);
        for (const [i, id] of ids.entries()) {
          for (let c = 0; c < 2; c++) expected[id * 2 + c]! += rows[i * 2 + c]!;
        }
        // when
        const dense = new Float32Array(14);
        const gradient = sumRows([{ ids, rows }], 7, 2);
        addRows(dense, gradient);
        // then
        expect(dense).toEqual(expected);
        expect(sumOfSquares(gradient.values)).toBeCloseTo(sumOfSquares(expected), 10);
      }),
      { seed: 9 },
    );
  });

  it('refuse ids outside of the table and gradients of another size', () => {
    expect(() => sumRows([{ ids: [5], rows: new Float32Array(1) }], 5, 1)).toThrow(
      /id 5 is outside .* 5 rows/,
    );
    expect(() => sumRows([{ ids: [-6], rows: new Float32Array(1) }], 5, 1)).toThrow(ProgramError);
    expect(() => sumRows([{ ids: [1], rows: new Float32Array(3) }], 5, 2)).toThrow(/1 ids of width 2/);
  });
});

describe('clipping', () => {
  it('brings the norm to the limit and leaves smaller ones', () => {
    expect(clipFactor(10, 1)).toBeCloseTo(0.1, 6);
    expect(clipFactor(1, 1)).toBe(1 / (1 + 1e-6));
    expect(clipFactor(0.5, 1)).toBe(1);
    expect(clipFactor(1e9, null)).toBe(1);
    expect(sumOfSquares(new Float32Array([3, 4]))).toBe(25);
  });
});

describe('schedules', () => {
  it('linear: up over the warm-up, down to nothing', () => {
    const at = linearSchedule({ warmup: 5 });
    expect([0, 1, 4, 5, 17.5, 30].map((step) => at(step, 30))).toEqual([0, 0.2, 0.8, 1, 0.5, 0]);
  });

  it('cosine: half a wave down to the floor', () => {
    const at = cosineSchedule({ warmup: 10, floor: 0.1 });
    expect(at(5, 110)).toBe(0.5);
    expect(at(10, 110)).toBe(1);
    expect(at(60, 110)).toBeCloseTo(0.55, 12);
    expect(at(110, 110)).toBeCloseTo(0.1, 12);
  });

  it('constant after the warm-up; a warm-up longer than the run never ends', () => {
    expect([0, 1, 2, 9].map((step) => constantSchedule({ warmup: 2 })(step, 10))).toEqual([0, 0.5, 1, 1]);
    expect(linearSchedule({ warmup: 20 })(10, 10)).toBe(0.5);
    expect(() => linearSchedule({ warmup: 0.5 })).toThrow(TrainError);
  });

  it('stay within [0, 1]', () => {
    const schedules = [linearSchedule, cosineSchedule, constantSchedule];
    fc.assert(
      fc.property(
        fc.constantFrom(...schedules),
        fc.nat(50),
        fc.integer({ min: 1, max: 100 }),
        (make, warmup, steps) => {
          for (let step = 0; step < steps; step++) {
            const value = make({ warmup })(step, steps);
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(1);
          }
        },
      ),
      { seed: 10 },
    );
  });
});

it('aligned arrays start on multiples of 64 bytes, are zero and do not overlap', () => {
  // given
  const arrays = alignedFloats([3, 0, 17, 100_000]);
  // when
  for (const [i, array] of arrays.entries()) array.fill(i + 1);
  // then
  for (const array of arrays) expect(array.byteOffset % 64).toBe(0);
  expect(arrays.map(({ length }) => length)).toEqual([3, 0, 17, 100_000]);
  expect(arrays.map((array) => new Set(array))).toEqual([
    new Set([1]),
    new Set(),
    new Set([3]),
    new Set([4]),
  ]);
  expect(() => alignedFloats([2 ** 31])).toThrow(ProgramError);
});
