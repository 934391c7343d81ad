import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createLocalQueue,
  formatS3Event,
  getText,
  notifyingStore,
  openFolderStore,
  parseS3Event,
  QueueError,
} from '../../lib/runtime/index.ts';
import { objectStoreContract } from './object-store-contract.ts';
import { temporaryFolder } from './temp.ts';

objectStoreContract('notifying store', async () => {
  const store = await openFolderStore(await temporaryFolder(), { durable: false });
  const queue = createLocalQueue({ name: 'all', clock: () => 0 });
  return notifyingStore(store, [{ prefix: '', queue }]);
});

async function setUp() {
  const queue = createLocalQueue({ name: 'drops', clock: () => 0 });
  const inner = await openFolderStore(await temporaryFolder(), { durable: false });
  const store = notifyingStore(inner, [{ prefix: 'drop/', queue }], 'shop');
  return { queue, store };
}

describe('a notifying store', () => {
  it('tells of new objects under the prefix, in the form of S3', async () => {
    // given
    const { queue, store } = await setUp();
    // when
    await store.put('drop/shop/días 1+2.csv', 'grüße');
    await store.put('elsewhere/x', 'x');
    // then
    const messages = await queue.receive(10);
    expect(messages).toHaveLength(1);
    const etag = (await store.head('drop/shop/días 1+2.csv'))?.etag;
    expect(JSON.parse(messages[0]?.body ?? '')).toEqual({
      Records: [
        {
          eventSource: 'aws:s3',
          eventName: 'ObjectCreated:Put',
          s3: {
            bucket: { name: 'shop' },
            object: { key: 'drop/shop/d%C3%ADas+1%2B2.csv', size: 7, eTag: etag },
          },
        },
      ],
    });
    expect(parseS3Event(messages[0]?.body ?? '')).toEqual([
      { bucket: 'shop', key: 'drop/shop/días 1+2.csv', size: 7, etag },
    ]);
  });

  it('counts the bytes of streams', async () => {
    const { queue, store } = await setUp();
    async function* body() {
      yield Buffer.alloc(1000);
      yield Buffer.alloc(234);
    }
    await store.put('drop/big', body());
    const [message] = await queue.receive();
    expect(parseS3Event(message?.body ?? '')[0]?.size).toBe(1234);
    expect(await getText(store, 'drop/big')).toHaveLength(1234);
  });

  it('is silent about what was not written', async () => {
    const { queue, store } = await setUp();
    await store.put('drop/a', 'x');
    await store.put('drop/a', 'y', { ifAbsent: true });
    await store.put('drop/a', 'y', { ifMatch: 'outdated' });
    await store.delete('drop/a');
    expect(await queue.depth()).toEqual({ waiting: 1, inFlight: 0, dead: 0 });
  });
});

describe('S3 events', () => {
  it('carry any key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (key) => {
        const created = { bucket: 'b', key, size: 1, etag: 'e' };
        expect(parseS3Event(formatS3Event(created))).toEqual([created]);
      }),
      { seed: 20110910 },
    );
  });

  it('of other kinds, and the test message, name no new objects', () => {
    expect(parseS3Event('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}')).toEqual([]);
    expect(parseS3Event('{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{}}]}')).toEqual([]);
  });

  it('that are none are told from those that are', () => {
    const object = { key: 'k', size: 1, eTag: 'e' };
    const record = (s3: unknown) => JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3 }] });
    for (const body of [
      '',
      'null',
      '[]',
      '{}',
      '{"Records":[null]}',
      '{"Records":[{}]}',
      record(undefined),
      record({ object }),
      record({ bucket: {}, object }),
      record({ bucket: { name: 'b' }, object: { ...object, size: '1' } }),
      record({ bucket: { name: 'b' }, object: { ...object, key: '%' } }),
    ]) {
      expect(() => parseS3Event(body), body).toThrow(QueueError);
    }
  });
});
