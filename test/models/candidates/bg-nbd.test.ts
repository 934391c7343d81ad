import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/config/index.ts';
import { fitBgNbd, probabilityOfTransaction } from '../../../lib/engine/customer-base/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import type { Material } from '../../../lib/models/candidates/candidate.ts';
import { CANDIDATES } from '../../../lib/models/candidates/index.ts';

const bgNbd = CANDIDATES.find(({ name }) => name === 'BG/NBD')!;
const CUSTOMERS = 400;
const HORIZON = 30;
const NAMES = ['purchase.recency', 'purchase.gap_mean', 'purchase.active_days', 'view.recency'];

/** Customers who buy at rates of their own and may leave. */
function customers() {
  const rng = createRng(8);
  return Array.from({ length: CUSTOMERS }, () => {
    const T = 30 + Math.floor(300 * rng.uniform());
    const rate = -Math.log(rng.uniform()) / 40;
    let [x, tx] = [0, 0];
    for (let t = -Math.log(rng.uniform()) / rate; t < T; t += -Math.log(rng.uniform()) / rate) {
      [x, tx] = [x + 1, t];
      if (rng.uniform() < 0.2) break;
    }
    return { x, tx: Math.round(tx), T };
  });
}

function material(people: ReturnType<typeof customers>): Material {
  const used = Int32Array.from(people, (_, i) => i);
  return {
    config: parseConfig({
      shop: { timeZone: 'UTC' },
      sources: {},
      tasks: {
        buys: { kind: 'event', event: 'purchase', horizonDays: HORIZON },
        gone: { kind: 'absence', event: 'purchase', horizonDays: HORIZON, activeDays: 90 },
        carts: { kind: 'event', event: 'cart', horizonDays: HORIZON },
      },
    }),
    heads: [
      { task: 'buys', bins: 1, inverted: false },
      { task: 'gone', bins: 1, inverted: true },
      { task: 'carts', bins: 1, inverted: false },
    ],
    features: Float32Array.from(people.flatMap(({ x, tx, T }) => [T - tx, x > 0 ? tx / x : 0, x + 1, 7])),
    width: NAMES.length,
    names: NAMES.map((name) => ({ name, group: 'gaps' })),
    labels: new Float32Array(3 * people.length),
    outcomes: new Float32Array(3 * people.length),
    unit: new Float32Array(people.length),
    used,
    weights: new Float32Array(3 * people.length).fill(1),
    inputs: new Float32Array(0),
    transform: { kept: [], log: [], low: [], high: [], mean: [], deviation: [] },
    steps: 1,
    piecewise: false,
    progress: () => {},
  };
}

describe('the floor of purchase dates alone', () => {
  const people = customers();

  it('says what the fitted customer-base model says, of both kinds of task', async () => {
    const given = material(people);
    expect(bgNbd.applies(given, [])).toBe(true);
    const logits = await (await bgNbd.fit(given)).logits(given.used);
    const parameters = fitBgNbd({
      frequency: people.map(({ x }) => x),
      recency: people.map(({ tx }) => tx),
      age: people.map(({ T }) => T),
    });
    people.forEach(({ x, tx, T }, i) => {
      const p = probabilityOfTransaction(parameters, x, tx, T, HORIZON);
      expect(1 / (1 + Math.exp(-logits[3 * i]!))).toBeCloseTo(Math.max(p, 1e-6), 4);
      expect(logits[3 * i + 1]).toBe(-logits[3 * i]!);
      // an event that the features know nothing of
      expect(logits[3 * i + 2]).toBeNaN();
    });
  });

  it('has nothing to say where nobody came back', async () => {
    const given = material(people.map(({ T }) => ({ x: 0, tx: 0, T })));
    const logits = await (await bgNbd.fit(given)).logits(given.used);
    expect(logits.every(Number.isNaN)).toBe(true);
  });

  it('is no model of a labelled table', () => {
    const given = material(people);
    const heads = [{ task: 'label', bins: 1, inverted: false }];
    expect(bgNbd.applies({ ...given, heads }, [])).toBe(false);
  });
});
