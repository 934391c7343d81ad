import { describe, expect, it } from 'vitest';
import { softplus } from '../../../lib/engine/host/index.ts';
import { chooseL2, fitLogistic, LinearError, linearLogits } from '../../../lib/engine/linear/index.ts';
import { sample } from './support.ts';

const inTurn = (rows: number, folds: number) => Array.from({ length: rows }, (_, row) => row % folds);

describe('the choice of a penalty', () => {
  it('measures every candidate on rows that its fits have not seen', () => {
    // given
    const table = sample(120, 4, 6);
    const folds = inTurn(120, 3);
    const weights = Array.from({ length: 120 }, (_, row) => 1 + (row % 2));
    // when
    const { losses } = chooseL2({ ...table, weights, folds, candidates: [0.01, 1], tolerance: 1e-9 });
    // then the same, without warm starts
    const expected = [1, 0.01].map((l2) => {
      let [sum, total] = [0, 0];
      for (const fold of [0, 1, 2]) {
        const seen = weights.map((weight, row) => (folds[row] === fold ? 0 : weight));
        const fit = fitLogistic({ ...table, weights: seen, l2, tolerance: 1e-9 });
        linearLogits(fit, table.values).forEach((z, row) => {
          if (folds[row] !== fold) return;
          sum += weights[row]! * (softplus(z) - table.labels[row]! * z);
          total += weights[row]!;
        });
      }
      return sum / total;
    });
    expect(losses.map(({ l2 }) => l2)).toEqual([1, 0.01]);
    losses.forEach(({ loss }, i) => void expect(loss).toBeCloseTo(expected[i]!, 8));
  });

  it('takes the strongest within one standard error of the best', () => {
    // given few rows, so that the best is not clear
    const table = sample(300, 10, 1);
    // when
    const { l2, losses } = chooseL2({ ...table, folds: inTurn(300, 5) });
    // then
    const best = losses.reduce((least, each) => (each.loss < least.loss ? each : least));
    expect(best.error).toBe(0);
    expect(l2).toBeGreaterThanOrEqual(best.l2);
    expect(l2).toBe(losses.find(({ loss, error }) => loss <= best.loss + error)!.l2);
    // and it is neither end of the list
    expect(losses.map((each) => each.l2).slice(1, -1)).toContain(l2);
  });

  it('is weaker the more rows there are', () => {
    const [few, many] = [150, 6000].map(
      (rows) => chooseL2({ ...sample(rows, 8, 2), folds: inTurn(rows, 5) }).l2,
    );
    expect(many).toBeLessThan(few!);
  });

  it('says what is wrong with what it is given', () => {
    const table = sample(12, 2, 4);
    const labels = Array.from({ length: 12 }, (_, row) => Number(row < 3));
    const wrong = (change: object) => () => chooseL2({ ...table, folds: inTurn(12, 3), ...change });
    expect(wrong({ folds: [1] })).toThrow(LinearError);
    expect(wrong({ folds: Array(12).fill(7) })).toThrow(/all rows are of fold 7; at least two/);
    expect(wrong({ folds: Array(12).fill(0.5) })).toThrow(/row 0 has fold 0.5/);
    expect(wrong({ labels, folds: inTurn(12, 3).map((fold, row) => (row < 3 ? 0 : fold)) })).toThrow(
      /without fold 0 no row with label 1 is left/,
    );
    expect(wrong({ weights: inTurn(12, 3) })).toThrow(/all rows of fold 0 have weight 0/);
    expect(wrong({ candidates: [] })).toThrow(/no candidates/);
    expect(wrong({ candidates: [1, -1] })).toThrow(/a candidate is -1/);
    expect(wrong({ candidates: [1, 1] })).toThrow(/candidate 1 is named twice/);
  });
});
