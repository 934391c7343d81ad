import { describe, expect, it } from 'vitest';
import { noiseFor, privacySpent, renyiDivergence } from '../../../lib/engine/robust/accountant.ts';
import { logErfc } from '../../../lib/engine/robust/log-math.ts';

/** Epochs of batches of 256 from the 60,000 images of MNIST, the setting of the published tables. */
const mnist = (noiseMultiplier: number, epochs: number) => ({
  samplingRate: 256 / 60_000,
  noiseMultiplier,
  steps: Math.floor((epochs * 60_000) / 256),
});

describe('the accountant of DP-SGD', () => {
  it.each([
    // the table of TensorFlow Privacy's MNIST tutorial, delta 1e-5
    { noise: 1.3, epochs: 15, epsilon: 1.19 },
    { noise: 1.1, epochs: 60, epsilon: 3.01 },
    { noise: 0.7, epochs: 45, epsilon: 7.1 },
  ])(
    'gives the published epsilon $epsilon at noise $noise over $epochs epochs',
    ({ noise, epochs, epsilon }) => {
      // given
      const training = mnist(noise, epochs);
      // when
      const spent = privacySpent([training], 1e-5, { conversion: 'classic' });
      // then
      expect(spent.epsilon).toBeCloseTo(epsilon, 2);
    },
  );

  it('gives the epsilon of the moments accountant’s own example', () => {
    // given: Abadi et al. 2016, section 3.2: q = 0.01, sigma = 4, 10,000 steps: 1.26
    const phase = { samplingRate: 0.01, noiseMultiplier: 4, steps: 10_000 };
    // when
    const { epsilon } = privacySpent([phase], 1e-5, { conversion: 'classic' });
    // then
    expect(epsilon).toBeCloseTo(1.26, 2);
  });

  it('has the closed form of the Gaussian mechanism where every example is in every batch', () => {
    expect(renyiDivergence(1, 2, 6.5)).toBeCloseTo(6.5 / 8, 12);
  });

  it.each([2, 5, 11, 32])('agrees at order %i with its series for orders beside it', (order) => {
    // given: whole orders and others are summed in different ways
    const whole = renyiDivergence(0.01, 1.1, order);
    // when
    const around = [renyiDivergence(0.01, 1.1, order - 1e-6), renyiDivergence(0.01, 1.1, order + 1e-6)];
    // then
    expect((around[0]! + around[1]!) / 2 / whole).toBeCloseTo(1, 5);
  });

  it.each([
    // E[((1 - q) + q exp((2z - 1) / 2σ²))^α] over z ~ N(0, σ²), integrated numerically with numpy
    { rate: 0.5, noise: 1, order: 1.1, expected: 0.15613047568549407 },
    { rate: 0.5, noise: 1, order: 1.5, expected: 0.23515803448253125 },
    { rate: 0.3, noise: 0.3, order: 2.5, expected: 11.882267778766797 },
    { rate: 0.01, noise: 0.3, order: 4.7, expected: 20.26130033431543 },
    { rate: 0.99, noise: 5, order: 10.9, expected: 0.21440403710767475 },
  ])('is the integral of its definition: $rate, $noise, $order', ({ rate, noise, order, expected }) => {
    expect(renyiDivergence(rate, noise, order) / expected).toBeCloseTo(1, 9);
  });

  it('counts phases one after another, and never more by the newer conversion', () => {
    // given
    const half = { ...mnist(1.1, 30) };
    // when
    const twice = privacySpent([half, half], 1e-5);
    const classic = privacySpent([half, half], 1e-5, { conversion: 'classic' });
    // then
    expect(twice.epsilon).toBeCloseTo(privacySpent([{ ...half, steps: 2 * half.steps }], 1e-5).epsilon, 10);
    expect(twice.epsilon).toBeLessThan(classic.epsilon);
  });

  it('finds the noise for a budget', () => {
    // given
    const { samplingRate, steps } = mnist(1, 15);
    // when
    const noiseMultiplier = noiseFor({ samplingRate, steps }, 2, 1e-5);
    // then
    const at = (noise: number) =>
      privacySpent([{ samplingRate, steps, noiseMultiplier: noise }], 1e-5).epsilon;
    expect(at(noiseMultiplier)).toBeLessThanOrEqual(2);
    expect(at(noiseMultiplier * 0.995)).toBeGreaterThan(2);
  });

  it('spends nothing without steps, and everything without noise', () => {
    expect(privacySpent([mnist(0, 1)], 1e-5).epsilon).toBe(Number.POSITIVE_INFINITY);
    expect(privacySpent([{ ...mnist(1, 1), steps: 0 }], 1e-5).epsilon).toBe(0);
    expect(privacySpent([{ ...mnist(0, 1), steps: 0 }], 1e-5).epsilon).toBe(0);
  });

  it.each([
    { change: { samplingRate: 1.2 }, says: /sampling rate/ },
    { change: { noiseMultiplier: -1 }, says: /noise multiplier/ },
    { change: { steps: 1.5 }, says: /steps/ },
  ])('refuses $change', ({ change, says }) => {
    expect(() => privacySpent([{ ...mnist(1, 1), ...change }], 1e-5)).toThrow(says);
  });
});

it.each([0, -1, Number.NaN])('no noise is found for a budget of %d', (epsilon) => {
  expect(() => noiseFor({ samplingRate: 0.01, steps: 10 }, epsilon, 1e-5)).toThrow(/above 0/);
});

describe('the logarithm of erfc', () => {
  it.each([
    // Abramowitz & Stegun, table 7.1 and 7.3
    [0, 1],
    [0.5, 0.4795001221869535],
    [-1, 1.8427007929497148],
    [2, 0.004677734981047266],
    [5, 1.5374597944280347e-12],
    [10, 2.088487583762545e-45],
  ])('of %d', (x, expected) => {
    expect(Math.exp(logErfc(x)) / expected).toBeCloseTo(1, 12);
  });

  it('goes on where erfc is below the smallest normal number, and below all', () => {
    // scipy.special.log_ndtr(-x √2) + log 2
    expect(logErfc(27)).toBeCloseTo(-732.8688865078977, 9);
    expect(logErfc(1000)).toBeCloseTo(-1000007.4801207221, 6);
  });
});
