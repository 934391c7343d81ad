import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longTail, MetricError } from '../../../lib/engine/metrics/index.ts';

describe('how far lists reach', () => {
  it('is known for lists that name everything alike, and for one thing in all places', () => {
    const even = [1, 2, 3, 4].map(() => ({ places: 5, share: 0.25 }));
    expect(longTail(even, 4)).toEqual({ coverage: 1, gini: 0, novelty: 2 });
    expect(longTail([{ places: 7, share: 0.5 }], 100)).toEqual({ coverage: 0.01, gini: 0.99, novelty: 1 });
    expect(longTail([], 3)).toEqual({ coverage: null, gini: null, novelty: null });
  });

  it('has the Gini coefficient that the mean difference of all pairs gives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }),
        fc.nat({ max: 20 }),
        (listed, unlisted) => {
          const all = [...listed, ...Array.from({ length: unlisted }, () => 0)];
          const n = all.length;
          const mean = all.reduce((sum, x) => sum + x, 0) / n;
          const differences = all.flatMap((x) => all.map((y) => Math.abs(x - y)));
          const gini = differences.reduce((sum, x) => sum + x, 0) / (2 * n * n * mean);
          const measured = longTail(
            listed.map((places) => ({ places, share: 0.1 })),
            n,
          );
          expect(measured.gini).toBeCloseTo(gini, 10);
          expect(measured.coverage).toBeCloseTo(listed.length / n, 12);
          expect(measured.novelty).toBeCloseTo(-Math.log2(0.1), 10);
        },
      ),
      { seed: 5 },
    );
  });

  it('refuses what cannot be', () => {
    expect(() => longTail([{ places: 1, share: 0.5 }], 0)).toThrow(MetricError);
    expect(() => longTail([{ places: 1, share: 0 }], 1)).toThrow(MetricError);
  });
});
