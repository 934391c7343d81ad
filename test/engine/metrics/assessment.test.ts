import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import {
  assessBinary,
  assessLists,
  auroc,
  bootstrap,
  lift,
  logLoss,
  ndcgAtK,
  pairedBootstrap,
  recallAtK,
} from '../../../lib/engine/metrics/index.ts';

/** Rows whose outcome is drawn near their score, scores in hundredths so that many tie. */
function scored(n: number, seed: string) {
  const rng = createRng(seed);
  const probabilities = Array.from({ length: n }, () => Math.round(rng.uniform() * 100) / 100);
  return { probabilities, labels: probabilities.map((p) => Number(rng.uniform() < 0.2 + 0.6 * p)) };
}

describe('an assessment of probabilities', () => {
  it('has the measures of the same names, and what is found among the highest scores', () => {
    const { labels, probabilities } = scored(503, 'plain');
    // when
    const assessed = assessBinary(labels, probabilities);
    // then
    expect(assessed).toMatchObject({
      n: 503,
      positives: labels.reduce((sum, y) => sum + y, 0),
      auroc: auroc(labels, probabilities),
      logLoss: logLoss(labels, probabilities),
      lift10: lift(labels, probabilities, 0.1),
    });
    expect(assessed.reach.map(({ n }) => n)).toEqual([6, 26, 51, 101, 151, 252]);
    const tenth = assessed.reach[2]!;
    expect(tenth.positives / tenth.n / (assessed.positives / 503)).toBeCloseTo(assessed.lift10!, 12);
    const sizes = assessed.deciles.map(({ n }) => n);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(503);
  });

  it('has the intervals that resampling the rows themselves gives, ties shared', () => {
    // given: the metrics' own definitions on resampled rows, with the generator that the assessment uses
    const { labels, probabilities } = scored(160, 'intervals');
    const byScore = probabilities
      .map((p, row) => ({ p, row }))
      .sort((a, b) => b.p - a.p || b.row - a.row)
      .map(({ row }) => row);
    const on = (metric: (y: number[], p: number[]) => number) => (users: Int32Array) =>
      metric(
        Array.from(users, (u) => labels[byScore[u]!]!),
        Array.from(users, (u) => probabilities[byScore[u]!]!),
      );
    const [area, loss, top] = bootstrap({
      n: 160,
      rng: createRng('assessment'),
      measures: (users) => [on(auroc)(users), on(logLoss)(users), on((y, p) => lift(y, p, 0.1))(users)],
    });
    // when
    const { intervals } = assessBinary(labels, probabilities);
    // then
    for (const [own, other] of [
      [intervals.auroc, area],
      [intervals.logLoss, loss],
      [intervals.lift10, top],
    ] as const) {
      expect(own![0]).toBeCloseTo(other!.low, 10);
      expect(own![1]).toBeCloseTo(other!.high, 10);
    }
  });

  it('is less sure where several rows are of one user', () => {
    // given: every row told five times
    const { labels, probabilities } = scored(200, 'users');
    const times = <T>(values: readonly T[]) => values.flatMap((value) => [value, value, value, value, value]);
    const users = times(labels.map((_, i) => i));
    const width = ([low, high]: readonly [number, number]) => high - low;
    // when
    const rows = assessBinary(times(labels), times(probabilities)).intervals.auroc!;
    const byUser = assessBinary(times(labels), times(probabilities), users).intervals.auroc!;
    const once = assessBinary(labels, probabilities).intervals.auroc!;
    // then
    expect(width(rows)).toBeLessThan(0.6 * width(once));
    expect(width(byUser)).toBeGreaterThan(0.85 * width(once));
  });

  it.each([
    ['nobody', [], []],
    ['one outcome', [1, 1, 1], [0.2, 0.7, 0.7]],
  ])('of %s says what is not defined', (_, labels, probabilities) => {
    const assessed = assessBinary(labels, probabilities);
    expect(assessed).toMatchObject({ n: labels.length, auroc: null, lift10: null });
    expect(assessed.intervals).toEqual({ auroc: null, logLoss: null, lift10: null });
    expect(JSON.stringify(assessed)).not.toContain('NaN');
  });
});

describe('an assessment of lists', () => {
  it('has means over users and their intervals', () => {
    const rng = createRng('lists');
    const truth = Array.from({ length: 90 }, () => new Set([`${rng.integer(6)}`, `${rng.integer(6)}`]));
    const lists = truth.map(() => ['0', '1', '2', '3', '4', '5'].slice(rng.integer(4)));
    // when
    const assessed = assessLists(truth, lists, 3);
    // then
    expect(assessed.recall).toBeCloseTo(recallAtK(truth, lists, 3), 12);
    expect(assessed.ndcg).toBeCloseTo(ndcgAtK(truth, lists, 3), 12);
    for (const [value, interval] of [
      [assessed.recall!, assessed.intervals.recall!],
      [assessed.ndcg!, assessed.intervals.ndcg!],
    ] as const) {
      expect(interval[0]).toBeLessThan(value);
      expect(interval[1]).toBeGreaterThan(value);
    }
    expect(assessLists([], [], 3)).toMatchObject({ n: 0, recall: null });
  });
});

describe('a bootstrap of several measures', () => {
  it('draws as the paired one does, and leaves out what is not defined on a draw', () => {
    const values = [0, 1, 2, 3, 4, 5];
    const mean = (users: Int32Array) => users.reduce((sum, u) => sum + values[u]!, 0) / users.length;
    const paired = pairedBootstrap({ n: 6, metricA: mean, metricB: () => 0, rng: createRng(1) });
    const [own, none] = bootstrap({
      n: 6,
      measures: (users) => [mean(users), Number.NaN],
      rng: createRng(1),
    });
    expect([own!.low, own!.high, own!.value]).toEqual([paired.low, paired.high, paired.difference]);
    expect(none).toMatchObject({ samples: 0, low: Number.NaN });
  });
});
