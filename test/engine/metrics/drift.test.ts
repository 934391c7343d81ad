import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { type CutoffRows, fitDrift } from '../../../lib/engine/metrics/index.ts';

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** Cut-offs whose logits are off by a shift each, and too bold by a factor. */
function cutoffs(shifts: readonly number[], { bold = 1, rows = 3000, seed = 9 } = {}): CutoffRows[] {
  const rng = createRng(seed);
  return shifts.map((shift) => {
    const truth = Array.from({ length: rows }, () => 1.2 * rng.normal());
    return {
      labels: truth.map((z) => Number(rng.uniform() < sigmoid(z))),
      logits: truth.map((z) => bold * (z - shift)),
    };
  });
}

describe('a correction of level and slope over cut-offs', () => {
  it('takes back a shift that all of them have', () => {
    const { slope, intercept, loss, none } = fitDrift(cutoffs([0.4, 0.45, 0.35, 0.4]));
    expect(none).toBeUndefined();
    expect(slope).toBeCloseTo(1, 1);
    expect(intercept).toBeGreaterThan(0.33);
    expect(intercept).toBeLessThan(0.47);
    expect(loss.corrected).toBeLessThan(loss.plain - 0.005);
  });

  it('takes back what is too bold', () => {
    const { slope } = fitDrift(cutoffs([0, 0, 0, 0], { bold: 1.6 }));
    expect(slope).toBeGreaterThan(0.58);
    expect(slope).toBeLessThan(0.68);
  });

  it('leaves alone a shift that goes one way here and the other there', () => {
    const { intercept } = fitDrift(cutoffs([0.5, -0.5, 0.45, -0.5]));
    expect(Math.abs(intercept)).toBeLessThan(0.02);
  });

  it('moves less the less the cut-offs agree, and the more their windows overlap', () => {
    const uneven = cutoffs([0.1, 0.5, 0.2, 0.6]);
    const apart = fitDrift(uneven);
    const overlapping = fitDrift(uneven, 2);
    expect(apart.intercept).toBeLessThan(0.35);
    expect(overlapping.intercept).toBeLessThan(apart.intercept);
  });

  it('decides nothing by one cut-off or two, or where all had one outcome', () => {
    for (const few of [cutoffs([1]), cutoffs([1, 1])]) {
      expect(fitDrift(few)).toMatchObject({ slope: 1, intercept: 0, none: expect.stringMatching(/too few/) });
    }
    const never = cutoffs([1, 1, 1]).map((rows) => ({
      ...rows,
      labels: rows.logits.length ? Array.from(rows.labels, () => 0) : [],
    }));
    expect(fitDrift(never)).toMatchObject({ slope: 1, intercept: 0 });
  });

  it('is never worse than none at the cut-offs that it was made from', () => {
    const rng = createRng(21);
    for (let draw = 0; draw < 20; draw++) {
      const shifts = Array.from({ length: 4 }, () => 0.3 * rng.normal());
      const { loss, none } = fitDrift(cutoffs(shifts, { rows: 400, seed: draw }));
      if (none === undefined) expect(loss.corrected).toBeLessThan(loss.plain);
    }
  });
});
