import { describe, expect, it } from 'vitest';
import { type ConfigInput, parseConfig } from '../../../../lib/config/index.ts';
import { createRng } from '../../../../lib/engine/host/index.ts';
import { logLoss } from '../../../../lib/engine/metrics/index.ts';
import {
  fitColumns,
  fitInputs,
  type Material,
  writeInputs,
} from '../../../../lib/models/candidates/index.ts';
import {
  linear,
  mlp,
  NetworkCandidate,
  searchSettings,
  visits,
} from '../../../../lib/models/candidates/network/index.ts';
import { VISIT_FIELDS } from '../../../../lib/models/candidates/network/visits/visit-ids.ts';
import { probabilityOf } from '../../../../lib/models/shared/index.ts';
import { ALL } from '../../../all.ts';
import { SLOW } from '../../../e2e/nights.ts';
import { vocabulary } from './small.ts';

const ROWS = 300;
const WIDTH = 4;
const VISITS = 4;

/** Rows whose first two features say something of the outcome, with visits that say nothing. */
function materialOf({ training, model }: Pick<ConfigInput, 'training' | 'model'>, rows = ROWS): Material {
  const config = parseConfig({
    shop: { timeZone: 'UTC' },
    sources: {},
    tasks: {},
    training: { steps: 150, pretrainSteps: 10, batchSize: 64, threads: 1, ...training },
    model: { width: 8, layers: 1, heads: 2, hidden: 8, members: 2, ...model },
  });
  const rng = createRng('settings');
  const features = rng.normals(rows * WIDTH);
  const labels = Float32Array.from({ length: rows }, (_, row) =>
    Number(rng.uniform() < probabilityOf(2 * features[row * WIDTH]! - 2 * features[row * WIDTH + 1]!)),
  );
  const used = Int32Array.from({ length: rows }, (_, row) => row);
  const transform = fitInputs(features, WIDTH, used, fitColumns(features, WIDTH, used));
  const inputs = new Float32Array(rows * WIDTH);
  for (const row of used) writeInputs(features, row * WIDTH, transform, inputs, row * WIDTH);
  const ids = new Int32Array(rows * VISITS * VISIT_FIELDS);
  const counts = Int32Array.from({ length: rows }, (_, row) => row % (VISITS + 1));
  counts.forEach((count, row) => {
    for (let visit = 0; visit < count; visit++) {
      const taste = rng.integer(2);
      const of = [6, 12 + taste, 21 + taste, 38, 46, 54, 62, 70 + taste];
      ids.set(of, (row * VISITS + visit) * VISIT_FIELDS);
    }
  });
  return {
    config,
    heads: [{ task: 'buy', bins: 1, inverted: false }],
    features,
    width: WIDTH,
    names: Array.from({ length: WIDTH }, (_, i) => ({ name: `f${i}`, group: `f${i}` })),
    labels,
    outcomes: labels,
    unit: Float32Array.from(used, (row) => row / rows),
    used,
    weights: new Float32Array(rows).fill(1),
    inputs,
    transform,
    steps: config.training.steps,
    piecewise: false,
    visits: { ids, counts, length: VISITS, vocabulary, known: used },
    progress: () => {},
  };
}

const wide = new NetworkCandidate('wide', [linear, mlp]);
const withVisits = new NetworkCandidate('with visits', [linear, mlp, visits], wide);

async function trained(candidate: NetworkCandidate, settings: Pick<ConfigInput, 'training' | 'model'>) {
  const material = materialOf(settings);
  const fitted = await candidate.fit(material);
  const logits = await fitted.logits(material.used);
  return {
    loss: logLoss([...material.labels], Array.from(logits, probabilityOf)),
    model: Buffer.from(fitted.exported().model).toString('base64'),
  };
}

const FITS = ALL ? 6 : 3;

describe('settings of a network', { timeout: SLOW }, () => {
  it('training.search: takes what is better on rows kept aside, the same each time, and says so', async () => {
    // given: steps so small that nothing is learnt
    const material = materialOf({ training: { steps: 60, learningRate: 1e-5 } }, 1500);
    const { config } = material;
    // when
    const found = await searchSettings(material, FITS);
    // then
    expect(found.note).toMatch(
      /^Searched [39] settings of the network in (3|12) fits: learning rate .* had loss 0\.\d+ .* those of the config 0\.\d+; they were taken\.$/,
    );
    expect(found.config.training.learningRate).toBeGreaterThan(1e-5);
    expect({ ...found.config, training: {}, model: {} }).toEqual({ ...config, training: {}, model: {} });
    expect(await searchSettings(material, FITS)).toEqual(found);
  });

  it('training.search: leaves the config where rows are few', async () => {
    const material = materialOf({}, 500);
    const { config, note } = await searchSettings(material, 3);
    expect(config).toBe(material.config);
    expect(note).toContain('too few users');
  });

  it('training.optimiser: each moves the bytes, and learns', async () => {
    // then: a coin has 0.69, and the truth itself some 0.4
    const models = new Set<string>();
    for (const optimiser of ['adamw', 'sgd', 'adagrad', 'adafactor'] as const) {
      const { loss, model } = await trained(wide, { training: { optimiser } });
      expect(loss, optimiser).toBeLessThan(0.6);
      models.add(model);
    }
    expect(models.size).toBe(4);
    // then: what is not named is AdamW
    expect(models).toContain((await trained(wide, {})).model);
  });

  it('training.momentum moves the bytes of SGD', async () => {
    const [a, b] = [
      await trained(wide, { training: { optimiser: 'sgd', momentum: 0.9 } }),
      await trained(wide, { training: { optimiser: 'sgd', momentum: 0.5 } }),
    ];
    expect(a.model).not.toBe(b.model);
    expect(a.model).toBe((await trained(wide, { training: { optimiser: 'sgd' } })).model);
  });

  it('model.sequence: each moves the bytes', async () => {
    const models = new Set<string>();
    for (const sequence of ['transformer', 'gru', 'lstm', 'cnn'] as const) {
      models.add((await trained(withVisits, { model: { sequence }, training: { steps: 5 } })).model);
    }
    expect(models.size).toBe(4);
    expect(models).toContain((await trained(withVisits, { training: { steps: 5 } })).model);
  });
});
