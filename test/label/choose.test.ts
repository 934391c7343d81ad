import { describe, expect, it } from 'vitest';
import { chooseNext } from '../../lib/label/choose.ts';
import { doubtsOf } from '../../lib/label/doubt.ts';
import { pointsOf } from '../../lib/label/points.ts';
import type { ShardScores } from '../../lib/models/index.ts';

const texts = (values: readonly string[]) => ({
  columns: [{ name: 'body', kind: 'text' as const, values }],
});

describe('which rows to label next', () => {
  it('asks about one text once, however many copies of it are doubtful', () => {
    // given: 50 copies of the most doubtful text, and others that are less doubtful
    const values = [...new Array<string>(50).fill('where is my parcel'), 'refund me', 'open an account'];
    const doubt = Float64Array.from(values, (_, row) => (row < 50 ? 0.9 : 0.5));
    // when
    const chosen = chooseNext(doubt, [...values.keys()], 3, (rows) => pointsOf(texts(values), rows));
    // then
    expect(chosen).toEqual([0, 50, 51]);
  });

  it('prefers what is doubtful among what is equally unlike', () => {
    const values = ['parcel', 'refund', 'account', 'voucher'];
    const doubt = Float64Array.of(0.2, 0.9, 0.1, 0.6);
    expect(chooseNext(doubt, [0, 1, 2, 3], 3, (rows) => pointsOf(texts(values), rows))).toEqual([1, 3, 0]);
    // then: rows that do not come into question are not chosen, and no more than there are
    expect(chooseNext(doubt, [0, 2], 9, (rows) => pointsOf(texts(values), rows))).toEqual([0, 2]);
  });

  it('tells rows apart by their words, categories and numbers, and characters where no spaces are', () => {
    const alike = (columns: Parameters<typeof pointsOf>[0]['columns'], a: number, b: number) => {
      const { rows } = pointsOf({ columns }, [0, 1, 2]);
      const other = new Map(rows[b]);
      return rows[a]!.reduce((sum, [term, weight]) => sum + weight * (other.get(term) ?? 0), 0);
    };
    expect(alike(texts(['Refund, ME!', 'refund me', 'hello']).columns, 0, 1)).toBeCloseTo(1, 12);
    expect(alike(texts(['返金してください', '返金したい', '住所']).columns, 0, 1)).toBeGreaterThan(0.2);
    expect(alike(texts(['返金してください', '返金したい', '住所']).columns, 0, 2)).toBe(0);
    const others = [
      { name: 'device', kind: 'category' as const, values: ['phone', 'phone', 'desktop'] },
      { name: 'age', kind: 'number' as const, values: Float64Array.of(1, 1, 50) },
    ];
    expect(alike(others, 0, 1)).toBeCloseTo(1, 12);
    expect(alike(others, 0, 2)).toBe(0);
  });
});

describe('how doubtful an answer is', () => {
  const config = (answers?: 'one-of' | 'any-of' | 'number') => ({
    tasks: {
      intent: {
        ...{ kind: 'label' as const, source: 'tickets', positive: 'refund', exclude: [] },
        ...(answers ? { answers } : {}),
      },
    },
  });
  const none: ShardScores = {
    ...{ users: ['a', 'b'], hashes: new Uint32Array(2), tasks: {}, lists: {}, values: {} },
  };
  const reasons = [null, null];

  it('is one less the margin of the two most probable ones', () => {
    const intent = {
      ...{ exclusive: true, classes: ['x', 'y', 'z'], reasons },
      probabilities: Float64Array.of(0.5, 0.4, 0.1, 0.05, 0.05, 0.9),
    };
    const { doubt, saidOf } = doubtsOf(config('one-of'), 'intent', { ...none, classes: { intent } });
    expect(doubt[0]).toBeCloseTo(0.9, 12);
    expect(doubt[1]).toBeCloseTo(0.15, 12);
    expect([saidOf(0).answer, saidOf(1).answer]).toEqual(['x', 'z']);
  });

  it('of a yes or no is how near the chance is to a half', () => {
    const intent = { logit: Float64Array.of(0, 2), probability: Float64Array.of(0.5, 0.1), reasons };
    const { doubt, saidOf } = doubtsOf(config(), 'intent', { ...none, tasks: { intent } });
    expect(doubt[0]).toBe(1);
    expect(doubt[1]).toBeCloseTo(0.2, 12);
    expect(saidOf(1)).toEqual({ answer: 'not refund', probability: 0.9 });
  });

  it('of labels is that of the most doubtful one, of a number the width of its interval', () => {
    const labels = {
      ...{ exclusive: false, classes: ['x', 'y'], reasons },
      probabilities: Float64Array.of(0.9, 0.6, 0.1, 0.02),
    };
    const ofLabels = doubtsOf(config('any-of'), 'intent', { ...none, classes: { intent: labels } });
    expect(ofLabels.doubt[0]).toBeCloseTo(0.8, 12);
    expect(ofLabels.doubt[1]).toBeCloseTo(0.2, 12);
    expect([ofLabels.saidOf(0).answer, ofLabels.saidOf(1).answer]).toEqual(['["x","y"]', '[]']);
    const intent = {
      ...{ number: Float64Array.of(3, 4), low: Float64Array.of(1, 3), high: Float64Array.of(5, 4), reasons },
    };
    const ofNumbers = doubtsOf(config('number'), 'intent', { ...none, numbers: { intent } });
    expect([...ofNumbers.doubt]).toEqual([1, 0.25]);
  });
});
