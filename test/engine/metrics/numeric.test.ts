import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import {
  assessNumeric,
  bootstrap,
  coverage,
  MetricError,
  mae,
  numericDeciles,
  pinball,
  rmse,
  spearman,
  topShare,
} from '../../../lib/engine/metrics/index.ts';

interface NumericCase {
  name: string;
  truth: number[];
  predictions: number[];
  mae: number;
  rmse: number;
  pinball: [level: number, loss: number][];
  spearman: number;
  topShare: [share: number, value: number][];
  coverage: number;
}
const recorded: { cases: NumericCase[] } = JSON.parse(
  readFileSync(new URL('./fixtures/numeric.json', import.meta.url), 'utf8'),
);

/** Amounts near their predictions, in steps so that many tie, half of them 0. */
function predicted(n: number, seed: string) {
  const rng = createRng(seed);
  const predictions = Array.from({ length: n }, () => Math.round(rng.uniform() * 40) / 2);
  const truth = predictions.map((p) => (rng.uniform() < 0.5 ? 0 : Math.round(2 * p * rng.uniform())));
  return { predictions, truth };
}

describe('measures of a predicted number', () => {
  it.each(recorded.cases)('are those of scikit-learn and scipy: $name', (theirs) => {
    const { truth, predictions } = theirs;
    expect(mae(truth, predictions)).toBeCloseTo(theirs.mae, 12);
    expect(rmse(truth, predictions)).toBeCloseTo(theirs.rmse, 12);
    expect(spearman(truth, predictions)).toBeCloseTo(theirs.spearman, 12);
    for (const [level, loss] of theirs.pinball)
      expect(pinball(truth, predictions, level)).toBeCloseTo(loss, 12);
    for (const [share, value] of theirs.topShare)
      expect(topShare(truth, predictions, share)).toBeCloseTo(value, 12);
    const [low, high] = [-3, 5].map((by) => predictions.map((p) => p + by));
    expect(coverage(truth, low!, high!)).toBeCloseTo(theirs.coverage, 12);
  });

  it('do not depend on the order of rows, whatever ties', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })), {
          minLength: 1,
          maxLength: 30,
        }),
        (rows) => {
          const of = (given: typeof rows) => {
            const [truth, predictions] = [given.map(([y]) => y), given.map(([, p]) => p)];
            return [spearman(truth, predictions), topShare(truth, predictions, 0.2)];
          };
          const [ours, others] = [of(rows), of([...rows].reverse())];
          ours.forEach((value, i) => {
            if (Number.isNaN(value)) expect(others[i]).toBeNaN();
            else expect(others[i]).toBeCloseTo(value, 12);
          });
        },
      ),
      { seed: 3, numRuns: 200 },
    );
  });

  it('are not defined without a ranking, or a total', () => {
    expect(spearman([1, 2, 3], [4, 4, 4])).toBeNaN();
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(topShare([0, 0], [1, 2], 0.5)).toBeNaN();
    expect(topShare([1, -3], [1, 2], 0.5)).toBeNaN();
  });

  it('share rows that tie at the edge', () => {
    // the top row, of three that are alike
    expect(topShare([6, 3, 0, 1], [5, 5, 5, 1], 0.25)).toBeCloseTo(0.3, 12);
  });

  it('by tenths: sizes as even as can be, sums kept, alike where predictions are right', () => {
    // given
    const { truth, predictions } = predicted(53, 'tenths');
    // when
    const deciles = numericDeciles(truth, predictions);
    // then
    expect(deciles.map(({ n }) => n)).toEqual([6, 6, 6, 5, 5, 5, 5, 5, 5, 5]);
    const total = (of: 'meanTruth' | 'meanPrediction') =>
      deciles.reduce((sum, row) => sum + row.n * row[of], 0);
    expect(total('meanTruth')).toBeCloseTo(
      truth.reduce((a, b) => a + b, 0),
      9,
    );
    expect(total('meanPrediction')).toBeCloseTo(
      predictions.reduce((a, b) => a + b, 0),
      9,
    );
    const means = deciles.map(({ meanPrediction }) => meanPrediction);
    expect(means).toEqual([...means].sort((a, b) => b - a));
    for (const row of numericDeciles(truth, truth)) expect(row.meanTruth).toBe(row.meanPrediction);
    expect(numericDeciles([1, 2], [2, 1])).toEqual([
      { decile: 1, n: 1, meanPrediction: 2, meanTruth: 1 },
      { decile: 2, n: 1, meanPrediction: 1, meanTruth: 2 },
    ]);
  });

  it('say what is wrong with what they are given', () => {
    expect(() => mae([1], [1, 2])).toThrow(MetricError);
    expect(() => mae([1], [1, 2])).toThrow(/given 1, 2/);
    expect(() => rmse([], [])).toThrow(/at least one/);
    expect(() => spearman([1, Number.NaN], [1, 2])).toThrow(/true number 1 is NaN/);
    expect(() => spearman([1, 2], [1, Number.POSITIVE_INFINITY])).toThrow(/prediction 1 is Infinity/);
    expect(() => pinball([1], [1], 1)).toThrow(/level is 1; a number between 0 and 1/);
    expect(() => topShare([1], [1], 0)).toThrow(/share of rows is 0/);
    expect(() => coverage([1], [2], [1])).toThrow(/row 0 has the interval \[2, 1\]/);
    expect(coverage([1, 5], [Number.NEGATIVE_INFINITY, 0], [1, 2])).toBe(0.5);
  });
});

