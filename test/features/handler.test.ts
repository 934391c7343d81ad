import { describe, expect, it } from 'vitest';
import { makeHandler } from '../../functions/features/handler.ts';
import { encodeArrow } from '../../lib/data/index.ts';
import { daysKey } from '../../lib/features/index.ts';
import { formatS3Event } from '../../lib/runtime/index.ts';
import { cleanBatches, testConfig, VIEW, withStore } from './shop.ts';

const config = testConfig();

function message(messageId: string, body: string) {
  return { messageId, receiptHandle: messageId, body, attributes: { ApproximateReceiveCount: '1' } };
}

const created = (key: string) => formatS3Event({ bucket: 'shop', key, size: 1, etag: 'e' });

describe('the features function', () => {
  it('builds days of clean events, leaves other objects alone and names what failed', async () => {
    await withStore(async (store) => {
      // given messages about an events object, other tables, an object that is gone, and nonsense
      const cleanKey = 'clean/events/a/r1.arrow';
      const batches = cleanBatches([{ user: 'ann', time: 0, type: VIEW }]);
      await store.put(cleanKey, encodeArrow([...batches[0]!.schema.fields], batches));
      const failed: string[] = [];
      const givenBack: string[] = [];
      const handler = makeHandler({
        store,
        config,
        onError: (_, id) => failed.push(id),
        giveBack: async (_, { messageId }) => void givenBack.push(messageId),
      });
      const event = {
        Records: [
          message('events', created(cleanKey)),
          message('again', created(cleanKey)),
          message('users', created('clean/users/a/r1.arrow')),
          message('gone', created('clean/events/b/r1.arrow')),
          message('nonsense', '{}'),
        ],
      };
      // when they are handled
      const result = await handler(event);
      // then only the last two failed, and the days stand
      expect(result.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual([
        'gone',
        'nonsense',
      ]);
      expect(failed).toEqual(['gone', 'nonsense']);
      expect(givenBack).toEqual(failed);
      expect(await store.head(daysKey(config, cleanKey))).toBeDefined();
    });
  });
});
