import { describe, expect, it } from 'vitest';
import { alignedFloats, alignedGroups } from '../../../lib/engine/host/aligned.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { kernelsOf } from '../../../lib/engine/host/kernels/index.ts';
import { adamwRows, adamwStep, sumOfSquares } from '../../../lib/engine/train/optimisers/index.ts';

const update = {
  lr: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  decay: 0.1,
  time: 7,
  gradientScale: 0.3,
};

/** Value, gradient and both moments of one length, the same numbers each time. */
function numbers(length: number): [Float32Array, Float32Array, Float32Array, Float32Array] {
  const rng = createRng(length);
  const [value, gradient, first, second] = [0, 1, 2, 3].map(() => rng.normals(length));
  return [value!, gradient!, first!, second!.map((x) => x * x)];
}

/** The same numbers in one aligned block. */
function aligned(arrays: readonly Float32Array[]): [Float32Array, Float32Array, Float32Array, Float32Array] {
  const [, group] = alignedGroups([[5], arrays.map(({ length }) => length)]);
  arrays.forEach((array, i) => {
    group![i]!.set(array);
  });
  return group as [Float32Array, Float32Array, Float32Array, Float32Array];
}

describe('the vector kernels', () => {
  for (const length of [0, 1, 3, 4, 7, 64, 1001]) {
    it(`update ${length} values to the same bits as the plain loop`, () => {
      // given
      const plain = numbers(length);
      const fast = aligned(plain);
      expect(kernelsOf(...fast)).toBeDefined();
      expect(kernelsOf(...plain)).toBeUndefined();
      // when
      for (const [value, gradient, first, second] of [plain, fast]) {
        adamwStep(value, gradient, { first, second }, update);
        adamwStep(value, gradient, { first, second }, { ...update, time: 8, decay: 0 });
      }
      // then
      for (const i of [0, 2, 3]) expect(fast[i]).toEqual(plain[i]);
      expect(plain[0].every(Number.isFinite)).toBe(true);
    });

    it(`sum the squares of ${length} values to the same bits as the plain loop`, () => {
      // given
      const [plain] = numbers(length);
      const [fast] = aligned([plain]);
      // when / then
      expect(sumOfSquares(fast)).toBe(sumOfSquares(plain));
      expect(sumOfSquares(plain)).toBeCloseTo(
        plain.reduce((sum, x) => sum + x * x, 0),
        9,
      );
    });
  }

  it('follow the formula within the rounding of a float32', () => {
    // given
    const [value, gradient, first, second] = aligned(numbers(256));
    const { lr, beta1, beta2, epsilon, decay, time, gradientScale } = update;
    const expected = [...value].map((p, i) => {
      const g = gradientScale * gradient[i]!;
      const m = beta1 * first[i]! + (1 - beta1) * g;
      const v = beta2 * second[i]! + (1 - beta2) * g * g;
      const step = m / (1 - beta1 ** time) / (Math.sqrt(v / (1 - beta2 ** time)) + epsilon);
      return p * (1 - lr * decay) - lr * step;
    });
    // when
    adamwStep(value, gradient, { first, second }, update);
    // then
    value.forEach((p, i) => {
      expect(Math.abs(p - expected[i]!)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected[i]!)));
    });
  });

  it('carry infinities and other non-numbers into the norm', () => {
    // given
    const [values] = alignedFloats([9]).map((array) => array.fill(1));
    // when
    values![2] = Number.NaN;
    // then
    expect(sumOfSquares(values!)).toBeNaN();
    values![2] = Number.POSITIVE_INFINITY;
    expect(sumOfSquares(values!)).toBe(Number.POSITIVE_INFINITY);
  });

  it('leave rows and values beside a range alone', () => {
    // given a table (4, 6) with a gradient of row 2
    const table = aligned(numbers(24));
    const before = table[0].slice();
    const gradient = { ids: Int32Array.of(2), values: numbers(6)[1], width: 6 };
    // when
    adamwRows(table[0], gradient, { first: table[2], second: table[3] }, update);
    // then
    const changed = [...table[0]].flatMap((value, i) => (value === before[i] ? [] : [i]));
    expect(changed).toEqual([12, 13, 14, 15, 16, 17]);
  });
});

it('groups of arrays lie together, start on multiples of 64 bytes and do not overlap', () => {
  // given / when
  const groups = alignedGroups([
    [3, 0, 17],
    [100, 1],
  ]);
  // then
  groups.flat().forEach((array, i) => {
    expect(array.byteOffset % 64).toBe(0);
    expect([...array].every((value) => value === 0)).toBe(true);
    array.fill(i + 1);
  });
  expect(groups.map((group) => group.map((array) => array.length))).toEqual([
    [3, 0, 17],
    [100, 1],
  ]);
  groups.flat().forEach((array, i) => {
    expect(array.every((value) => value === i + 1)).toBe(true);
  });
});
