import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { auroc, MetricError, pairedBootstrap } from '../../../lib/engine/metrics/index.ts';

describe('paired bootstrap', () => {
  const n = 400;
  const draw = createRng(9);
  const labels = Uint8Array.from({ length: n }, () => draw.integer(2));
  const noise = draw.normals(n);
  const good = Float32Array.from(labels, (y, i) => y * 2 + noise[i]!);
  const worse = Float32Array.from(labels, (y, i) => y * 0.5 + noise[i]!);
  const metric = (scores: Float32Array) => (users: Int32Array) =>
    auroc(
      Uint8Array.from(users, (user) => labels[user]!),
      Float32Array.from(users, (user) => scores[user]!),
    );

  it('tells a better model from an equal one', () => {
    // when
    const better = pairedBootstrap({
      n,
      metricA: metric(good),
      metricB: metric(worse),
      samples: 200,
      rng: createRng(1),
    });
    const equal = pairedBootstrap({
      n,
      metricA: metric(good),
      metricB: metric(good),
      samples: 50,
      rng: createRng(1),
    });
    // then
    expect(better.low).toBeGreaterThan(0);
    expect(better.low).toBeLessThan(better.difference);
    expect(better.high).toBeGreaterThan(better.difference);
    expect(better.shareAbove).toBe(1);
    expect(equal).toEqual({ difference: 0, low: 0, high: 0, standardError: 0, shareAbove: 0.5, samples: 50 });
  });

  it('has the width that theory gives a mean', () => {
    // given the mean of 400 numbers of deviation about 1: standard error 1/20
    const mean = (users: Int32Array) => users.reduce((sum, user) => sum + noise[user]!, 0) / users.length;
    // when
    const { standardError, low, high, difference } = pairedBootstrap({
      n,
      metricA: mean,
      metricB: () => 0,
      samples: 2000,
      rng: createRng(2),
    });
    // then
    const deviation = Math.sqrt(noise.reduce((sum, x) => sum + (x - difference) ** 2, 0) / n);
    expect(standardError / (deviation / 20)).toBeGreaterThan(0.95);
    expect(standardError / (deviation / 20)).toBeLessThan(1.05);
    expect((high - low) / (2 * 1.96 * standardError)).toBeCloseTo(1, 1);
  });

  it('repeats with the same generator, and leaves out resamples without a value', () => {
    // given few users, so that some resamples have one class
    const few = (users: Int32Array) =>
      auroc(
        Uint8Array.from(users, (user) => (user === 0 ? 1 : 0)),
        users,
      );
    const run = () =>
      pairedBootstrap({ n: 4, metricA: few, metricB: () => 0.5, samples: 300, rng: createRng(3) });
    // then
    expect(run()).toEqual(run());
    expect(run().samples).toBeGreaterThan(100);
    expect(run().samples).toBeLessThan(300);
  });

  it('typed errors', () => {
    const nothing = () => Number.NaN;
    expect(() => pairedBootstrap({ n: 3, metricA: nothing, metricB: nothing, rng: createRng(1) })).toThrow(
      /undefined on all/,
    );
    expect(() => pairedBootstrap({ n: 0, metricA: nothing, metricB: nothing, rng: createRng(1) })).toThrow(
      MetricError,
    );
  });
});
