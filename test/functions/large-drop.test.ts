import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, watch } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type CleanEntry, makeHandler } from '../../functions/clean/handler.ts';
import { engineWithin, sendDrop } from '../../lib/clean/index.ts';
import { parseConfig } from '../../lib/config/index.ts';
import { canonicalJson, contentId } from '../../lib/data/index.ts';
import {
  type BatchRunner,
  formatS3Event,
  getText,
  type JobDescription,
  type LocalBatch,
  openLocalBatch,
} from '../../lib/runtime/index.ts';
import { emptyFolder, events, pseudonyms, shopOf, storeIn } from './shop.ts';

const LIMITS = { plainMiB: 1, gzipMiB: 1 };
const key = 'drop/shop/large.csv';
/** A little above 1 MiB. */
const CONTENT = `user,time,type,item,quantity,price\n${Array.from(
  { length: 30_000 },
  (_, i) => `user-${i % 999},2011-05-${1 + (i % 28)} 08:00:00,purchase,item-${i % 77},1,2.50`,
).join('\n')}\n`;

const CLEAN_JOB = [
  '--import',
  import.meta.resolve('tsx'),
  fileURLToPath(new URL('../../containers/clean/main.ts', import.meta.url)),
];

const running: LocalBatch[] = [];

afterEach(async () => {
  for (const batch of running.splice(0)) await batch.close();
});

async function shop() {
  const { folder, keyFile } = await emptyFolder();
  const store = await storeIn(folder);
  const config = shopOf(events);
  const env = { NIGHTJAR_STORE: folder, NIGHTJAR_KEY_FILE: keyFile };
  const command = { command: process.execPath, args: CLEAN_JOB, env };
  const batch = openLocalBatch({ commands: { clean: command }, logs: `${folder}.logs` });
  running.push(batch);
  const entries: CleanEntry[] = [];
  const handle = makeHandler({
    store,
    config,
    pseudonyms,
    large: { batch, limits: LIMITS },
    report: (entry) => entries.push(entry),
  });
  return { store, config, batch, entries, handle, folder, env };
}

const told = (...keys: string[]) => toldAgain(1, ...keys);

/** @param delivery of each message */
function toldAgain(delivery: number, ...keys: string[]) {
  return {
    Records: keys.map((dropped, i) => ({
      messageId: `m${i}`,
      receiptHandle: `m${i}`,
      body: formatS3Event({ bucket: 'shop', key: dropped, size: 1, etag: 'x' }),
      attributes: { ApproximateReceiveCount: String(delivery) },
    })),
  };
}

