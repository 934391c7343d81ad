import { beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/config/index.ts';
import { createRng, float32 } from '../../../lib/engine/host/index.ts';
import { openSession } from '../../../lib/engine/train/index.ts';
import { Blended } from '../../../lib/models/candidates/blend.ts';
import type { Fitted, Material } from '../../../lib/models/candidates/candidate.ts';
import { CANDIDATES, fitColumns, fitInputs, writeInputs } from '../../../lib/models/candidates/index.ts';
import { ALL } from '../../all.ts';

const USERS = ALL ? 100_000 : 3500;
const LEARNT = 3000;
const WIDTH = 8;
const TASKS = 2;
/** Users in one run of a night. */
const BATCH = 256;

/** Generated users, two tasks; those behind the first few are only scored. */
function material(): Material {
  const rng = createRng(5);
  const features = rng.normals(USERS * WIDTH);
  const used = Int32Array.from({ length: LEARNT }, (_, i) => i);
  const labels = new Float32Array(USERS * TASKS);
  for (let i = 0; i < USERS; i++) {
    const at = features.subarray(i * WIDTH, (i + 1) * WIDTH);
    const logits = [at[0]! - at[1]! * at[2]!, 0.5 * at[3]! + Math.abs(at[4]!) - 1];
    logits.forEach((z, t) => {
      labels[i * TASKS + t] = Number(rng.uniform() < 1 / (1 + Math.exp(-z)));
    });
  }
  const columns = fitColumns(features, WIDTH, used);
  const transform = fitInputs(features, WIDTH, used, columns);
  const inputs = new Float32Array(USERS * transform.kept.length);
  for (const row of used) writeInputs(features, row * WIDTH, transform, inputs, row * transform.kept.length);
  return {
    config: parseConfig({
      shop: { timeZone: 'UTC' },
      sources: {},
      tasks: {},
      model: { members: 2, hidden: 8 },
    }),
    heads: [
      { task: 'one', bins: 1, inverted: false },
      { task: 'two', bins: 1, inverted: false },
    ],
    features,
    width: WIDTH,
    names: Array.from({ length: WIDTH }, (_, j) => ({ name: `purchase.f${j}`, group: `g${j % 3}` })),
    labels,
    outcomes: labels,
    unit: Float32Array.from({ length: USERS }, () => rng.uniform()),
    used,
    weights: new Float32Array(LEARNT * TASKS).fill(1),
    inputs,
    transform,
    overall: { inputs, transform },
    steps: 40,
    piecewise: false,
    progress: () => {},
  };
}

const given = material();
const rows = Int32Array.from({ length: USERS }, (_, i) => i);
const fitted = new Map<string, Fitted>();

/** What the kept graph says of all users, in batches as of a night. */
async function scored(
  one: Fitted,
): Promise<{ logits: Float32Array; reasons: Float32Array; columns: number }> {
  const session = await openSession(one.exported().model, { threads: 1 });
  const logits = new Float32Array(USERS * TASKS);
  let reasons = new Float32Array(0);
  let columns = 0;
  try {
    for (let start = 0; start < USERS; start += BATCH) {
      const batch = new Float32Array(BATCH * WIDTH);
      batch.set(given.features.subarray(start * WIDTH, (start + BATCH) * WIDTH));
      const output = await session.run({ features: float32(batch, [BATCH, WIDTH]) });
      columns = output.reasons!.shape[2]!;
      if (start === 0) reasons = new Float32Array(USERS * TASKS * columns);
      const n = Math.min(BATCH, USERS - start);
      logits.set((output.logits!.data as Float32Array).subarray(0, n * TASKS), start * TASKS);
      reasons.set(
        (output.reasons!.data as Float32Array).subarray(0, n * TASKS * columns),
        start * TASKS * columns,
      );
    }
  } finally {
    await session.close();
  }
  return { logits, reasons, columns };
}

const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, one, i) => Math.max(most, Math.abs(one - b[i]!)), 0);

const NAMES = ['logistic regression', 'boosted trees', 'random forest', 'network'];

beforeAll(async () => {
  for (const name of NAMES) {
    fitted.set(name, await CANDIDATES.find((one) => one.name === name)!.fit(given));
  }
  const of = (names: readonly string[]) =>
    Blended.of(
      names.map((name) => fitted.get(name)!),
      [
        { weights: names.map((_, m) => 0.2 + 0.1 * m), slope: 0.9, intercept: 0.1 },
        { weights: names.map(() => 1 / names.length), slope: 1, intercept: 0 },
      ],
      given,
    );
  fitted.set('blend', await of(NAMES));
}, 120_000);

describe('a model that is kept', { timeout: 120_000 }, () => {
  it.each([...NAMES, 'blend'])('scores users as it did in training: %s', async (name) => {
    const one = fitted.get(name)!;
    const { logits } = await scored(one);
    expect(largest(logits, await one.logits(rows))).toBeLessThan(1e-5);
  });

  it.each([...NAMES, 'blend'])('has reasons that sum with a constant to the logit: %s', async (name) => {
    const { logits, reasons, columns } = await scored(fitted.get(name)!);
    for (let t = 0; t < TASKS; t++) {
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let i = 0; i < USERS; i++) {
        let rest = logits[i * TASKS + t]!;
        for (let k = 0; k < columns; k++) rest -= reasons[(i * TASKS + t) * columns + k]!;
        low = Math.min(low, rest);
        high = Math.max(high, rest);
      }
      expect(high - low).toBeLessThan(2e-4);
    }
  });
});

describe('a task that no member can answer yet', () => {
  it('gets the base rate, in training and in scoring', async () => {
    // given: three of 3,000 did it
    const rare = given.outcomes.map((_, i) => Number(i < 6 && i % 2 === 0));
    const material = { ...given, outcomes: rare, labels: rare };
    const trees = await CANDIDATES.find(({ name }) => name === 'boosted trees')!.fit(material);
    // when
    const one = await Blended.of(
      [trees],
      [
        { weights: [1], slope: 1, intercept: 0 },
        { weights: [1], slope: 1, intercept: 0 },
      ],
      material,
    );
    // then
    expect(one.unanswered).toEqual([0, 1]);
    const { logits } = await scored(one);
    expect(logits[0]).toBeCloseTo(Math.log(3.5 / (LEARNT - 3 + 0.5)), 4);
    expect(largest(logits, await one.logits(rows))).toBeLessThan(1e-5);
  });
});
