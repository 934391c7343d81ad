import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accuracy,
  auroc,
  averagePrecision,
  brier,
  confusion,
  ece,
  gainTable,
  lift,
  logLoss,
  MetricError,
  macroAuroc,
  macroF1,
  multiclassLogLoss,
  ndcgAtK,
  ndcgOf,
  prCurve,
  recallAtK,
  recallOf,
  reliabilityBins,
  rocCurve,
} from '../../../lib/engine/metrics/index.ts';

interface BinaryCase {
  name: string;
  labels: number[];
  probabilities: number[];
  auroc: number | null;
  averagePrecision: number | null;
  logLoss: number;
  brier: number;
  confusion: Record<string, number>;
  ece: number;
  lift10: number | null;
  roc?: { fpr: number[]; tpr: number[]; thresholds: (number | null)[] };
  pr?: { precision: number[]; recall: number[]; thresholds: number[] };
}

interface Recorded {
  binary: BinaryCase[];
  multiclass: {
    name: string;
    labels: number[];
    probabilities: number[];
    classes: number;
    accuracy: number;
    macroF1: number;
    macroAuroc: number | null;
    logLoss: number;
  }[];
  ranking: { truth: number[]; list: number[]; k: number; recall: number; ndcg: number }[];
}

// scikit-learn's values; record-metrics.py beside the file wrote them
const recorded = JSON.parse(
  readFileSync(new URL('../train/fixtures/metrics.json', import.meta.url), 'utf8'),
) as Recorded;

function close(actual: number, expected: number | null): void {
  if (expected === null) expect(actual).toBeNaN();
  else expect(Math.abs(actual - expected)).toBeLessThan(1e-12);
}

function allClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of actual.entries()) close(value, expected[i]!);
}

describe('equal to scikit-learn', () => {
  it.each(recorded.binary)('$name', ({ labels, probabilities: p, ...expected }) => {
    close(auroc(labels, p), expected.auroc);
    close(averagePrecision(labels, p), expected.averagePrecision);
    close(logLoss(labels, p), expected.logLoss);
    close(brier(labels, p), expected.brier);
    close(ece(labels, p), expected.ece);
    close(lift(labels, p), expected.lift10);
    const counted = Object.entries(confusion(labels, p));
    expect(counted.length).toBe(8);
    for (const [what, value] of counted) close(value, expected.confusion[what]!);
    if (expected.roc && expected.pr) {
      const roc = rocCurve(labels, p);
      allClose(roc.fpr, expected.roc.fpr);
      allClose(roc.tpr, expected.roc.tpr);
      expect(roc.thresholds).toEqual(expected.roc.thresholds.map((cut) => cut ?? Number.POSITIVE_INFINITY));
      const pr = prCurve(labels, p);
      allClose(pr.precision, expected.pr.precision);
      allClose(pr.recall, expected.pr.recall);
      expect(pr.thresholds).toEqual(expected.pr.thresholds);
    }
  });

  it.each(recorded.multiclass)('$name', (predictions) => {
    close(accuracy(predictions), predictions.accuracy);
    close(macroF1(predictions), predictions.macroF1);
    close(macroAuroc(predictions), predictions.macroAuroc);
    close(multiclassLogLoss(predictions), predictions.logLoss);
  });

  it('recall and NDCG of 40 lists', () => {
    for (const { truth, list, k, recall, ndcg } of recorded.ranking) {
      close(recallOf(truth, list, k), recall);
      close(ndcgOf(truth, list, k), ndcg);
    }
  });
});

describe('ranking lists', () => {
  it('unseen true items are misses, and a repeated item counts once, at its first place', () => {
    expect(recallOf(['a', 'never sold before'], ['a', 'b'], 2)).toBe(0.5);
    expect(recallOf(['a', 'a', 'b'], ['a', 'a', 'b'], 2)).toBe(0.5);
    expect(ndcgOf(['a', 'b'], ['a', 'a', 'b'], 3)).toBeCloseTo((1 + 1 / 2) / (1 + 1 / Math.log2(3)), 12);
  });

  it('the ideal is over min(K, true items)', () => {
    // given one user with three true items, and one with one
    // then a list full of hits is perfect for both
    expect(ndcgOf([1, 2, 3], [1, 2], 2)).toBe(1);
    expect(ndcgOf([1], [1, 7, 8], 3)).toBe(1);
    expect(recallOf([1, 2, 3], [1, 2], 2)).toBeCloseTo(2 / 3, 12);
  });

  it('means are over users with true items', () => {
    // given two users, a third with nothing to find
    const truth = [['a'], ['b'], []];
    const lists = [['a'], ['a', 'b'], ['a']];
    // then
    expect(recallAtK(truth, lists, 1)).toBe(0.5);
    expect(ndcgAtK(truth, lists, 2)).toBeCloseTo((1 + 1 / Math.log2(3)) / 2, 12);
    expect(recallAtK([[]], [['a']], 1)).toBeNaN();
    expect(() => recallAtK(truth, [['a']], 1)).toThrow(/1 lists for 3 users/);
    expect(() => recallOf(['a'], ['a'], 0)).toThrow(MetricError);
  });
});

