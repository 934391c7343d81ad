import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../lib/engine/host/index.ts';
import { levelEdges, levelOf, valuesAtRanks } from '../../lib/export/profiles/quantiles.ts';
import {
  fitSegments,
  isSampled,
  type SegmentModel,
  type Standing,
  segmentOf,
} from '../../lib/export/profiles/segments.ts';

describe('quantiles over blocks', () => {
  const value = fc.oneof(
    fc.double({ noNaN: true }),
    fc.integer({ min: -5, max: 5 }),
    fc.constant(Number.NaN),
    fc.constant(-0),
  );

  it('are the values of a sorted list, whatever blocks they come in', () => {
    fc.assert(
      fc.property(fc.array(fc.array(value, { maxLength: 20 }), { maxLength: 6 }), (blocks) => {
        const sorted = Float64Array.from(
          blocks.flat().filter((x) => !Number.isNaN(x)),
          (x) => x + 0,
        ).sort();
        const ranks = [1, Math.ceil(sorted.length / 3), sorted.length].filter((rank) => rank > 0);
        if (sorted.length === 0) return;
        const pass = () => blocks.map((block) => Float64Array.from(block));
        expect(valuesAtRanks(pass, ranks)).toEqual(ranks.map((rank) => sorted[rank - 1]));
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  it('cut into parts of about one size, equal values into one', () => {
    const values = Float64Array.of(1, 1, 1, 1, 2, 3, 4, 5, 6, 7);
    const edges = levelEdges(() => [values], 10, 5);
    expect([...values].map((x) => levelOf(x, edges))).toEqual([1, 1, 1, 1, 3, 3, 4, 4, 5, 5]);
    expect(levelEdges(() => [], 0, 5)).toEqual([]);
    expect(levelEdges(() => [Float64Array.of(7, 7, 7)], 3, 5)).toEqual([]);
  });
});

/** Four crowds of buyers, in an order of their own. */
function crowds(seed: number, shift = 1, many = 150): Standing[] {
  const rng = createRng(seed);
  const middles = [
    [5, 30, 5000],
    [10, 2, 60],
    [120, 12, 1500],
    [200, 1, 30],
  ] as const;
  const all = middles.flatMap(([recency, purchaseDays, money]) =>
    Array.from({ length: many }, () => ({
      recency: recency * shift * Math.exp(0.2 * rng.normal()),
      purchaseDays: purchaseDays * Math.exp(0.1 * rng.normal()),
      money: money * Math.exp(0.3 * rng.normal()),
    })),
  );
  return [...rng.permutation(all.length)].map((i) => all[i]!);
}

const named = (model: SegmentModel) => {
  const of = segmentOf(model);
  return [
    [5, 30, 5000],
    [10, 2, 60],
    [120, 12, 1500],
    [200, 1, 30],
  ].map(([recency, purchaseDays, money]) =>
    of({ recency: recency!, purchaseDays: purchaseDays!, money: money! }),
  );
};

describe('segments', () => {
  it('are as many as there are crowds, and the best buyers are the first', () => {
    const model = fitSegments(crowds(1), undefined)!;
    expect(model.segments.map(({ segment }) => segment)).toEqual([1, 2, 3, 4]);
    expect(new Set(named(model)).size).toBe(4);
    expect(named(model)[0]).toBe(1);
    expect(model.silhouettes.map(({ segments }) => segments)).toEqual([3, 4, 5, 6, 7, 8]);
  });

  it('keep their numbers on the next night, whatever order they are found in', () => {
    // given: numbers as no fresh night gives them
    const fresh = fitSegments(crowds(1), undefined)!;
    const renamed = { 1: 7, 2: 3, 3: 9, 4: 5 } as Record<number, number>;
    const former: SegmentModel = {
      ...fresh,
      segments: fresh.segments
        .map(({ segment, centre }) => ({ segment: renamed[segment]!, centre }))
        .sort((a, b) => a.segment - b.segment),
      next: 12,
    };
    // when
    const model = fitSegments(crowds(2, 1.1), former)!;
    // then
    expect(named(model)).toEqual(named(fresh).map((segment) => renamed[segment]));
    expect(model.next).toBe(12);
  });

  it('give a new segment a number that none had', () => {
    // given: one crowd was not there last night
    const former = fitSegments(
      crowds(1).filter(({ recency, money }) => recency > 50 || money > 1000),
      undefined,
    )!;
    expect(former.segments).toHaveLength(3);
    // when
    const model = fitSegments(crowds(2), { ...former, next: 20 })!;
    // then
    const names = named(model);
    expect(names[1]).toBe(20);
    expect([names[0], names[2], names[3]]).toEqual([0, 2, 3].map((place) => named(former)[place]));
    expect(model.next).toBe(21);
  });

  it('are the same bits for the same buyers', () => {
    expect(fitSegments(crowds(3), undefined)).toEqual(fitSegments(crowds(3), undefined));
  });

  it('are none where there are few buyers, or all are alike', () => {
    expect(fitSegments(crowds(1).slice(0, 49), undefined)).toBeUndefined();
    const alike = Array.from({ length: 80 }, () => ({ recency: 3, purchaseDays: 1, money: 10 }));
    expect(fitSegments(alike, undefined)).toBeUndefined();
  });

  it('are fitted on a sample by the hash of the user', () => {
    const rng = createRng('hashes');
    const hashes = Array.from({ length: 20_000 }, () => rng.word());
    const share = (of: number) => hashes.filter((hash) => isSampled(hash, of)).length / hashes.length;
    expect(share(0.25)).toBeCloseTo(0.25, 1);
    expect(share(1)).toBe(1);
    expect(share(0)).toBe(0);
  });
});
