import { describe, expect, it } from 'vitest';
import { createRng } from '../../../../lib/engine/host/index.ts';
import { logLoss } from '../../../../lib/engine/metrics/index.ts';
import type { InputTransform } from '../../../../lib/models/candidates/inputs.ts';
import { keepAside } from '../../../../lib/models/candidates/network/aside.ts';
import { linearBranch, mlpBranch } from '../../../../lib/models/candidates/network/branches/index.ts';
import { fitNetwork } from '../../../../lib/models/candidates/network/fit.ts';
import type { Network } from '../../../../lib/models/candidates/network/graph.ts';
import { predictNetwork } from '../../../../lib/models/candidates/network/predict.ts';
import { probabilityOf } from '../../../../lib/models/shared/index.ts';
import { SLOW } from '../../../e2e/nights.ts';

const SEED = 7;
const numbers = (count: number) => Int32Array.from({ length: count }, (_, i) => i);
const ones = (count: number) => new Float32Array(count).fill(1);

describe('rows kept aside in a fit', () => {
  it('are whole groups, about a tenth, and the same for the same seed', () => {
    // given: 1,200 users with three rows each
    const given = { rows: numbers(3600), weights: ones(3600) };
    const groups = Float32Array.from({ length: 3600 }, (_, row) => (row % 1200) / 1200);
    // when
    const { learnt, aside } = keepAside(given, groups, 1, SEED)!;
    // then
    expect([...learnt.rows, ...aside.rows].sort((a, b) => a - b)).toEqual([...given.rows]);
    expect(aside.rows.length).toBe(360);
    const users = new Set(Array.from(aside.rows, (row) => groups[row]));
    expect(users.size).toBe(120);
    expect(Array.from(learnt.rows).some((row) => users.has(groups[row]))).toBe(false);
    expect(keepAside(given, groups, 1, SEED)).toEqual({ learnt, aside });
    expect(keepAside(given, groups, 1, SEED + 1)!.aside).not.toEqual(aside);
  });

  it('keep their weights, and are none where groups are few, however many rows they have', () => {
    const rows = numbers(5000);
    const weights = Float32Array.from({ length: 10000 }, (_, i) => i);
    const { learnt, aside } = keepAside({ rows, weights }, undefined, 2, SEED)!;
    for (const part of [learnt, aside]) {
      part.rows.forEach((row, i) => {
        expect([...part.weights.subarray(2 * i, 2 * i + 2)]).toEqual([2 * row, 2 * row + 1]);
      });
    }
    const few = Float32Array.from(rows, (row) => row % 900);
    expect(keepAside({ rows, weights }, few, 2, SEED)).toBeUndefined();
  });

  it('are none where an output would have nothing left to learn from', () => {
    // given: the second output is known of one row alone, which is among those that would be kept aside
    const rows = numbers(2000);
    const first = keepAside({ rows, weights: ones(2000) }, undefined, 1, SEED)!.aside.rows[0]!;
    const weights = Float32Array.from({ length: 4000 }, (_, i) => Number(i % 2 === 0 || i === 2 * first + 1));
    // then
    expect(keepAside({ rows, weights }, undefined, 2, SEED)).toBeUndefined();
  });
});

describe('a fit with rows kept aside', { timeout: SLOW }, () => {
  // Few rows, many inputs that say nothing and a wide network: it learns by heart.
  const ROWS = 1200;
  const WIDTH = 30;
  const rng = createRng('by heart');
  const inputs = rng.normals(ROWS * WIDTH);
  const labels = Float32Array.from({ length: ROWS }, (_, row) =>
    Number(rng.uniform() < probabilityOf(inputs[row * WIDTH]!)),
  );
  const same = (value: number) => new Array<number>(WIDTH).fill(value);
  const transform: InputTransform = {
    kept: Array.from({ length: WIDTH }, (_, i) => i),
    log: same(0),
    low: same(-10),
    high: same(10),
    mean: same(0),
    deviation: same(1),
  };
  const network: Network = {
    features: WIDTH,
    transform,
    heads: [{ task: 'buy', bins: 1, inverted: false }],
    branches: [linearBranch, mlpBranch({ hidden: 24, layers: 2, members: 2 })],
  };
  const training = {
    steps: 300,
    batchSize: 256,
    learningRate: 0.01,
    optimiser: {},
    weightDecay: 0,
    priorVariance: 1,
    dropout: 0,
    threads: 1,
    seed: SEED,
  };
  const given = { rows: numbers(ROWS), weights: ones(ROWS) };
  const data = { inputs, labels };

  it('ends when it learns by heart, and keeps what was best on them', async () => {
    // when
    const { parameters, curve } = await fitNetwork(network, data, given, training);
    // then
    const { aside } = keepAside(given, undefined, 1, SEED)!;
    const logits = await predictNetwork(
      network,
      parameters,
      { features: inputs, width: WIDTH },
      aside.rows,
      1,
    );
    const loss = logLoss(
      Array.from(aside.rows, (row) => labels[row]!),
      Array.from(logits, probabilityOf),
    );
    const least = Math.min(...curve.map(({ validLoss }) => validLoss!));
    expect(loss).toBeCloseTo(least, 4);
    expect(curve.at(-1)!.validLoss!).toBeGreaterThan(least + 0.01);
    expect(curve.at(-1)!.step).toBeLessThan(training.steps);
  });

  it('learns from all rows where there are few', async () => {
    const few = { rows: numbers(500), weights: ones(500) };
    const { curve } = await fitNetwork(network, data, few, { ...training, steps: 20 });
    expect(curve.at(-1)!.step).toBe(20);
    expect(curve.every(({ validLoss }) => validLoss === undefined)).toBe(true);
  });
});
