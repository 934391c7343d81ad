import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CDNOW_IN_DAYS, CustomerBaseError, fitBgNbd } from '../../../lib/engine/customer-base/index.ts';
import { MeanLikelihood } from '../../../lib/engine/customer-base/likelihood.ts';
import { simulate } from './support.ts';

const recorded = JSON.parse(readFileSync(new URL('./fixtures/bg-nbd.json', import.meta.url), 'utf8'));
const { frequency, recency, age } = recorded;

describe('BG/NBD by maximum likelihood', () => {
  it('has the likelihood that mpmath has at 50 digits', () => {
    const likelihood = new MeanLikelihood({ frequency, recency, age });
    for (const { parameters, value } of recorded.likelihoods) {
      const ours = likelihood.evaluate(Float64Array.from(parameters, Math.log), new Float64Array(4));
      expect(ours * likelihood.customers).toBeCloseTo(value, 9);
    }
  });

  it('has the gradient of finite differences', () => {
    // given
    const likelihood = new MeanLikelihood({ frequency, recency, age, weights: age });
    const point = Float64Array.of(-0.8, 1.4, 0.3, 0.9);
    // when
    const gradient = new Float64Array(4);
    likelihood.evaluate(point, gradient);
    // then
    gradient.forEach((slope, j) => {
      const at = (by: number) =>
        likelihood.evaluate(
          point.map((each, k) => (k === j ? each + by : each)),
          new Float64Array(4),
        );
      expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 8);
    });
  });

  it('finds what a search without derivatives finds', () => {
    const fit = fitBgNbd({ frequency, recency, age });
    const [r, alpha, a, b] = recorded.fit.parameters;
    expect(fit.converged).toBe(true);
    expect(fit.logLikelihood).toBeCloseTo(recorded.fit.value, 8);
    Object.entries({ r, alpha, a, b }).forEach(([name, value]) => {
      expect(fit[name as 'r'] / value).toBeCloseTo(1, 4);
    });
  });

  it('finds the parameters that customers were made with', () => {
    // given 20,000 of them: standard errors of the logarithms are about 0.02, and 0.06 of a and b
    const truth = { r: 0.5, alpha: 6, a: 0.8, b: 2.5 };
    const histories = simulate(20_000, truth, 0, 12);
    // when
    const fit = fitBgNbd(histories);
    // then
    expect(fit.converged).toBe(true);
    expect(Math.abs(Math.log(fit.r / truth.r))).toBeLessThan(0.06);
    expect(Math.abs(Math.log(fit.alpha / truth.alpha))).toBeLessThan(0.08);
    expect(Math.abs(Math.log(fit.a / truth.a))).toBeLessThan(0.2);
    expect(Math.abs(Math.log(fit.b / truth.b))).toBeLessThan(0.2);
  });

  it('does not depend on the unit of time, nor on how customers are counted', () => {
    // given the same customers in seconds, the first ten twice
    const seconds = (times: number[]) => times.map((time) => time * 604_800);
    const twice = <T>(all: T[]) => [...all, ...all.slice(0, 10)];
    const weights = frequency.map((_: number, i: number) => (i < 10 ? 2 : 1));
    // when
    const weighted = fitBgNbd({ frequency, recency, age, weights });
    const repeated = fitBgNbd({
      frequency: twice<number>(frequency),
      recency: twice(seconds(recency)),
      age: twice(seconds(age)),
    });
    // then
    expect(repeated.alpha / 604_800 / weighted.alpha).toBeCloseTo(1, 4);
    for (const name of ['r', 'a', 'b'] as const) expect(repeated[name] / weighted[name]).toBeCloseTo(1, 4);
  });

  it('stays finite where nobody leaves, or all but leave at once, and for very many transactions', () => {
    // given customers who buy until the end, customers who come back once, and one who buys all the time
    const count = 200;
    const xs = Array.from({ length: count }, (_, i) => 1 + (i % 9));
    const last = xs.map((x, i) => 40 - (40 / x) * 0.1 * (i % 3));
    const bases = [
      { frequency: xs, recency: last, age: Array(count).fill(40) },
      {
        frequency: xs.map((x) => Number(x > 4)),
        recency: xs.map((x) => (x > 4 ? x : 0)),
        age: Array(count).fill(4000),
      },
      { frequency: [...xs, 200_000], recency: [...last, 40], age: Array(count + 1).fill(40) },
    ];
    for (const histories of bases) {
      // when
      const fit = fitBgNbd(histories);
      // then
      for (const value of [fit.r, fit.alpha, fit.a, fit.b]) expect(value > 0 && value < 1e12).toBe(true);
      expect(Number.isFinite(fit.logLikelihood)).toBe(true);
      expect(fit.converged).toBe(true);
    }
  });

  it('says what is wrong with what it is given', () => {
    const good = { frequency: [1, 0], recency: [2, 0], age: [3, 3] };
    const wrong = (change: object) => () => fitBgNbd({ ...good, ...change });
    expect(wrong({ frequency: [1] })).toThrow(CustomerBaseError);
    expect(wrong({ frequency: [1] })).toThrow(/given are 1, 2, 2, 2/);
    expect(wrong({ frequency: [0.5, 0] })).toThrow(/customer 0 has frequency 0.5; a whole number/);
    expect(wrong({ recency: [4, 0] })).toThrow(/customer 0 has recency 4 and age 3/);
    expect(wrong({ recency: [2, 1] })).toThrow(/customer 1 has recency 1 and no repeat transaction/);
    expect(wrong({ age: [Number.NaN, 3] })).toThrow(/age NaN/);
    expect(wrong({ weights: [-1, 1] })).toThrow(/customer 0 has weight -1/);
    expect(wrong({ weights: [0, 1] })).toThrow(/0 repeat transactions in 3 of time/);
  });
});

describe('BG/NBD drawn to what is believed beforehand', () => {
  const prior = { around: CDNOW_IN_DAYS, deviation: 1 };
  const names = ['r', 'alpha', 'a', 'b'] as const;

  it('finds the posterior mode that a search without derivatives finds', () => {
    // given: 25 customers, recorded with scipy 1.17 (Nelder and Mead on the logarithms)
    const { frequency, recency, age } = simulate(25, { r: 0.5, alpha: 6, a: 0.8, b: 2.5 }, 0, 12);
    const around = { r: 0.4, alpha: 8, a: 1, b: 2 };
    // when
    const fit = fitBgNbd({ frequency, recency, age }, { around, deviation: 0.7 });
    // then
    expect(fit.converged).toBe(true);
    [0.47915724, 5.81162112, 0.78911034, 2.27620877].forEach((value, j) => {
      expect(fit[names[j]!] / value).toBeCloseTo(1, 4);
    });
  });

  it('is what was believed where next to nothing is seen, also where nobody came back', () => {
    const fit = fitBgNbd({ frequency: [0], recency: [0], age: [1] }, prior);
    for (const name of names) expect(Math.abs(Math.log(fit[name] / CDNOW_IN_DAYS[name]))).toBeLessThan(0.05);
    expect(() => fitBgNbd({ frequency: [0], recency: [0], age: [1] })).toThrow(CustomerBaseError);
  });

  it('gives way to many customers', () => {
    const truth = { r: 0.5, alpha: 6, a: 0.8, b: 2.5 };
    const histories = simulate(5000, truth, 0, 12);
    const [free, drawn] = [fitBgNbd(histories), fitBgNbd(histories, prior)];
    for (const name of names) expect(Math.abs(Math.log(drawn[name] / free[name]))).toBeLessThan(0.05);
    expect(drawn.logLikelihood).toBeLessThanOrEqual(free.logLikelihood);
  });
});
