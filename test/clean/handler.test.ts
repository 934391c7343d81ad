import { describe, expect, it } from 'vitest';
import { type CleanEntry, makeHandler } from '../../functions/clean/handler.ts';
import { formatS3Event, getText, type ObjectStore } from '../../lib/runtime/index.ts';
import { emptyStore, events, pseudonyms, shopOf } from './shop.ts';

const FILE = 'user,time,type,item,quantity,price\nu,2011-05-01,view,a,1,1\n';

function message(messageId: string, body: string) {
  return { messageId, receiptHandle: messageId, body, attributes: { ApproximateReceiveCount: '1' } };
}

function created(key: string): string {
  return formatS3Event({ bucket: 'shop', key, size: 1, etag: 'x' });
}

function handlerOf(store: ObjectStore) {
  const lines: CleanEntry[] = [];
  const givenBack: string[] = [];
  const handle = makeHandler({
    store,
    config: shopOf(events),
    pseudonyms,
    report: (entry) => lines.push(entry),
    giveBack: async (error, { messageId }) => void givenBack.push(`${messageId}: ${error}`),
  });
  return { handle, lines, givenBack };
}

describe('the clean function', () => {
  it('cleans what an event names, once, and ignores what is no drop', async () => {
    // given
    const store = await emptyStore();
    const key = 'drop/shop/a day+more é.csv';
    await store.put(key, FILE);
    const { handle, lines } = handlerOf(store);
    const test = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'shop' });
    const bodies = [
      test,
      created(key),
      created('clean/events/x.arrow'),
      created('drop/shop/'),
      created(key),
      created('drop/shop/gone.csv'),
    ];
    // when
    const result = await handle({ Records: bodies.map((body, i) => message(`m${i}`, body)) });
    // then
    expect(result).toEqual({ batchItemFailures: [] });
    expect(lines).toEqual([
      {
        stage: 'clean',
        message: 'm1',
        key,
        status: 'clean',
        quality: expect.stringMatching(/^quality\/\w+\/\w+\.json$/),
        rowsIn: 1,
        clean: 1,
        quarantined: 0,
        duplicates: 0,
      },
      { stage: 'clean', message: 'm4', key, status: 'done' },
      { stage: 'clean', message: 'm5', key: 'drop/shop/gone.csv', status: 'gone' },
    ]);
  });

  it('a key that no store can hold is told, hidden files are not drops', async () => {
    // given events of keys that S3 takes and Nightjar does not
    const { handle, lines } = handlerOf(await emptyStore());
    const bodies = ['drop/shop//day.csv', 'drop/shop/.DS_Store'].map(created);
    // when
    const result = await handle({ Records: bodies.map((body, i) => message(`m${i}`, body)) });
    // then nothing comes back to the queue
    expect(result).toEqual({ batchItemFailures: [] });
    expect(lines).toEqual([
      {
        stage: 'clean',
        message: 'm0',
        key: 'drop/shop//day.csv',
        status: 'unusable',
        reason: expect.stringMatching(/is no key: one of its parts between '\/' is empty/),
      },
    ]);
  });

  it('files that are no data by their names are left alone, whatever stands in them', async () => {
    // given what Spark and macOS leave beside their parts
    const store = await emptyStore();
    const names = ['_SUCCESS', '.part-0.csv.crc', '_temporary/0/part-0.csv', '__MACOSX/day.csv', 'Thumbs.db'];
    for (const name of names.filter((one) => !one.startsWith('.')))
      await store.put(`drop/shop/${name}`, FILE);
    const { handle, lines } = handlerOf(store);
    // when
    const records = names.map((name) => message(name, created(`drop/shop/${name}`)));
    // then
    expect(await handle({ Records: records })).toEqual({ batchItemFailures: [] });
    expect(lines).toEqual([]);
    for await (const { key } of store.list('')) expect(key).toMatch(/^drop\//);
  });

  it('bad data is refused and done; a fault of the store comes back to the queue alone', async () => {
    // given
    const store = await emptyStore();
    await store.put('drop/shop/bad.csv', '%PDF-1.7');
    await store.put('drop/shop/good.csv', FILE);
    const faulty: ObjectStore = {
      ...store,
      get: (key) => (key.endsWith('good.csv') ? Promise.reject(new Error('disk on fire')) : store.get(key)),
      head: (key) => store.head(key),
      put: (key, body, options) => store.put(key, body, options),
      list: (prefix) => store.list(prefix),
      delete: (key) => store.delete(key),
    };
    const { handle, lines, givenBack } = handlerOf(faulty);
    // when
    const result = await handle({
      Records: [
        message('bad', created('drop/shop/bad.csv')),
        message('good', created('drop/shop/good.csv')),
        message('odd', 'no event'),
      ],
    });
    // then
    expect(result.batchItemFailures).toEqual([{ itemIdentifier: 'good' }, { itemIdentifier: 'odd' }]);
    expect(givenBack).toEqual(['good: Error: disk on fire', expect.stringMatching(/^odd: /)]);
    expect(lines[0]).toMatchObject({ status: 'refused', key: 'drop/shop/bad.csv' });
    const record = lines[0]?.status === 'refused' ? await getText(store, lines[0].quality) : undefined;
    expect(record).toContain('a PDF file');
    expect(lines[1]).toMatchObject({
      status: 'failed',
      message: 'good',
      key: 'drop/shop/good.csv',
      error: expect.stringContaining('disk on fire'),
    });
  });
});