describe('an assessment of a predicted number', () => {
  it('has the measures of the same names', () => {
    const { truth, predictions } = predicted(503, 'plain');
    expect(assessNumeric(truth, predictions)).toMatchObject({
      n: 503,
      meanTruth: truth.reduce((a, b) => a + b, 0) / 503,
      mae: mae(truth, predictions),
      rmse: rmse(truth, predictions),
      spearman: spearman(truth, predictions),
      topShare10: topShare(truth, predictions, 0.1),
      deciles: numericDeciles(truth, predictions),
    });
  });

  it('has the intervals that resampling the rows of users themselves gives', () => {
    // given three rows a user, and the measures' own definitions on resampled rows
    const { truth, predictions } = predicted(180, 'intervals');
    const users = truth.map((_, row) => 7 * (row % 60));
    const on = (metric: (y: number[], p: number[]) => number) => (drawn: Int32Array) => {
      const rows = Array.from(drawn).flatMap((user) => [user, user + 60, user + 120]);
      return metric(
        rows.map((row) => truth[row]!),
        rows.map((row) => predictions[row]!),
      );
    };
    const theirs = bootstrap({
      n: 60,
      rng: createRng('assessment'),
      measures: (drawn) => [on(mae)(drawn), on(spearman)(drawn), on((y, p) => topShare(y, p, 0.1))(drawn)],
    });
    // when
    const { intervals } = assessNumeric(truth, predictions, users);
    // then
    [intervals.mae, intervals.spearman, intervals.topShare10].forEach((interval, m) => {
      expect(interval![0]).toBeCloseTo(theirs[m]!.low, 10);
      expect(interval![1]).toBeCloseTo(theirs[m]!.high, 10);
    });
  });

  it('measures two models on the same draws of users', () => {
    // given predictions off by one, those of the second the other way round: the same errors, other ranks; and worse ones
    const { truth } = predicted(200, 'paired');
    const [above, below] = [1, -1].map((by) => truth.map((y, row) => y + (row % 2 ? by : -by)));
    const wider = truth.map((y, row) => y + (row % 2 ? 1 : -3));
    // when
    const [a, b, c] = [above!, below!, wider].map((predictions) => assessNumeric(truth, predictions));
    // then
    expect(a!.intervals.mae).toEqual(b!.intervals.mae);
    expect(c!.intervals.mae![0]).toBeGreaterThan(a!.intervals.mae![0]);
  });

  it.each([
    ['nobody', [], []],
    ['one amount', [2, 2, 2], [1, 2, 3]],
    ['nothing spent', [0, 0], [1, 1]],
  ])('of %s says what is not defined', (_, truth, predictions) => {
    const assessed = assessNumeric(truth, predictions);
    expect(assessed).toMatchObject({ n: truth.length, spearman: null });
    expect(assessed.intervals.spearman).toBeNull();
    expect(JSON.stringify(assessed)).not.toContain('NaN');
  });
});
