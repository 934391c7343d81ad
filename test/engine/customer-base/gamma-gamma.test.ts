import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MeanSpendLikelihood } from '../../../lib/engine/customer-base/gamma-gamma-likelihood.ts';
import { CustomerBaseError, expectedSpend, fitGammaGamma } from '../../../lib/engine/customer-base/index.ts';
import { createRng, digamma, logGamma, logGammaRatio } from '../../../lib/engine/host/index.ts';
import { gamma } from './support.ts';

const { spend: recorded, special } = JSON.parse(
  readFileSync(new URL('./fixtures/value.json', import.meta.url), 'utf8'),
);
const { frequency, mean } = recorded;
/** Fader & Hardie 2013, of the 946 CDNOW customers who bought again. */
const CDNOW = { p: 6.25, q: 3.74, gamma: 15.44 };

/** Customers of the model, with 1 to 8 transactions each. */
function spends(customers: number, { p, q, gamma: scale }: typeof CDNOW, seed: number) {
  const rng = createRng(seed);
  const xs = Array.from({ length: customers }, () => 1 + rng.integer(8));
  const rates = xs.map(() => gamma(rng, q) / scale);
  return {
    frequency: xs,
    mean: xs.map((x, i) => gamma(rng, p * x) / (x * rates[i]!)),
    expected: rates.map((rate) => p / rate),
  };
}

describe('Gamma-Gamma by maximum likelihood', () => {
  it('has the likelihood that mpmath has at 50 digits', () => {
    const likelihood = new MeanSpendLikelihood({ frequency, mean });
    const { unit, customers } = likelihood;
    for (const { parameters, value } of recorded.likelihoods) {
      const [p, q, scale] = parameters;
      const point = Float64Array.of(Math.log(p), Math.log(q), Math.log(scale / unit));
      const ours = likelihood.evaluate(point, new Float64Array(3)) - Math.log(unit);
      expect((ours * customers) / value).toBeCloseTo(1, 12);
    }
  });

  it.each([
    [0.4, 0.9, -0.3],
    [3, 0.1, 2],
  ])('has the gradient of finite differences at %d, %d, %d', (...given) => {
    // given
    const likelihood = new MeanSpendLikelihood({ frequency, mean, weights: mean });
    const point = Float64Array.from(given);
    // when
    const gradient = new Float64Array(3);
    likelihood.evaluate(point, gradient);
    // then
    gradient.forEach((slope, j) => {
      const at = (by: number) =>
        likelihood.evaluate(
          point.map((each, k) => (k === j ? each + by : each)),
          new Float64Array(3),
        );
      expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 7);
    });
  });

  it('finds what a search without derivatives finds', () => {
    const fit = fitGammaGamma({ frequency, mean });
    const [p, q, scale] = recorded.fit.parameters;
    expect(fit.converged).toBe(true);
    expect(fit.logLikelihood).toBeCloseTo(recorded.fit.value, 8);
    expect([fit.p / p, fit.q / q, fit.gamma / scale].map((ratio) => Math.abs(ratio - 1) < 1e-4)).toEqual([
      ...[true, true, true],
    ]);
  });

  it('finds the parameters that customers were made with, and what they spend in the mean', () => {
    // given
    const truth = { p: 2, q: 3.5, gamma: 50 };
    const made = spends(20_000, truth, 5);
    // when
    const fit = fitGammaGamma(made);
    // then
    expect(fit.converged).toBe(true);
    expect(Math.abs(Math.log(fit.p / truth.p))).toBeLessThan(0.1);
    expect(Math.abs(Math.log(fit.q / truth.q))).toBeLessThan(0.1);
    expect(Math.abs(Math.log(fit.gamma / truth.gamma))).toBeLessThan(0.15);
    // and expectations are right for customers with low and with high means alike
    const rows = made.frequency
      .map((x, i) => ({ ours: expectedSpend(fit, x, made.mean[i]!), theirs: made.expected[i]! }))
      .sort((a, b) => a.ours - b.ours);
    for (let tenth = 0; tenth < 10; tenth++) {
      const own = rows.slice(tenth * 2000, (tenth + 1) * 2000);
      const total = (name: 'ours' | 'theirs') => own.reduce((sum, row) => sum + row[name], 0);
      expect(total('ours') / total('theirs')).toBeCloseTo(1, 1);
    }
  });

  it('does not depend on the currency, nor on how customers are counted, nor on those without a transaction', () => {
    // given the same in cents, the first ten twice, and customers of whom nothing is known
    const twice = <T>(all: T[]) => [...all, ...all.slice(0, 10)];
    const weights = frequency.map((_: number, i: number) => (i < 10 ? 2 : 1));
    // when
    const weighted = fitGammaGamma({ frequency, mean, weights });
    const repeated = fitGammaGamma({
      frequency: [...twice<number>(frequency), 0, 0],
      mean: [...twice<number>(mean).map((money) => 100 * money), 0, Number.NaN],
    });
    // then
    expect(repeated.gamma / 100 / weighted.gamma).toBeCloseTo(1, 4);
    for (const name of ['p', 'q'] as const) expect(repeated[name] / weighted[name]).toBeCloseTo(1, 4);
  });

  it('stays finite where all spend the same, and where spends go over nine orders of magnitude', () => {
    const count = 60;
    const xs = Array.from({ length: count }, (_, i) => 1 + (i % 4));
    for (const own of [xs.map(() => 20), xs.map((_, i) => 10 ** ((i % 10) - 4))]) {
      const fit = fitGammaGamma({ frequency: xs, mean: own });
      for (const value of [fit.p, fit.q, fit.gamma]) expect(value > 0 && value < 1e14).toBe(true);
      expect(expectedSpend(fit, 0, 0)).toBeLessThan(Number.POSITIVE_INFINITY);
    }
  });

  it('says what is wrong with what it is given', () => {
    const good = { frequency: [1, 2], mean: [5, 6] };
    const wrong = (change: object) => () => fitGammaGamma({ ...good, ...change });
    expect(wrong({ mean: [5] })).toThrow(CustomerBaseError);
    expect(wrong({ mean: [5] })).toThrow(/given are 2, 1, 1/);
    expect(wrong({ frequency: [1, 1.5] })).toThrow(/customer 1 has frequency 1.5; a whole number/);
    expect(wrong({ mean: [0, 6] })).toThrow(/customer 0 has a mean spend of 0; a finite number above 0/);
    expect(wrong({ mean: [5, -6] })).toThrow(/take returns off the transaction/);
    expect(wrong({ weights: [1, -1] })).toThrow(/customer 1 has weight -1/);
    expect(wrong({ frequency: [0, 0] })).toThrow(/none of 2 customers has a transaction/);
  });
});

