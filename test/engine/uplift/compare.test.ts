import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { chiSquareTail, normalTails, reach, studentTails } from '../../../lib/engine/uplift/distributions.ts';
import {
  compareMeans,
  compareProportions,
  cuped,
  sampleRatio,
  UpliftError,
} from '../../../lib/engine/uplift/index.ts';

/*
 * Values from SciPy 1.17.1 (NumPy 2.4.6), unless another source is named: tails and quantiles by stats.norm, t and chi2;
 * means by stats.ttest_ind(equal_var=False) and its confidence_interval; p-values of shares by
 * stats.contingency.chi2_contingency(correction=False), their ratio by stats.contingency.relative_risk; CUPED by
 * numpy.linalg.lstsq of deviations from the group means, then ttest_ind of what is left; sizes of groups by stats.chisquare.
 */

const TREATED = [0, 0, 3.5, 12, 0, 7.25, 1, 0, 0, 22, 4, 0.5];
const CONTROL = [0, 1, 0, 2.5, 0, 6, 0, 0, 3];

/** Relative, in digits. */
const near = (value: number, expected: number, digits = 10) =>
  expect(Math.abs(value / expected - 1)).toBeLessThan(10 ** -digits);

describe('distributions', () => {
  it('tails agree with SciPy far out, too', () => {
    near(normalTails(0.1), 0.920344325445942);
    near(normalTails(-1.96), 0.04999579029644087);
    near(normalTails(12), 3.552964224155306e-33);
    near(studentTails(0.5, 1), 0.7048327646991335);
    near(studentTails(2.1, 7.3), 0.0722467134248534);
    near(studentTails(-3, 120.7), 0.0032803412326189436);
    near(studentTails(6, 5000.5), 2.1120819824347835e-9);
    near(chiSquareTail(0.3, 1), 0.583882420770365);
    near(chiSquareTail(7.2, 3), 0.06578905268507099);
    near(chiSquareTail(60, 2), 9.357622968840163e-14);
    expect([normalTails(0), studentTails(0, 5), chiSquareTail(0, 2)]).toEqual([1, 1, 1]);
  });

  it('reach is the quantile of both sides', () => {
    near(reach(0.95), 1.959963984540054);
    near(reach(0.95, 1), 12.706204736174694);
    near(reach(0.95, 7.3), 2.345066736547703);
    near(reach(0.99, 300.25), 2.592302600612561);
  });
});

describe('shares', () => {
  // Newcombe 1998, table II, method 10: contrasts (a), (g) and (d).
  it.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [5, 56, 0, 29, -0.0381, 0.1926],
  ])('%i of %i against %i of %i: the interval of the paper', (done, users, doneC, usersC, low, high) => {
    const { difference } = compareProportions({ users, done }, { users: usersC, done: doneC });
    expect(difference.value).toBeCloseTo(done / users - doneC / usersC, 12);
    expect(difference.low).toBeCloseTo(low, 4);
    expect(difference.high).toBeCloseTo(high, 4);
  });

  it('p-value and ratio are those of SciPy', () => {
    const { pValue, ratio, treated, control } = compareProportions(
      { users: 70, done: 56 },
      { users: 80, done: 48 },
    );
    near(pValue, 0.008045081368196585);
    near(ratio!.value, 1.3333333333333335);
    near(ratio!.low, 1.076626422763193);
    near(ratio!.high, 1.651248511266387);
    expect([treated, control]).toEqual([0.8, 0.6]);
    near(compareProportions({ users: 56, done: 5 }, { users: 29, done: 0 }).pValue, 0.09718656817057987);
  });

  it('where nobody did it there is no ratio and no difference', () => {
    const { ratio, pValue, difference } = compareProportions({ users: 40, done: 0 }, { users: 50, done: 0 });
    expect([ratio, pValue, difference.value]).toEqual([null, 1, 0]);
    expect(difference.low).toBeLessThan(0);
    expect(difference.high).toBeGreaterThan(0);
  });

  it('counts that are none are refused', () => {
    expect(() => compareProportions({ users: 0, done: 0 }, { users: 5, done: 1 })).toThrow(UpliftError);
    expect(() => compareProportions({ users: 5, done: 6 }, { users: 5, done: 1 })).toThrow('6 of 5 users');
  });
});