/** Labels with scores of few distinct values, so that ties abound. */
const scored = fc
  .array(fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 8 })), { minLength: 1, maxLength: 60 })
  .map((rows) => ({ labels: rows.map(([y]) => y), scores: rows.map(([, s]) => s / 8) }));

describe('properties', () => {
  it('AUROC is the share of pairs in order, ties one half, and turns round with the labels', () => {
    fc.assert(
      fc.property(scored, ({ labels, scores }) => {
        // given every pair counted
        let won = 0;
        let pairs = 0;
        for (const [i, up] of labels.entries()) {
          for (const [j, down] of labels.entries()) {
            if (up !== 1 || down !== 0) continue;
            pairs += 1;
            won += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
          }
        }
        // then
        close(auroc(labels, scores), pairs === 0 ? null : won / pairs);
        const turned = auroc(
          labels.map((y) => 1 - y),
          scores,
        );
        close(turned, pairs === 0 ? null : 1 - won / pairs);
      }),
      { seed: 3 },
    );
  });

  it('ranking metrics do not depend on the order of rows', () => {
    fc.assert(
      fc.property(scored, ({ labels, scores }) => {
        const backward = { labels: labels.toReversed(), scores: scores.toReversed() };
        for (const metric of [auroc, averagePrecision, lift]) {
          const value = metric(labels, scores);
          close(metric(backward.labels, backward.scores), Number.isNaN(value) ? null : value);
        }
        expect(gainTable(backward.labels, backward.scores).map(({ positives }) => positives)).toEqual(
          gainTable(labels, scores).map(({ positives }) => positives),
        );
      }),
      { seed: 4 },
    );
  });

  it('the gain table holds every row and positive, and its first decile is lift10 where sizes agree', () => {
    fc.assert(
      fc.property(scored, ({ labels, scores }) => {
        // given
        const table = gainTable(labels, scores);
        const positives = labels.filter((y) => y === 1).length;
        // then
        expect(table.reduce((sum, row) => sum + row.n, 0)).toBe(labels.length);
        close(
          table.reduce((sum, row) => sum + row.positives, 0),
          positives,
        );
        if (positives > 0) {
          close(table.at(-1)!.cumulativeGain, 1);
          close(table.at(-1)!.cumulativeLift, 1);
          close(table[0]!.lift, lift(labels, scores));
        }
      }),
      { seed: 5 },
    );
  });

  it('reliability bins hold every row in ascending order', () => {
    fc.assert(
      fc.property(scored, ({ labels, scores }) => {
        const bins = reliabilityBins(labels, scores);
        expect(bins.reduce((sum, { n }) => sum + n, 0)).toBe(labels.length);
        expect(Math.max(...bins.map(({ n }) => n)) - Math.min(...bins.map(({ n }) => n))).toBeLessThanOrEqual(
          1,
        );
        for (const [i, bin] of bins.entries()) {
          expect(bin.lowest).toBeLessThanOrEqual(bin.highest);
          if (i > 0) expect(bins[i - 1]!.highest).toBeLessThanOrEqual(bin.lowest);
        }
      }),
      { seed: 6 },
    );
  });
});

describe('lift', () => {
  it('shares the positives of a tie at the edge', () => {
    // given 20 rows: 1 positive on top, then a tie of 4 rows of which 2 are positive
    const scores = [0.9, 0.5, 0.5, 0.5, 0.5, ...Array(15).fill(0.1)];
    const labels = [1, 1, 1, 0, 0, ...Array(15).fill(0)];
    // then the top 2 hold 1 + 2/4 positives, at a base rate of 3/20
    expect(lift(labels, scores)).toBeCloseTo(1.5 / 2 / 0.15, 12);
  });
});

describe('typed errors', () => {
  it('lengths, labels, scores and probabilities', () => {
    expect(() => auroc([1], [0.1, 0.2])).toThrow(/given 1 and 2/);
    expect(() => auroc([], [])).toThrow(MetricError);
    expect(() => brier([1, 2], [0.1, 0.2])).toThrow(/label 1 is 2/);
    expect(() => averagePrecision([1, 0], [0.1, Number.NaN])).toThrow(/score 1 is NaN/);
    expect(() => logLoss([1], [1.2])).toThrow(/from 0 to 1/);
    expect(() => lift([1], [1], 0)).toThrow(/\(0, 1\]/);
    expect(() => ece([1], [1], 0)).toThrow(/groups from 1/);
    expect(() => accuracy({ labels: [3], probabilities: [0.5, 0.5], classes: 2 })).toThrow(
      /class from 0 to 1/,
    );
    expect(() => macroF1({ labels: [0], probabilities: [0.5], classes: 2 })).toThrow(
      /2 probabilities a label/,
    );
    expect(() => multiclassLogLoss({ labels: [0], probabilities: [0.5, 2], classes: 2 })).toThrow(
      /probability 1 is 2/,
    );
  });
});