describe('a drop that is too large for the function', () => {
  it('is cleaned by one job, with the same result, and is done afterwards', async () => {
    // given
    const { store, config, batch, entries, handle } = await shop();
    await store.put(key, CONTENT);
    // when: it is told of twice before the job has ended
    const result = await handle(told(key, key));
    // then
    expect(result).toEqual({ batchItemFailures: [] });
    expect(entries).toMatchObject([
      { status: 'sent to batch', submitted: true, job: expect.stringMatching(/^clean-\w{16}-\w{16}$/) },
      { status: 'sent to batch', submitted: false },
    ]);
    const job = entries[0]?.status === 'sent to batch' ? entries[0].job : '';
    const jobs = await batch.list(job);
    expect(jobs).toHaveLength(1);
    const settings = await getText(store, `config/${contentId(config)}.json`);
    expect(parseConfig(JSON.parse(settings!))).toEqual(config);
    // when
    expect(await batch.wait(jobs[0]!.id)).toMatchObject({ status: 'SUCCEEDED' });
    await handle(told(key));
    // then
    expect(entries[2]).toMatchObject({ status: 'done' });
    // and the function's own work on the same drop would have written the same bytes
    const here = await shop();
    await here.store.put(key, CONTENT);
    const inPlace = makeHandler({
      store: here.store,
      config,
      pseudonyms,
      report: (entry) => here.entries.push(entry),
    });
    await inPlace(told(key));
    expect(here.entries).toMatchObject([{ status: 'clean', rowsIn: 30_000 }]);
    expect(await written(store, 'clean/')).toEqual(await written(here.store, 'clean/'));
  });

  it('is left alone after three of its jobs have failed', async () => {
    // given a runner that remembers failed jobs of every name
    const { store, config } = await shop();
    await store.put(key, CONTENT);
    const failed: JobDescription[] = [];
    const submitted: string[] = [];
    const batch: BatchRunner = {
      submit: async ({ name }) => String(submitted.push(name)),
      describe: async () => failed,
      list: async () => failed,
    };
    const send = () => sendDrop({ store, config, batch, limits: LIMITS, key, delivery: 1 });
    // when / then
    for (const id of ['1', '2', '3']) {
      expect((await send())?.submitted).toBe(true);
      failed.push({ id, name: 'clean', status: 'FAILED', createdAt: new Date(0) });
    }
    expect((await send())?.submitted).toBe(false);
    expect(submitted).toHaveLength(3);
  });

  it('goes by the size as it lies there: small, packed, gone and refused ones stay with the function', async () => {
    // given
    const { store, entries, handle } = await shop();
    await store.put('drop/shop/small.csv', CONTENT.slice(0, CONTENT.indexOf('\n', 1000) + 1));
    await store.put('drop/shop/large.csv.gz', new Uint8Array((1 << 20) + 1));
    // when
    await handle(told('drop/shop/small.csv', 'drop/shop/gone.csv', 'drop/shop/large.csv.gz'));
    // then
    expect(entries.map(({ status }) => status)).toEqual(['clean', 'gone', 'sent to batch']);
  });

  it('whose job is told to end while it works leaves nothing half, and is done by the next attempt', async () => {
    // given
    const { store, config, folder, env } = await shop();
    await store.put(key, CONTENT);
    await store.put('config/here.json', canonicalJson(config));
    const temporary = `${folder}.temporary`;
    await mkdir(temporary);
    const start = () =>
      spawn(process.execPath, CLEAN_JOB, {
        env: {
          PATH: process.env.PATH,
          TMPDIR: temporary,
          ...env,
          NIGHTJAR_DROP: key,
          NIGHTJAR_CONFIG: 'config/here.json',
        },
        stdio: 'ignore',
      });
    // when: it has begun to lay the drop out for the engine
    const changes = watch(temporary);
    const first = start();
    const ended = once(first, 'exit');
    for await (const { filename } of changes) if (filename?.startsWith('nightjar-clean-')) break;
    first.kill('SIGTERM');
    // then
    expect(await ended).toEqual([75, null]);
    for await (const object of store.list('quality/')) expect(object).toBeUndefined();
    // when
    expect(await once(start(), 'exit')).toEqual([0, null]);
    // then
    expect(await written(store, 'quality/')).toHaveLength(1);
  });
});

describe('a drop whose message comes again, and that is not done', () => {
  const small = 'drop/shop/small.csv';
  const few = CONTENT.slice(0, CONTENT.indexOf('\n', 1000) + 1);

  it.each([2, 3])(
    'goes to a job by itself at delivery %i: the function may have died of it',
    async (delivery) => {
      // given: the function was killed while it cleaned it, and said nothing
      const { store, batch, entries, handle } = await shop();
      await store.put(small, few);
      // when
      const result = await handle(toldAgain(delivery, small));
      // then
      expect(result).toEqual({ batchItemFailures: [] });
      expect(entries).toMatchObject([{ status: 'sent to batch', why: 'again', submitted: true, key: small }]);
      const job = entries[0]?.status === 'sent to batch' ? entries[0].job : '';
      expect(await batch.wait((await batch.list(job))[0]!.id)).toMatchObject({ status: 'SUCCEEDED' });
      // and: yet another delivery does nothing
      await handle(toldAgain(delivery + 1, small));
      expect(entries[1]).toMatchObject({ status: 'done' });
      expect(await batch.list(job)).toHaveLength(1);
    },
  );

  it('stays with the function where it was done, is gone, or where there are no jobs', async () => {
    // given
    const { store, config, entries, handle } = await shop();
    await store.put(small, few);
    await handle(told(small));
    // when
    await handle(toldAgain(2, small, 'drop/shop/gone.csv'));
    // then
    expect(entries.map(({ status }) => status)).toEqual(['clean', 'done', 'gone']);
    // and: without a runner
    const here = await shop();
    await here.store.put(small, few);
    const report = (entry: CleanEntry) => void here.entries.push(entry);
    await makeHandler({ store: here.store, config, pseudonyms, report })(toldAgain(2, small));
    expect(here.entries).toMatchObject([{ status: 'clean' }]);
  });
});

it('the engine gets half of the memory, and processors up to four', () => {
  expect(engineWithin(3008, 2)).toEqual({ threads: 2, memoryLimit: '1504MiB' });
  expect(engineWithin(Number(undefined), 16)).toEqual({ threads: 4 });
});

async function written(store: Awaited<ReturnType<typeof storeIn>>, prefix: string) {
  const objects: [string, string][] = [];
  for await (const { key: object } of store.list(prefix)) {
    objects.push([object, Buffer.from(await (await store.get(object)).bytes()).toString('base64')]);
  }
  expect(objects.length).toBeGreaterThan(0);
  return objects;
}
