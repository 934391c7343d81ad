import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ClusterError,
  kMeans,
  matchCentres,
  nearestCentre,
  silhouette,
} from '../../../lib/engine/cluster/index.ts';
import { assign } from '../../../lib/engine/cluster/match.ts';
import { createRng } from '../../../lib/engine/host/index.ts';

interface Fit {
  readonly k: number;
  readonly centres: number[];
  readonly labels: number[];
  readonly inertia: number;
  readonly silhouette: number;
  readonly leastInertia: number;
}
const recorded = JSON.parse(readFileSync(new URL('./fixtures/cluster.json', import.meta.url), 'utf8'));
const points = { values: Float64Array.from(recorded.points as number[]), width: 3 };
const fits: readonly Fit[] = recorded.fits;

const expectClose = (ours: ArrayLike<number>, theirs: readonly number[]) => {
  expect(ours).toHaveLength(theirs.length);
  theirs.forEach((value, i) => {
    expect(ours[i]).toBeCloseTo(value, 9);
  });
};

describe('k-means', () => {
  it.each(fits)('ends where scikit-learn ends from the same start, k = $k', (fit) => {
    // when
    const start = points.values.slice(0, 3 * fit.k);
    const { centres, labels, inertia } = kMeans(points, {
      ...{ k: fit.k, rng: createRng(1), starts: 0, initial: [start] },
    });
    // then
    expect([...labels]).toEqual(fit.labels);
    expectClose(centres, fit.centres);
    expect(inertia).toBeCloseTo(fit.inertia, 9);
  });

  it.each(fits)('comes near the best of 200 starts of scikit-learn, k = $k', ({ k, leastInertia }) => {
    const { inertia } = kMeans(points, { k, rng: createRng(3), starts: 100 });
    expect(inertia / leastInertia).toBeGreaterThan(1 - 1e-9);
    expect(inertia / leastInertia).toBeLessThan(1.005);
  });

  it('gives the same bits for the same seed', () => {
    const once = () => kMeans(points, { k: 5, rng: createRng('twice') });
    expect(once()).toEqual(once());
  });

  it('names the nearest centre of each point as its group', () => {
    const { centres, labels } = kMeans(points, { k: 4, rng: createRng(1) });
    const nearest = Array.from(labels, (_, i) =>
      nearestCentre(points.values, i, { values: centres, width: 3 }),
    );
    expect(nearest).toEqual([...labels]);
  });

  it('leaves no group without points', () => {
    // given: a start with a centre far from all points
    const start = Float64Array.of(...points.values.slice(0, 6), 1e6, 1e6, 1e6);
    // when
    const { labels } = kMeans(points, { k: 3, rng: createRng(1), starts: 0, initial: [start] });
    // then
    expect(new Set(labels)).toEqual(new Set([0, 1, 2]));
  });

  it('draws starts from different points where most are equal', () => {
    const values = new Float64Array(40);
    values.set([1, 5, 9], 17);
    const { inertia } = kMeans({ values, width: 1 }, { k: 4, rng: createRng(1), starts: 1 });
    expect(inertia).toBe(0);
  });

  it('refuses more groups than different points, and points that are none', () => {
    const two = { values: Float64Array.of(1, 1, 2), width: 1 };
    expect(() => kMeans(two, { k: 3, rng: createRng(1) })).toThrow(ClusterError);
    expect(() => kMeans(two, { k: 3, rng: createRng(1) })).toThrow(/3 groups are asked for.*\(2\)/);
    expect(() => kMeans(two, { k: 0, rng: createRng(1) })).toThrow(/0 groups/);
    expect(() => kMeans({ values: two.values, width: 2 }, { k: 1, rng: createRng(1) })).toThrow(/no points/);
    const odd = { values: Float64Array.of(1, Number.NaN), width: 2 };
    expect(() => kMeans(odd, { k: 1, rng: createRng(1) })).toThrow(/coordinate 1 of point 0 is NaN/);
  });
});

describe('silhouettes', () => {
  it.each(fits)('are those of scikit-learn, k = $k', (fit) => {
    expect(silhouette(points, Int32Array.from(fit.labels))).toBeCloseTo(fit.silhouette, 9);
  });

  it('count 0 for a point that is alone', () => {
    const { points: values, labels, silhouette: theirs } = recorded.alone;
    const few = { values: Float64Array.from(values), width: 3 };
    expect(silhouette(few, Int32Array.from(labels))).toBeCloseTo(theirs, 9);
  });

  it('need two groups, and a label for each point', () => {
    const few = { values: Float64Array.of(1, 2), width: 1 };
    expect(() => silhouette(few, Int32Array.of(0, 0))).toThrow(/two groups/);
    expect(() => silhouette(few, Int32Array.of(0))).toThrow(/1 labels were given for 2 points/);
  });
});

describe('matched centres', () => {
  it('are assigned as scipy assigns, whichever side has more', () => {
    for (const { costs, columns, sum } of recorded.assignments) {
      const ours = assign(costs);
      expect([...ours]).toEqual(columns);
      const total = ours.reduce((all, j, i) => all + (j < 0 ? 0 : costs[i][j]), 0);
      expect(total).toBeCloseTo(sum, 9);
    }
  });

  it('are pairs of nearby centres; what is too far from all is new', () => {
    // given
    const former = { values: Float64Array.of(0, 0, 10, 0, 0, 10), width: 2 };
    const centres = { values: Float64Array.of(0.5, 9, 30, 30, 9, 0.5), width: 2 };
    // then
    expect([...matchCentres(centres, former, 3)]).toEqual([2, -1, 1]);
    expect([...matchCentres(centres, former)].sort()).toEqual([0, 1, 2]);
    expect(() => matchCentres(centres, { values: former.values, width: 3 })).toThrow(/one width/);
  });
});
