import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import {
  anomalyScore,
  fitIsolationForest,
  type IsolationForest,
  meanPathLength,
  TreeError,
} from '../../../lib/engine/trees/index.ts';

const recorded = JSON.parse(readFileSync(new URL('./fixtures/isolation.json', import.meta.url), 'utf8')) as {
  width: number;
  values: number[];
  scores: number[];
};
const { width } = recorded;
const values = Float64Array.from(recorded.values);
const count = values.length / width;

const fit = (seed: string, trees = 100) =>
  fitIsolationForest({ values, width }, { rng: createRng(seed), trees });
const scoresOf = (forest: IsolationForest) =>
  Array.from({ length: count }, (_, row) => anomalyScore(forest, values, row * width));

/** Spearman's correlation; scores are all different. */
function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const ranks = (all: readonly number[]) => {
    const order = all.map((_, i) => i).sort((i, j) => all[i]! - all[j]!);
    const of = new Float64Array(all.length);
    order.forEach((i, rank) => {
      of[i] = rank;
    });
    return of;
  };
  const [x, y] = [ranks(a), ranks(b)];
  const squares = x.reduce((sum, rank, i) => sum + (rank - y[i]!) ** 2, 0);
  return 1 - (6 * squares) / (a.length * (a.length ** 2 - 1));
}

describe('an isolation forest', () => {
  it('has the mean path length of a search tree', () => {
    // by hand: 2 H(n-1) - 2 (n-1) / n with H(i) = ln(i) + 0.5772156649
    expect([0, 1, 2].map(meanPathLength)).toEqual([0, 0, 1]);
    expect(meanPathLength(3)).toBeCloseTo(2 * (Math.log(2) + 0.5772156649) - 4 / 3, 9);
    expect(meanPathLength(256)).toBeCloseTo(10.244770920119917, 12);
  });

  it('scores as scikit-learn does, up to the chance of a forest', () => {
    // Two of its own forests of 100 trees correlate by 0.973, and one with the mean of five larger ones by 0.987.
    for (const seed of ['one', 'another']) {
      const scores = scoresOf(fit(seed));
      expect(rankCorrelation(scores, recorded.scores)).toBeGreaterThan(0.975);
      const off = scores.map((score, i) => Math.abs(score - recorded.scores[i]!));
      expect(off.reduce((sum, own) => sum + own, 0) / count).toBeLessThan(0.01);
    }
  });

  it('is the same for the same seed, as plain data too', () => {
    const forest = fit('seed', 20);
    expect(fit('seed', 20)).toEqual(forest);
    expect(fit('other', 20)).not.toEqual(forest);
    expect(scoresOf(JSON.parse(JSON.stringify(forest)))).toEqual(scoresOf(forest));
  });

  it('isolates by hand: one point apart, and equal points in one leaf', () => {
    // given three equal points and one apart: one split parts them, whatever is drawn
    const one = { values: Float64Array.of(0, 0, 0, 1), width: 1 };
    const forest = fitIsolationForest(one, { rng: createRng('apart'), trees: 5 });
    // then the one apart has a path of 1, the others of 1 + c(3)
    expect(anomalyScore(forest, Float64Array.of(1))).toBeCloseTo(2 ** (-1 / meanPathLength(4)), 12);
    const both = 1 + meanPathLength(3);
    expect(anomalyScore(forest, Float64Array.of(0))).toBeCloseTo(2 ** (-both / meanPathLength(4)), 12);
  });

  it('refuses what it cannot read', () => {
    const rng = createRng('wrong');
    expect(() => fitIsolationForest({ values: Float64Array.of(1, 2, 3), width: 2 }, { rng })).toThrow(
      TreeError,
    );
    expect(() => fitIsolationForest({ values: Float64Array.of(1, Number.NaN), width: 1 }, { rng })).toThrow(
      'column 0 in row 1 is NaN',
    );
    expect(() => anomalyScore(fit('seed', 1), Float64Array.of(1))).toThrow('a point of 1 values');
  });
});