describe('means', () => {
  it("Welch's test, interval and ratio are those of SciPy", () => {
    const { pValue, degreesOfFreedom, difference, ratio } = compareMeans(TREATED, CONTROL);
    near(pValue, 0.19754934729371518);
    near(degreesOfFreedom, 13.688214634202657);
    near(difference.low, -1.6427175041525452);
    near(difference.high, 7.239939726374768);
    near(ratio!.value, 3.015);
    near(ratio!.low, 0.6939705424364261);
    near(ratio!.high, 13.09886291150859);
  });

  it('the skewness of the difference vanishes between equal groups', () => {
    // stats.skew(TREATED) is 1.7702197825953403; of a mean it is that over √rows, next to a control that is nearly constant
    const biased = 1.7702197825953403 / Math.sqrt(12);
    const constant = [1, 1, 1 + 1e-9];
    near(compareMeans(TREATED, constant).skewness, biased * (11 / 12) ** 1.5, 6);
    expect(compareMeans(TREATED, TREATED).skewness).toBe(0);
    expect(compareMeans(TREATED, CONTROL).skewness).toBeGreaterThan(0);
    expect(compareMeans(CONTROL, TREATED).skewness).toBeLessThan(0);
  });

  it('equal constants do not differ; too few rows, and what is no number, are refused', () => {
    expect(compareMeans([2, 2], [2, 2, 2]).pValue).toBe(1);
    expect(() => compareMeans([1], CONTROL)).toThrow('the treated group has 1 rows; at least two');
    expect(() => compareMeans(TREATED, [1, Number.NaN])).toThrow('value 1 of the control group is NaN');
  });
});

describe('CUPED', () => {
  const treated = {
    outcome: TREATED,
    covariates: [
      [1, 0, 3, 5, 0, 7, 2, 0, 1, 9, 4, 1],
      [0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0],
    ],
  };
  const control = {
    outcome: CONTROL,
    covariates: [
      [0, 2, 0, 2, 1, 5, 0, 0, 3],
      [0, 1, 0, 1, 0, 1, 0, 1, 1],
    ],
  };

  it('takes off what least squares says', () => {
    const {
      theta,
      difference,
      pValue,
      degreesOfFreedom,
      varianceReduction,
      treated: mean,
    } = cuped(treated, control);
    near(theta[0]!, 2.07835014, 8);
    near(theta[1]!, -1.20226945, 8);
    near(difference.value, -0.08177233, 6);
    near(difference.low, -2.0519413108617486);
    near(difference.high, 1.8883966422738472);
    near(pValue, 0.9312627528498073);
    near(degreesOfFreedom, 17.08034273310483);
    near(varianceReduction, 0.7956242667635505);
    near(mean, 2.9530499519692595);
  });

  it('covariates that say nothing more change nothing', () => {
    const more = ({ outcome, covariates }: typeof treated) => ({
      outcome,
      covariates: [...covariates, outcome.map(() => 1), covariates[0]!.map((value) => 3 * value - 1)],
    });
    const { theta, ...rest } = cuped(more(treated), more(control));
    const { theta: before, ...expected } = cuped(treated, control);
    expect(theta).toEqual([...before, 0, 0]);
    expect(rest).toEqual(expected);
  });

  it('covers the true effect as often as it says, in less width', () => {
    // given users whose later spending follows from their earlier one, and a treatment that adds 2
    const rng = createRng('cuped');
    const normal = () => Math.sqrt(-2 * Math.log(1 - rng.uniform())) * Math.cos(2 * Math.PI * rng.uniform());
    const group = (users: number, effect: number) => {
      const before = Array.from({ length: users }, () => 10 * normal());
      return { outcome: before.map((x) => x + 5 * normal() + effect), covariates: [before] };
    };
    let [covered, reduction] = [0, 0];
    const trials = 400;
    for (let i = 0; i < trials; i++) {
      const { difference, varianceReduction } = cuped(group(60, 2), group(90, 0));
      if (difference.low <= 2 && 2 <= difference.high) covered += 1;
      reduction += varianceReduction / trials;
    }
    // then: 95 % of 400 with five standard errors on each side; 1 - 25 / 125 of the variance is the past's
    expect(covered / trials).toBeGreaterThan(0.95 - 5 * Math.sqrt((0.95 * 0.05) / trials));
    expect(reduction).toBeCloseTo(0.8, 1);
  });

  it('covariates that do not fit are refused', () => {
    expect(() => cuped(treated, { outcome: CONTROL, covariates: [] })).toThrow('2 and 0 covariates');
    expect(() =>
      cuped({ outcome: TREATED, covariates: [[1]] }, { outcome: CONTROL, covariates: [[1]] }),
    ).toThrow('a covariate has 1 rows where the outcome has 12');
  });
});

describe('sizes of groups', () => {
  it('agree with SciPy', () => {
    const two = sampleRatio([5120, 4880], [50, 50]);
    near(two.chiSquare, 5.76);
    near(two.pValue, 0.01639507184919225);
    const three = sampleRatio([310, 980, 1010], [0.1, 0.45, 0.45]);
    near(three.chiSquare, 31.352657004830917);
    near(three.pValue, 1.5554535086466442e-7);
    expect(three.expected[0]).toBeCloseTo(230, 10);
  });

  it('shares that do not fit the groups are refused', () => {
    expect(() => sampleRatio([5, 5], [1])).toThrow(UpliftError);
    expect(() => sampleRatio([5, 5], [1, 0])).toThrow('a positive share');
  });
});
