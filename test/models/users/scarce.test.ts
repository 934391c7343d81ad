import { beforeAll, describe, expect, it } from 'vitest';
import { describedModel, finetuneRun, scarceOf, versionsOf } from '../../../lib/models/index.ts';
import { planRun, type RunManifest, scoresKey } from '../../../lib/run/index.ts';
import type { ObjectStore } from '../../../lib/runtime/index.ts';
import { decodeScores, scoreRun } from '../../../lib/score/index.ts';
import { dropAll, openShop, SLOW } from '../../e2e/nights.ts';
import { AS_OF, file, shopConfig, shopLog } from '../../e2e/shop.ts';

/** Sixty customers, of whom four write a review now and then. */
const bought = shopLog(60).filter(({ day }) => day < AS_OF);
const reviews = bought
  .filter(({ text }) => /^"?C-[0-3]"?,/.test(text) && text.includes(',purchase,'))
  .map((line) => ({ ...line, time: line.time + 1000, text: line.text.replace(',purchase,', ',review,') }));
const config = shopConfig({
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 10 },
    review: { kind: 'event', event: 'review', horizonDays: 10 },
  },
});

let store: ObjectStore;
let manifest: RunManifest;
let versions: Record<string, string>;
let chances: Record<string, number[]>;

beforeAll(async () => {
  const shop = await openShop(config);
  store = shop.store;
  const lines = [...bought, ...reviews].sort((a, b) => a.time - b.time);
  await dropAll(shop, [['all.csv', file(lines)]]);
  const drops = await shop.ingest(() => {});
  const planned = await planRun({ ...shop, drops, purpose: 'night', asOf: AS_OF });
  manifest = planned.manifest;
  const { runId } = planned;
  await finetuneRun({ store, runId, progress: () => {} });
  versions = await versionsOf(store, runId, manifest);
  await scoreRun({ store, runId, shards: { from: 0, to: manifest.shards }, progress: () => {} });
  chances = { purchase: [], review: [] };
  for (let shard = 0; shard < manifest.shards; shard++) {
    const { tasks } = decodeScores(await (await store.get(scoresKey(runId, shard))).bytes());
    for (const [task, own] of Object.entries(chances)) {
      own.push(...[...tasks[task]!.probability].filter((p) => !Number.isNaN(p)));
    }
  }
}, SLOW);

describe('a shop with little data', () => {
  it('tells of each task how many there are, how many are enough and how many are missing', async () => {
    const scarce = await scarceOf(store, manifest, versions);
    expect(scarce.map(({ task, alone, needed }) => ({ task, alone, needed }))).toEqual([
      { task: 'purchase', alone: false, needed: 100 },
      { task: 'review', alone: true, needed: 100 },
    ]);
    const [purchase, review] = scarce;
    expect(review!.did).toBe(4);
    expect(review!.why).toContain('96 who had one');
    expect(purchase!.why).toMatch(/a model of the customer base takes part in the scores/);
  });

  it('has scores of a task that nothing can be learnt of, by the customer base with priors alone', async () => {
    const model = await describedModel(
      store,
      manifest,
      manifest.groups[0]!,
      versions[manifest.groups[0]!.name]!,
    );
    expect(model.leftOut).toEqual([]);
    expect(model.selection.join(' ')).toContain(
      'Weights of the logits for review: customer base with priors 1.00.',
    );
    expect(chances.review).toHaveLength(4);
    expect(chances.review!.every((p) => p > 0.01 && p < 0.999)).toBe(true);
  });

  it('has the others blended with it, where there is something to learn', async () => {
    const model = await describedModel(
      store,
      manifest,
      manifest.groups[0]!,
      versions[manifest.groups[0]!.name]!,
    );
    const names = model.comparison!.candidates.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['customer base with priors', 'logistic regression', 'blend']),
    );
    expect(chances.purchase!.length).toBeGreaterThan(40);
  });
});
