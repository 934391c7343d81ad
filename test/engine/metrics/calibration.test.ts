import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import {
  CalibrationError,
  calibratorFromJson,
  fitBias,
  fitIsotonic,
  fitPlatt,
  fitTemperature,
  identityCalibrator,
  isotonicRows,
  logLoss,
  type Sigmoid,
} from '../../../lib/engine/metrics/index.ts';

interface Recorded {
  calibration: {
    logits: number[];
    labels: number[];
    platt: Sigmoid;
    temperature: number;
    bias: number;
    isotonic: { labels: string; probes: number[]; expected: number[] };
  };
}

// scikit-learn's values; record-metrics.py beside the file wrote them
const { calibration: recorded } = JSON.parse(
  readFileSync(new URL('../train/fixtures/metrics.json', import.meta.url), 'utf8'),
) as Recorded;

describe('sigmoid calibrators', () => {
  it('Platt equals scikit-learn', () => {
    const { slope, intercept } = fitPlatt(recorded.logits, recorded.labels).params as Sigmoid;
    expect(slope).toBeCloseTo(recorded.platt.slope, 4);
    expect(intercept).toBeCloseTo(recorded.platt.intercept, 4);
  });

  it('temperature and bias reach the minimum that scipy finds', () => {
    const temperature = fitTemperature(recorded.logits, recorded.labels).params as Sigmoid;
    const bias = fitBias(recorded.logits, recorded.labels).params as Sigmoid;
    expect(temperature.slope).toBeCloseTo(recorded.temperature, 6);
    expect(temperature.intercept).toBe(0);
    expect(bias.intercept).toBeCloseTo(recorded.bias, 6);
    expect(bias.slope).toBe(1);
  });

  it('find back the slope and intercept that made the labels', () => {
    // given 50,000 rows of logit 0.5 x + 1
    const rng = createRng(4);
    const logits = rng.normals(50_000, 2);
    const labels = Uint8Array.from(logits, (x) => (rng.uniform() < 1 / (1 + Math.exp(-0.5 * x - 1)) ? 1 : 0));
    // when
    const platt = fitPlatt(logits, labels);
    const { slope, intercept } = platt.params as Sigmoid;
    // then
    expect(slope).toBeCloseTo(0.5, 1);
    expect(intercept).toBeCloseTo(1, 1);
    const raw = identityCalibrator();
    const loss = (apply: (x: number) => number) => logLoss(labels, Float64Array.from(logits, apply));
    expect(loss(platt.apply)).toBeLessThan(loss(raw.apply) - 0.05);
  });

  it('never decrease, stay in [0, 1] and survive JSON, whatever the rows', () => {
    const rows = fc.array(fc.tuple(fc.float({ min: -40, max: 40, noNaN: true }), fc.constantFrom(0, 1)), {
      minLength: 1,
      maxLength: 40,
    });
    const probes = [-1e6, -30, -2, -0.1, 0, 0.1, 2, 30, 1e6];
    fc.assert(
      fc.property(rows, fc.constantFrom(fitPlatt, fitTemperature, fitBias), (drawn, fitOne) => {
        // given
        const calibrator = fitOne(
          drawn.map(([logit]) => logit),
          drawn.map(([, label]) => label),
        );
        // when
        const values = probes.map(calibrator.apply);
        // then
        for (const [i, value] of values.entries()) {
          expect(value).toBeGreaterThanOrEqual(values[i - 1] ?? 0);
          expect(value).toBeLessThanOrEqual(1);
        }
        const copy = calibratorFromJson(JSON.parse(JSON.stringify(calibrator)));
        expect(probes.map(copy.apply)).toEqual(values);
        expect(copy.kind).toBe(calibrator.kind);
      }),
      { seed: 7 },
    );
  });

  it('an upside-down score becomes the base rate, not an upside-down ranking', () => {
    // given positives with the lower logits
    const logits = [-2, -1, -1.5, 1, 2, 1.5];
    // when
    const { slope } = fitPlatt(logits, [1, 1, 1, 0, 0, 0]).params as Sigmoid;
    // then
    expect(slope).toBe(0);
    expect(fitPlatt(logits, [1, 1, 1, 0, 0, 0]).apply(3)).toBeCloseTo(0.5, 6);
  });

  it('one class gives a finite, cautious answer', () => {
    const platt = fitPlatt([0.1, 2, -1], [0, 0, 0]);
    expect(platt.apply(0)).toBeCloseTo(1 / 5, 6);
  });
});

/** The rows that the recording script made from the same integers. */
function isotonicLogits(): Float64Array {
  return Float64Array.from(
    { length: recorded.isotonic.labels.length },
    (_, i) => ((i * 7919) % 2003) / 250 - 4,
  );
}

describe('isotonic', () => {
  it('equals scikit-learn', () => {
    // given
    const labels = Uint8Array.from(recorded.isotonic.labels, Number);
    // when
    const isotonic = fitIsotonic(isotonicLogits(), labels);
    // then
    for (const [i, probe] of recorded.isotonic.probes.entries()) {
      expect(isotonic.apply(probe)).toBeCloseTo(recorded.isotonic.expected[i]!, 10);
    }
  });

  it('never decreases and survives JSON', () => {
    // given
    const isotonic = fitIsotonic(isotonicLogits(), Uint8Array.from(recorded.isotonic.labels, Number));
    // when
    const copy = calibratorFromJson(JSON.parse(JSON.stringify(isotonic)));
    const values = Array.from({ length: 500 }, (_, i) => copy.apply(i / 50 - 5));
    // then
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(values).toEqual(Array.from({ length: 500 }, (_, i) => isotonic.apply(i / 50 - 5)));
  });

  it('is refused at 10,000 rows', () => {
    const logits = new Float64Array(isotonicRows);
    expect(() => fitIsotonic(logits, new Uint8Array(isotonicRows))).toThrow(
      /more than 10000 rows, given 10000/,
    );
  });
});

it('typed errors', () => {
  expect(() => fitPlatt([], [])).toThrow(CalibrationError);
  expect(() => fitPlatt([1, Number.NaN], [0, 1])).toThrow(/row 1 has logit NaN/);
  expect(() => fitBias([1], [0.5])).toThrow(/label 0.5/);
  for (const bad of [
    null,
    {},
    { kind: 'platt', params: { slope: -1, intercept: 0 } },
    { kind: 'isotonic', params: {} },
  ]) {
    expect(() => calibratorFromJson(bad)).toThrow(/no calibrator/);
  }
  const falling = { kind: 'isotonic', params: { logits: [0, 1], probabilities: [0.5, 0.4] } };
  expect(() => calibratorFromJson(falling)).toThrow(/no calibrator/);
});
