import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeHandler } from '../../functions/clean/handler.ts';
import { cleanDrop } from '../../lib/clean/index.ts';
import { loadConfig, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms, decodeArrow } from '../../lib/data/index.ts';
import { encodeDays } from '../../lib/features/index.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { formatS3Event } from '../../lib/runtime/s3-events.ts';
import { bytewise, jsonwise, several } from './mutate.ts';
import type { Reader } from './reader.ts';

/** Settings, messages, and files of our own that stand in the store. */

const utf8 = (value: unknown) => Buffer.from(JSON.stringify(value), 'utf8');
const example = (name: string) => new URL(`../../examples/${name}`, import.meta.url).pathname;

/** What a config file exports. Patterns and texts of SQL are texts here: DuckDB sees them when a drop is cleaned. */
export async function config(): Promise<Reader> {
  const names = ['online-retail', 'complete-journey', 'online-shoppers', 'support-intents', 'taobao-sample'];
  const seeds = await Promise.all(names.map(async (name) => utf8((await loadConfig(example(name))).config)));
  return {
    seeds,
    mutate: several(jsonwise),
    async read(bytes) {
      parseConfig(JSON.parse(Buffer.from(bytes).toString('utf8')));
      return 'read';
    },
  };
}

/** The body of a message in the queue of new drops. Whatever it holds, the handler answers; what is no event is given back. */
export async function s3Event(): Promise<Reader> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-fuzz-'));
  const handle = makeHandler({
    store: await openFolderStore(folder, { durable: false }),
    config: parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {} }),
    pseudonyms: createPseudonyms(new Uint8Array(64).fill(7)),
    report() {},
  });
  const event = { bucket: 'shop', key: 'drop/shop/a b+c.csv', size: 12, etag: 'abc' };
  return {
    seeds: [
      Buffer.from(formatS3Event(event)),
      Buffer.from(formatS3Event({ ...event, key: 'clean/x' })),
      utf8({ Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2026-01-01T00:00:00.000Z', Bucket: 'shop' }),
    ],
    mutate: several(jsonwise, jsonwise, bytewise),
    async read(bytes) {
      const body = Buffer.from(bytes).toString('utf8');
      const { batchItemFailures } = await handle({
        Records: [{ messageId: '1', receiptHandle: '1', body, attributes: { ApproximateReceiveCount: '1' } }],
      });
      return batchItemFailures.length > 0 ? 'refused' : 'read';
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The clean rows of a drop whose bytes are no longer those that were written, read as the features function does. */
export async function arrow(): Promise<Reader> {
  return {
    seeds: [await cleanRows()],
    mutate: several(bytewise),
    async read(bytes) {
      const name = 'clean/events/0123456789abcdef/0123456789abcdef.arrow';
      encodeDays(decodeArrow(bytes, name).batches, name);
      return 'read';
    },
  };
}

async function cleanRows(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-fuzz-'));
  const store = await openFolderStore(folder, { durable: false });
  const columns = {
    user: 'user',
    time: 'time',
    type: 'type',
    item: 'item',
    quantity: 'quantity',
    price: 'price',
  };
  const rows = Array.from({ length: 60 }, (_, i) => {
    return `C-${i % 17},2026-05-${String(1 + (i % 28)).padStart(2, '0')} 10:00:00,purchase,sku-${i % 7},${1 + (i % 3)},9.99`;
  });
  await store.put('drop/shop/a.csv', `${Object.keys(columns).join()}\n${rows.join('\n')}\n`);
  const result = await cleanDrop({
    store,
    config: parseConfig({
      shop: { timeZone: 'UTC' },
      sources: { shop: { table: 'events', prefix: 'shop/', format: 'csv', columns } },
      tasks: {},
    }),
    pseudonyms: createPseudonyms(new Uint8Array(64).fill(7)),
    key: 'drop/shop/a.csv',
  });
  if (!('quality' in result) || !result.keys.clean) throw new Error(`the drop is ${result.status}`);
  const bytes = await (await store.get(result.keys.clean)).bytes();
  await rm(folder, { recursive: true });
  return bytes;
}
