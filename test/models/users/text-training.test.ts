import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../../bin/workspace.ts';
import { createPseudonyms } from '../../../lib/data/index.ts';
import { AbortedError } from '../../../lib/engine/host/index.ts';
import type { UsersModelManifest } from '../../../lib/models/index.ts';
import { finetuneRun } from '../../../lib/models/index.ts';
import { trainUsers } from '../../../lib/models/users/train.ts';
import { promote, putModel } from '../../../lib/registry/index.ts';
import { openUsers, type PlannedRun, planRun, scoresKey } from '../../../lib/run/index.ts';
import { decodeScores, scoreRun } from '../../../lib/score/index.ts';
import { ALL } from '../../all.ts';
import { dropAll, KEY, openShop, SLOW } from '../../e2e/nights.ts';
import { AS_OF, csv, type Event, textConfig, textLog } from './text-log.ts';

const log = textLog();
const before = log.filter(({ day }) => day < AS_OF);
/** The latest cut-off whose window is over by the as-of day. */
const VALID_AT = '2025-02-10';

async function shopOf(events: readonly Event[]): Promise<{ shop: Workspace; run: PlannedRun }> {
  const shop = await openShop(textConfig());
  await dropAll(shop, [['all.csv', csv(events)]]);
  const drops = await shop.ingest(() => {});
  return { shop, run: await planRun({ ...shop, drops, purpose: 'night', asOf: AS_OF }) };
}

async function train({ shop, run }: { shop: Workspace; run: PlannedRun }) {
  const told: string[] = [];
  const { manifest } = run;
  const files = await trainUsers({
    store: shop.store,
    manifest,
    users: async () => openUsers(shop.store, manifest),
    group: manifest.groups[0]!,
    progress: (text) => told.push(text),
  });
  const description: UsersModelManifest = JSON.parse(new TextDecoder().decode(files['manifest.json']));
  // What is told until the data are read again, for the last fit.
  return { files, description, told, choosing: told.slice(0, told.lastIndexOf('reading users')) };
}

let reference: Awaited<ReturnType<typeof train>>;
let night: Awaited<ReturnType<typeof shopOf>>;

beforeAll(async () => {
  night = await shopOf(before);
  reference = await train(night);
}, SLOW);

describe('a users model that reads texts', { timeout: SLOW }, () => {
  it('finds in messages what nothing else tells, and says what they add', () => {
    const { comparison, selection, text } = reference.description;
    expect(comparison!.days.at(-1)).toBe(VALID_AT);
    const said = (name: string) => comparison!.candidates.find((one) => one.name === name)!;
    expect(said('network + tuned texts').reads).toEqual(['features', 'texts (encoder trained too)']);
    expect(said(comparison!.kept).reads.join()).toContain('texts');
    expect(selection[1]).toContain(`Kept: ${comparison!.kept}`);
    const [plain, read] = ['network', 'network + texts'].map((name) => said(name).tasks[0]!);
    expect(read!.auroc! - plain!.auroc!).toBeGreaterThan(0.04);
    expect(plain!.logLoss! - read!.logLoss!).toBeGreaterThan(0.05);
    expect(read!.n).toBe(plain!.n);
    // the encoder learnt from the shop's own words, and ships with the model
    expect(text!.pretraining.at(-1)!.trainLoss).toBeLessThan(text!.pretraining[0]!.trainLoss);
    expect(Object.keys(reference.files).sort()).toEqual([
      'manifest.json',
      'model.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('depends on no text from the cut-off on: vocabulary, pretraining and vectors neither', async () => {
    // given: from the cut-off on everybody writes other words
    let n = 0;
    const later = before.map((event) =>
      event.day < VALID_AT ? event : { ...event, text: `zebra quartz ${n++ % 5} jumps` },
    );
    // when
    const other = await train(await shopOf(later));
    // then: nothing changes until the choice is made; the last fit knows them
    expect(other.choosing).toEqual(reference.choosing);
    expect(reference.choosing.filter((text) => text.startsWith('pretraining the text')).length).toBe(10);
    expect(other.description.comparison).toEqual(reference.description.comparison);
    expect(Buffer.compare(other.files['tokenizer.json']!, reference.files['tokenizer.json']!)).not.toBe(0);
  });

  it.runIf(ALL)(
    'when it is told to end in the encoder, goes on there and ends with the same bytes',
    async () => {
      // given: once while it is pretrained, once while it is trained with the model
      const { store } = night.shop;
      const { runId } = night.run;
      const told: string[] = [];
      for (const moment of ['pretraining the text encoder: step 4 of', 'tuned texts: step 7 of']) {
        const stop = new AbortController();
        const progress = (text: string) => {
          told.push(text);
          if (text.includes(moment)) stop.abort();
        };
        const attempt = finetuneRun({ store, runId, progress, signal: stop.signal });
        await expect(attempt).rejects.toThrow(AbortedError);
      }
      // when
      await finetuneRun({ store, runId, progress: (text) => told.push(text) });
      // then: every step was done once
      const steps = (all: readonly string[]) =>
        all.map((text) => text.replace(/^users-\w+: /, '')).filter((text) => / step \d+ of /.test(text));
      expect(steps(told)).toEqual(steps(reference.told));
      const group = night.run.manifest.groups[0]!.name;
      let compared = 0;
      for await (const { key } of store.list(`models/${group}/`)) {
        const own = reference.files[key.split('/').at(-1)!];
        if (!own) continue;
        expect(Buffer.compare(await (await store.get(key)).bytes(), own), key).toBe(0);
        compared++;
      }
      expect(compared).toBe(4);
    },
  );

  it('scores texts that nobody had written before, and tells them among the reasons', async () => {
    // given: twins who differ in words that are new tonight
    const twin = (customer: string, text: string): Event[] => [
      { day: '2025-02-18', customer, what: 'purchase', text: 'green tea' },
      { day: '2025-02-19', customer, what: 'message', text },
    ];
    const { shop } = night;
    const group = night.run.manifest.groups[0]!.name;
    const version = await putModel(shop.store, group, reference.files);
    await promote(shop.store, group, version, { asOf: AS_OF, reason: 'trained' });
    await dropAll(shop, [
      [
        'new.csv',
        csv([...twin('t1', 'this was awful, never ever again'), ...twin('t2', 'lovely honey, many thanks')]),
      ],
    ]);
    const drops = await shop.ingest(() => {});
    const run = await planRun({ ...shop, drops, purpose: 'night', asOf: AS_OF });
    expect(Object.values(run.manifest.champions)).not.toContain(null);
    // when
    const shards = { from: 0, to: 2 };
    await scoreRun({ store: shop.store, runId: run.runId, shards, progress: () => {} });
    // then
    const pseudonyms = createPseudonyms(KEY);
    const seen = new Map<string, { probability: number; reasons: string }>();
    for (let shard = 0; shard < 2; shard++) {
      const bytes = await (await shop.store.get(scoresKey(run.runId, shard))).bytes();
      const { users, tasks } = decodeScores(bytes);
      users.forEach((user, i) => {
        const { probability, reasons } = tasks.purchase!;
        seen.set(pseudonyms.open(user), { probability: probability[i]!, reasons: reasons[i]! });
      });
    }
    expect(seen.get('t1')!.probability).toBeLessThan(0.85 * seen.get('t2')!.probability);
    expect(seen.get('t1')!.reasons).toMatch(/"name":"texts","value":-/);
  });
});