describe('the spend to expect', () => {
  it('is that of the spreadsheet of Fader and Hardie, whose parameters have more digits', () => {
    // customers 1, 2, 3, 6 and 9 of CDNOW
    const customers = [
      [2, 22.35, 24.65],
      [1, 11.77, 18.91],
      [0, 0, 35.17],
      [7, 73.74, 71.46],
      [2, 25.55, 27.28],
    ] as const;
    for (const [x, own, theirs] of customers) {
      expect(Math.abs(expectedSpend(CDNOW, x, own) - theirs)).toBeLessThan(0.06);
    }
  });

  it('lies between that of all and the customer, the nearer to the customer the more is known', () => {
    const all = expectedSpend(CDNOW, 0, 0);
    const [one, ten, many] = [1, 10, 1e6].map((x) => expectedSpend(CDNOW, x, 100));
    expect(all).toBeCloseTo((6.25 * 15.44) / 2.74, 12);
    expect(all < one! && one! < ten! && ten! < many!).toBe(true);
    expect(many).toBeCloseTo(100, 3);
  });

  it('is Infinity where the model has no mean, and an error for what is none', () => {
    expect(expectedSpend({ ...CDNOW, q: 1 }, 0, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(() => expectedSpend({ ...CDNOW, q: 0 }, 0, 0)).toThrow(/the parameter q is 0/);
    expect(() => expectedSpend(CDNOW, 1, 0)).toThrow(/the customer has a mean spend of 0/);
  });
});

describe('the gamma function', () => {
  it('has the values of mpmath', () => {
    for (const { x, by, logGamma: log, digamma: slope, ratio } of special) {
      const close = (ours: number, theirs: number) =>
        expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(4e-15 * Math.max(10, Math.abs(theirs)));
      close(logGamma(x), log);
      close(digamma(x), slope);
      close(logGammaRatio(x, by), ratio);
    }
  });
});
