import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/config/index.ts';
import { heldOutMeasures } from '../../../lib/models/users/held-out.ts';

describe('the loss that candidates are judged by', () => {
  const config = parseConfig({
    shop: { timeZone: 'UTC' },
    sources: {},
    tasks: {
      soon: { kind: 'event', horizonDays: 7 },
      late: { kind: 'absence', horizonDays: 30, activeDays: 60 },
    },
    training: { threads: 1 },
  });
  const heads = [
    { task: 'soon', bins: 1, inverted: false },
    { task: 'late', bins: 1, inverted: true },
  ];
  // Four rows at three cut-offs; a model that gives every row the same two probabilities.
  const rows = {
    count: 4,
    width: 1,
    features: Float32Array.of(1, 2, 3, 4),
    cutoff: Int32Array.of(100, 100, 120, 130),
    unit: new Float32Array(4),
    labels: new Float32Array(8),
    outcomes: Float32Array.of(1, 0, 0, Number.NaN, 1, 0, 0, 0),
    visitIds: new Int32Array(0),
    visits: new Int32Array(4),
    texts: new Int32Array(0),
    textOf: [],
  };
  const logits = Float32Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? 0.4 : 0.3));
  const all = Int32Array.of(0, 1, 2, 3);
  const p = 1 / (1 + Math.exp(-0.4));
  const stays = 1 - 1 / (1 + Math.exp(0.3));

  it('is the mean over the tasks of the log loss over whole windows', () => {
    const { loss } = heldOutMeasures(config, heads, rows, all, logits, 200);
    const soon = -(Math.log(p) + Math.log(1 - p) + Math.log(p) + Math.log(1 - p)) / 4;
    const late = -(3 * Math.log(1 - stays)) / 3;
    expect(loss).toBeCloseTo((soon + late) / 2, 6);
  });

  it('leaves out windows that are not over: nobody has done yet what they may still do', () => {
    // given: by day 130 the short windows of the first two cut-offs are over, and the long one of the first
    const { loss } = heldOutMeasures(config, heads, rows, all, logits, 130);
    const soon = -(Math.log(p) + Math.log(1 - p) + Math.log(p)) / 3;
    const late = -Math.log(1 - stays);
    expect(loss).toBeCloseTo((soon + late) / 2, 6);
  });

  it('judges no candidate where no window is over', () => {
    expect(heldOutMeasures(config, heads, rows, all, logits, 101).loss).toBe(0);
  });
});
