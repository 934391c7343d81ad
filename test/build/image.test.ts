import { execFile } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { likeTarget } from '../../bin/build/index.ts';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { canonicalJson } from '../../lib/data/index.ts';
import { planRun, submitRun } from '../../lib/run/index.ts';
import { type JobDefinition, type LocalBatch, openLocalBatch } from '../../lib/runtime/index.ts';
import { dropsOf, lookAt, night, openShop } from '../e2e/nights.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { builtPackages } from './packages.ts';

const config: ConfigInput = {
  shop: { timeZone: 'UTC' },
  sources: {
    visits: {
      format: 'csv',
      table: 'labels',
      columns: { label: 'bought' },
      attributes: { numbers: ['pages'], categories: ['device'] },
      duplicates: 'keep',
    },
  },
  tasks: { bought: { kind: 'label', source: 'visits', positive: 'yes' } },
  training: { steps: 10, batchSize: 64, threads: 1 },
  model: { hidden: 8, members: 2 },
};

const KEY = 'drop/visits/table.csv';
const VISITS = `pages,device,bought\n${Array.from({ length: 200 }, (_, i) => {
  const pages = (i * 7) % 30;
  return `${pages},${i % 3 === 0 ? 'phone' : 'desktop'},${(pages + (i % 11)) % 37 > 18 ? 'yes' : 'no'}`;
}).join('\n')}\n`;

describe.skipIf(!likeTarget())(
  'the image, with what its own lock file installs',
  { timeout: 180_000 },
  () => {
    let image: string;
    let batch: LocalBatch | undefined;

    beforeAll(async () => {
      image = join(await temporaryFolder(), 'image');
      await cp((await builtPackages()).image, image, { recursive: true });
      await promisify(execFile)('npm', ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'], {
        cwd: image,
      });
    }, 180_000);

    afterAll(async () => {
      await batch?.close();
      await rm(image, { recursive: true, force: true });
    });

    /** Its jobs as processes that see nothing of the checkout. */
    function jobsOf({ root, keyFile }: Workspace): LocalBatch {
      const command = (job: JobDefinition) => ({
        command: process.execPath,
        args: [join(image, 'app', `${job}.mjs`)],
        env: { NIGHTJAR_STORE: root, NIGHTJAR_KEY_FILE: keyFile },
      });
      return openLocalBatch({
        commands: {
          finetune: command('finetune'),
          score: command('score'),
          export: command('export'),
          clean: command('clean'),
        },
        environment: { PATH: process.env.PATH },
        logs: `${root}.logs`,
      });
    }

    it('runs a night from a drop to its exports, with the same bytes as the checkout', async () => {
      // given
      const shop = await openShop(config);
      const { store } = shop;
      await store.put(KEY, VISITS);
      await store.put('config/here.json', canonicalJson(shop.config));
      batch = jobsOf(shop);
      // when
      const cleaned = await batch.submit({
        name: 'clean',
        definition: 'clean',
        environment: { NIGHTJAR_DROP: KEY, NIGHTJAR_CONFIG: 'config/here.json' },
      });
      expect(await batch.wait(cleaned)).toMatchObject({ status: 'SUCCEEDED' });
      const drops = await dropsOf(shop);
      const run = await planRun({ store, config: shop.config, drops, purpose: 'night', asOf: null });
      await submitRun({ store, batch, ...run, stages: ['finetune', 'score', 'export'] });
      // then
      const there = await lookAt(store, run);
      const other = await openShop(config);
      await other.store.put(KEY, VISITS);
      const here = await night(other, null);
      expect(there.runId).toBe(here.runId);
      expect(there.models).toEqual(here.models);
      expect(Object.keys(there.exports)).toContain('table-bought/parquet/table-bought.parquet');
      expect(there.exports).toEqual(here.exports);
    });
  },
);
