import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/config/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import type { Material } from '../../../lib/models/candidates/candidate.ts';
import { CANDIDATES, fitColumns, fitInputs, writeInputs } from '../../../lib/models/candidates/index.ts';

const WIDTH = 3;
const ROWS = 200;

/** Rows of some users, who are told apart by their numbers. @param open rows whose window is not over */
function material(units: readonly number[], open = 0): Material {
  const rng = createRng(3);
  const features = rng.normals(ROWS * WIDTH);
  const used = Int32Array.from({ length: ROWS }, (_, i) => i);
  const labels = Float32Array.from(used, (i) => Number(features[i * WIDTH]! + rng.normal() > 0));
  const transform = fitInputs(features, WIDTH, used, fitColumns(features, WIDTH, used));
  const inputs = new Float32Array(ROWS * WIDTH);
  for (const row of used) writeInputs(features, row * WIDTH, transform, inputs, row * WIDTH);
  return {
    config: parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {} }),
    heads: [{ task: 'buy', bins: 1, inverted: false }],
    features,
    width: WIDTH,
    names: [0, 1, 2].map((j) => ({ name: `purchase.f${j}`, group: 'all' })),
    labels,
    outcomes: labels.map((label, i) => (i < open ? Number.NaN : label)),
    unit: Float32Array.from(used, (i) => units[i % units.length]!),
    used,
    weights: new Float32Array(ROWS).fill(1),
    inputs,
    transform,
    steps: 1,
    piecewise: false,
    progress: () => {},
  };
}

const named = (name: string) => CANDIDATES.find((one) => one.name === name)!;

describe.each(['logistic regression', 'boosted trees', 'random forest'])('%s', (name) => {
  it.each([
    ['one user', [0.1]],
    ['two users of one fold', [0.9, 0.95]],
    ['many users', Array.from({ length: 50 }, (_, i) => i / 50)],
  ])('is fitted on rows of %s', async (_, units) => {
    const given = material(units);
    expect(named(name).applies(given, [])).toBe(true);
    const logits = await (await named(name).fit(given)).logits(given.used);
    expect(logits.every(Number.isFinite)).toBe(true);
    const mean = (of: number) => {
      const own = logits.filter((_, i) => given.labels[i] === of);
      return own.reduce((sum, z) => sum + z, 0) / own.length;
    };
    expect(mean(1)).toBeGreaterThan(mean(0) + 0.05);
  });

  it('says nothing where too few windows are over, and learns from none that is not', async () => {
    const few = material([0.1], ROWS - 20);
    expect((await (await named(name).fit(few)).logits(few.used)).every(Number.isNaN)).toBe(true);
    // given: what happens in windows that are not over
    const given = material([0.1, 0.5, 0.9], 50);
    const other = { ...given, labels: given.labels.map((label, i) => (i < 50 ? 1 - label : label)) };
    const [one, two] = await Promise.all(
      [given, other].map(async (m) => (await named(name).fit(m)).exported().model),
    );
    expect(Buffer.compare(one!, two!)).toBe(0);
  });
});
