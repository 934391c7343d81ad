import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { broadcastShapes, type Dim, GraphError, multiplyDims } from '../../../lib/engine/onnx/index.ts';

const dim: fc.Arbitrary<Dim> = fc.oneof(
  fc.constantFrom<Dim>('batch', 'time'),
  fc.integer({ min: 1, max: 3 }),
);
const settings = { seed: 7, numRuns: 300 };

function attempt(a: readonly Dim[], b: readonly Dim[]): Dim[] | 'refused' {
  try {
    return broadcastShapes(a, b);
  } catch (error) {
    expect(error).toBeInstanceOf(GraphError);
    return 'refused';
  }
}

describe('broadcastShapes', () => {
  it('does not depend on the order, and a shape broadcasts with its result to the result', () => {
    // given
    const shape = fc.array(dim, { maxLength: 4 });
    fc.assert(
      fc.property(shape, shape, (a, b) => {
        // when
        const joined = attempt(a, b);
        // then
        expect(attempt(b, a)).toEqual(joined);
        if (joined !== 'refused') expect(attempt(a, joined)).toEqual(joined);
      }),
      settings,
    );
  });

  it('follows numpy and takes a symbol beside a number for that number', () => {
    // given / when / then
    expect(broadcastShapes([3, 1], [4])).toEqual([3, 4]);
    expect(broadcastShapes(['batch', 1, 5], [7, 1])).toEqual(['batch', 7, 5]);
    expect(broadcastShapes(['batch', 5], [3, 5])).toEqual([3, 5]);
    expect(attempt([3], [4])).toBe('refused');
    expect(attempt(['batch'], ['time'])).toBe('refused');
  });
});

describe('multiplyDims', () => {
  it('gives equal names to equal products', () => {
    // given / when / then
    expect(multiplyDims(['time', 2, 'batch', 3])).toBe('6*batch*time');
    expect(multiplyDims(['6*batch', 'time'])).toBe('6*batch*time');
    expect(multiplyDims([2, 3])).toBe(6);
    expect(multiplyDims(['batch', 0])).toBe(0);
    expect(multiplyDims([])).toBe(1);
  });
});
