import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { AbortedError } from '../../lib/engine/host/index.ts';
import { decodeCheckpoint } from '../../lib/engine/train/index.ts';
import { finetuneRun } from '../../lib/models/index.ts';
import { type PlannedRun, planRun } from '../../lib/run/index.ts';
import { EXIT_RETRY, type ObjectStore, openFolderStore, readJson } from '../../lib/runtime/index.ts';
import { scoreRun } from '../../lib/score/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { dropAll, hashOf, openShop, SLOW } from './nights.ts';
import { AS_OF, file, shopConfig, shopLog } from './shop.ts';

const JOB = fileURLToPath(new URL('../../containers/finetune/main.ts', import.meta.url));
const defaults = shopConfig();
/** Fits of some hundred steps: long enough to be seen at work. */
const config = shopConfig({
  tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 10 } },
  model: { ...defaults.model, families: ['network'], layers: 0 },
  training: { ...defaults.training, steps: 400, batchSize: 8 },
  shards: 4,
});

let shop: Workspace;
let run: PlannedRun;
/** The bucket after finetune, undisturbed. */
let trained: string;
let whole: ObjectStore;

beforeAll(async () => {
  shop = await openShop(config);
  await dropAll(shop, [['all.csv', file(shopLog(60).filter(({ day }) => day < AS_OF))]]);
  const drops = await shop.ingest(() => {});
  run = await planRun({ ...shop, drops, purpose: 'night', asOf: AS_OF });
  trained = await copyOf(shop.root);
  whole = await openFolderStore(trained, { durable: false });
  await finetuneRun({ store: whole, runId: run.runId, progress: () => {} });
}, SLOW);

async function copyOf(root: string): Promise<string> {
  const folder = join(await temporaryFolder(), 'bucket');
  await cp(root, folder, { recursive: true });
  return folder;
}

/** SHA-256 of every object below a prefix. */
async function objectsIn(store: ObjectStore, prefix: string): Promise<Record<string, string>> {
  const objects: Record<string, string> = {};
  for await (const { key } of store.list(prefix)) objects[key] = await hashOf(store, key);
  return objects;
}

/** What the run left beside its models, but for the seconds that each candidate took. */
async function recordsOf(store: ObjectStore): Promise<Record<string, unknown>> {
  const records: Record<string, unknown> = {};
  for await (const { key } of store.list(`runs/${run.runId}/`)) {
    const { costs: _, ...record } = (await readJson<Record<string, unknown>>(store, key))!;
    records[key] = record;
  }
  return records;
}

/** Runs the finetune job as its container would. @param signal sent as soon as the job tells of a step */
async function finetuneJob(root: string, signal?: NodeJS.Signals) {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), JOB], {
    env: { PATH: process.env.PATH, NIGHTJAR_STORE: root, NIGHTJAR_RUN: run.runId },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (signal && / step \d+ of /.test(line)) child.kill(signal);
  }
  const [code, by] = await ended;
  return { code, by };
}

it(
  'finetune ends with 75 on SIGTERM and leaves a checkpoint; started again it ends with the same model, even killed',
  async () => {
    // given
    const root = await copyOf(shop.root);
    const store = await openFolderStore(root, { durable: false });
    // when it is told to end
    expect(await finetuneJob(root, 'SIGTERM')).toEqual({ code: EXIT_RETRY, by: null });
    // then the fit that it was at stands as it was
    const kept: string[] = [];
    for await (const { key } of store.list(`fits/${run.runId}/`)) kept.push(key);
    const checkpoint = decodeCheckpoint(await (await store.get(kept.at(-1)!)).bytes());
    expect(checkpoint.step).toBeGreaterThan(0);
    expect(await objectsIn(store, 'models/')).toEqual({});
    // when it is killed, and started for the last time
    expect(await finetuneJob(root, 'SIGKILL')).toEqual({ code: null, by: 'SIGKILL' });
    expect(await finetuneJob(root)).toEqual({ code: 0, by: null });
    // then
    expect(await objectsIn(store, 'models/')).toEqual(await objectsIn(whole, 'models/'));
    expect(await recordsOf(store)).toEqual(await recordsOf(whole));
  },
  SLOW,
);

it(
  'score begins no shard once it is told to end, and scores the rest when it is started again',
  async () => {
    // given
    const { runId } = run;
    const store = await openFolderStore(await copyOf(trained), { durable: false });
    const undisturbed = await openFolderStore(await copyOf(trained), { durable: false });
    const shards = { from: 0, to: 4 };
    await scoreRun({ store: undisturbed, runId, shards, progress: () => {} });
    // when
    const stop = new AbortController();
    const told: string[] = [];
    const progress = (text: string) => {
      told.push(text);
      if (told.length === 2) stop.abort();
    };
    await expect(scoreRun({ store, runId, shards, progress, signal: stop.signal })).rejects.toThrow(
      AbortedError,
    );
    // then
    expect(Object.keys(await objectsIn(store, 'scores/')).length).toBe(2);
    await scoreRun({ store, runId, shards, progress });
    expect(told.map((text) => text.replace(/\d+ users/, 'scored now'))).toEqual([
      'shard 1 of 4: scored now',
      'shard 2 of 4: scored now',
      'shard 1 of 4: scored before',
      'shard 2 of 4: scored before',
      'shard 3 of 4: scored now',
      'shard 4 of 4: scored now',
    ]);
    expect(await objectsIn(store, 'scores/')).toEqual(await objectsIn(undisturbed, 'scores/'));
    expect(await objectsIn(store, 'snapshots/')).toEqual(await objectsIn(undisturbed, 'snapshots/'));
  },
  SLOW,
);
