import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { planRun } from '../../lib/run/index.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { dropAll, hashOf, openShop, SLOW } from './nights.ts';
import { AS_OF, file, shopConfig, shopLog } from './shop.ts';

const JOB = fileURLToPath(new URL('../../containers/finetune/main.ts', import.meta.url));

/** Runs the finetune job as its container would. @returns its exit code, and what it trained */
async function finetuned(root: string, runId: string, env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), JOB], {
    env: { ...process.env, NIGHTJAR_STORE: root, NIGHTJAR_RUN: runId, ...env },
    stdio: 'ignore',
  });
  const [code] = await once(child, 'close');
  const store = await openFolderStore(root, { durable: false });
  const models: Record<string, string> = {};
  for await (const { key } of store.list('models/')) models[key] = await hashOf(store, key);
  return { code, models };
}

it(
  'a training is the same whether one process reads the history or several',
  async () => {
    // given a shop and a run
    const { model } = shopConfig();
    const shop = await openShop(
      shopConfig({ model: { ...model, families: ['logistic'], layers: 0 }, shards: 4 }),
    );
    await dropAll(shop, [['all.csv', file(shopLog(60).filter(({ day }) => day < AS_OF))]]);
    const { runId } = await planRun({
      ...shop,
      drops: await shop.ingest(() => {}),
      purpose: 'night',
      asOf: AS_OF,
    });
    const copy = join(await temporaryFolder(), 'bucket');
    await cp(shop.root, copy, { recursive: true });
    // when two trainings read it, one with two readers beside it
    const alone = await finetuned(shop.root, runId, { NIGHTJAR_READERS: '1' });
    const helped = await finetuned(copy, runId, { NIGHTJAR_READERS: '3' });
    // then they end in the same models
    expect(alone.code).toBe(0);
    expect(Object.keys(alone.models).length).toBeGreaterThan(2);
    expect(helped).toEqual(alone);
  },
  SLOW,
);
