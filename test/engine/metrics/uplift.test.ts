import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { assessUplift, MetricError } from '../../../lib/engine/metrics/index.ts';

/*
 * Values by NumPy 2.4.6: cumulative sums over the rows in order of their predictions, equal ones taken together, and
 * numpy.trapezoid over the points of both curves.
 */
const ROWS = {
  predictions: [0.9, 0.8, 0.8, 0.7, 0.6, 0.5, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1],
  treated: [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0],
  outcomes: [1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0],
};

const QINI = 0.17013888888888895;
const AUUC = 0.19924768518518518;

describe('measures of predicted effects', () => {
  it('are those that NumPy has, with ties', () => {
    const { qini, auuc, effect, curve, n, treated, control } = assessUplift(ROWS);
    expect(qini).toBeCloseTo(QINI, 12);
    expect(auuc).toBeCloseTo(AUUC, 12);
    expect(effect).toBeCloseTo(1 / 6, 12);
    expect([n, treated, control]).toEqual([12, 6, 6]);
    expect(curve[0]).toEqual([0, 0]);
    expect(curve.at(-1)![0]).toBe(1);
    expect(curve.at(-1)![1]).toBeCloseTo(1 / 6, 12);
  });

  it('do not depend on the order of rows of one prediction, as a curve is straight between them', () => {
    const turned = [0, 2, 1, 3, 4, 6, 5, 7, 8, 9, 11, 10];
    const other = (of: number[]) => turned.map((row) => of[row]!);
    const { qini, auuc } = assessUplift({
      predictions: other(ROWS.predictions),
      treated: other(ROWS.treated),
      outcomes: other(ROWS.outcomes),
    });
    expect(qini).toBeCloseTo(QINI, 12);
    expect(auuc).toBeCloseTo(AUUC, 12);
  });

  it('are nothing of an order where one effect is told to all', () => {
    const { qini, auuc } = assessUplift({ ...ROWS, predictions: new Array(12).fill(0.1) });
    expect(qini).toBeCloseTo(0, 12);
    expect(auuc).toBeCloseTo(1 / 12, 12);
  });

  it('count those who are predicted to gain more than the least, by tenths, with intervals that hold the truth', () => {
    // given: an effect of 0.5 for half of the rows, none for the others
    const rng = createRng('tenths');
    const n = 4000;
    const effects = Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 0.5 : 0));
    const treated = effects.map(() => Number(rng.uniform() < 0.3));
    const outcomes = effects.map((effect, i) => Number(rng.uniform() < 0.2 + effect * treated[i]!));
    // when
    const predictions = effects.map((effect) => effect + 0.01 * rng.uniform());
    const assessed = assessUplift({ predictions, treated, outcomes }, { least: 0.25 });
    // then
    expect(assessed.chosen.n).toBe(2000);
    expect(assessed.chosen.interval![0]).toBeLessThan(0.5);
    expect(assessed.chosen.interval![1]).toBeGreaterThan(0.5);
    expect(assessed.deciles.map(({ n: rows }) => rows)).toEqual(new Array(10).fill(400));
    assessed.deciles.forEach(({ effect, interval }, tenth) => {
      expect(Math.abs(effect! - (tenth < 5 ? 0.5 : 0))).toBeLessThan(0.15);
      expect(interval![0]).toBeLessThan(interval![1]);
    });
    expect(assessed.intervals.qini![0]).toBeGreaterThan(0);
    // and: the same rows give the same intervals
    expect(assessUplift({ predictions, treated, outcomes }, { least: 0.25 })).toEqual(assessed);
  });

  it('resample rows of one user together', () => {
    const twice = (of: number[]) => [...of, ...of];
    const users = twice(ROWS.outcomes.map((_, i) => i));
    const rows = {
      predictions: twice(ROWS.predictions),
      treated: twice(ROWS.treated),
      outcomes: twice(ROWS.outcomes),
    };
    const once = assessUplift(ROWS).intervals.effect!;
    expect(assessUplift(rows, { users }).intervals.effect).toEqual(once);
    expect(assessUplift(rows).intervals.effect).not.toEqual(once);
  });

  it('are not defined without rows of both arms', () => {
    const none = assessUplift({ predictions: [], treated: [], outcomes: [] });
    expect([none.effect, none.qini, none.auuc, none.intervals.qini]).toEqual([null, null, null, null]);
    const one = assessUplift({ predictions: [1, 2], treated: [1, 1], outcomes: [0, 1] });
    expect([one.effect, one.qini, one.meanTreated, one.meanControl]).toEqual([null, null, 0.5, null]);
  });

  it('say what is wrong with rows', () => {
    expect(() => assessUplift({ ...ROWS, treated: [1] })).toThrow(MetricError);
    expect(() => assessUplift({ predictions: [1], treated: [2], outcomes: [0] })).toThrow(
      'row 0 is of arm 2: 1 for treated or 0 for control is expected',
    );
    expect(() => assessUplift({ predictions: [1], treated: [1], outcomes: [Number.NaN] })).toThrow(
      'finite numbers are expected',
    );
  });
});
