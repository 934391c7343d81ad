import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { blendLogits, CalibrationError, fitBlend, logLoss } from '../../../lib/engine/metrics/index.ts';

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** Rows with a known logit, candidates that see it with noise of their own. */
function sample(rows: number, noises: readonly number[], seed = 5) {
  const rng = createRng(seed);
  const truth = Float64Array.from({ length: rows }, () => 1.5 * rng.normal());
  const labels = Array.from(truth, (z) => Number(rng.uniform() < sigmoid(z)));
  const logits = noises.map((noise) => Array.from(truth, (z) => z + noise * rng.normal()));
  return { labels, logits };
}

const lossOf = (labels: number[], logits: number[][], weights: number[]) =>
  logLoss(labels, Array.from(blendLogits(logits, weights), sigmoid));

describe('a blend of logits', () => {
  it('is no worse than the best candidate, and better where their errors differ', () => {
    // given
    const { labels, logits } = sample(4000, [0.8, 0.9]);
    // when
    const weights = fitBlend(logits, labels, { penalty: 0.001 });
    // then
    const alone = [lossOf(labels, logits, [1, 0]), lossOf(labels, logits, [0, 1])];
    expect(lossOf(labels, logits, weights)).toBeLessThan(Math.min(...alone) - 0.005);
  });

  it('holds weights at zero or above, and leaves out what says nothing', () => {
    // given: the second candidate says the opposite of what is true
    const { labels, logits } = sample(3000, [0.3, 1]);
    const opposite = logits[1]!.map((z) => -z);
    // when
    const [own, other] = fitBlend([logits[0]!, opposite], labels, { penalty: 1e-6 });
    // then
    expect(other).toBe(0);
    expect(own).toBeGreaterThan(0.7);
  });

  it('is where the objective has no slope, or presses a weight to zero', () => {
    // given
    const { labels, logits } = sample(1500, [0.5, 1, 2, 4]);
    const penalty = 0.01;
    // when
    const weights = fitBlend(logits, labels, { penalty });
    // then: by finite differences
    const objective = (w: number[]) =>
      lossOf(labels, logits, w) + penalty * w.reduce((sum, one) => sum + (one - 1 / w.length) ** 2, 0);
    weights.forEach((weight, k) => {
      const moved = (by: number) => objective(weights.map((one, j) => (j === k ? one + by : one)));
      const slope = (moved(1e-4) - moved(-1e-4)) / 2e-4;
      if (weight > 0) expect(Math.abs(slope)).toBeLessThan(1e-6);
      else expect(slope).toBeGreaterThan(-1e-6);
    });
  });

  it('goes to the plain mean as the penalty grows, and does not depend on the order of candidates', () => {
    const { labels, logits } = sample(800, [0.5, 1.5, 1]);
    for (const weight of fitBlend(logits, labels, { penalty: 1e4 })) expect(weight).toBeCloseTo(1 / 3, 4);
    const forwards = fitBlend(logits, labels);
    const backwards = fitBlend(logits.toReversed(), labels).reverse();
    forwards.forEach((weight, k) => void expect(weight).toBeCloseTo(backwards[k]!, 6));
  });

  it('says what is wrong with its rows', () => {
    expect(() => fitBlend([], [1])).toThrow(CalibrationError);
    expect(() => fitBlend([[1, 2]], [1])).toThrow(/candidate 0 has 2 logits, expected one for each of 1/);
    expect(() => fitBlend([[Number.NaN]], [1])).toThrow(/row 0 of candidate 0 has logit NaN/);
  });
});
