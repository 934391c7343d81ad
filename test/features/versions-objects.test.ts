import { describe, expect, it } from 'vitest';
import { DataError, decodeArrow } from '../../lib/data/index.ts';
import { guardedStore, Turns } from '../run/kit.ts';
import { AS_OF, bought, type Drop, putAll } from './keyed.ts';
import { FIRST_DAY, versionsOf, withStore } from './shop.ts';

describe('the objects of versions', () => {
  const list: Drop[] = ['a', 'b', 'c'].map((name, i) => ({
    name,
    droppedAt: i,
    events: Array.from({ length: 40 }, (_, n) =>
      bought(`order ${n * (i + 1)}`, { user: `user ${n % 9}`, version: n }),
    ),
  }));

  it('are the same whoever writes them, and are written and read once', async () => {
    await withStore(async (store) => {
      // given
      const inputs = await putAll(store, list);
      const calls: string[] = [];
      const counting = guardedStore(store, {
        before: async (call) => void calls.push(call),
        after: async () => {},
      });
      // when two jobs ask at once, and a third one later
      const both = await Promise.all([0, 1].map(() => versionsOf(counting, inputs, AS_OF)));
      const before = calls.splice(0).filter((call) => call.startsWith('put'));
      const third = await versionsOf(counting, inputs, AS_OF);
      // then
      expect(both[0]?.replaced).toEqual(both[1]?.replaced);
      expect(third?.replaced).toEqual({ shop: 27 + 14 });
      expect(new Set(before).size).toBe(2);
      expect(calls).toEqual([expect.stringMatching(/^get versions\/[0-9a-f]{16}\/summary\.json$/)]);
      // and one row says which drop counts for each event that two tell of
      expect((await third?.shard(0, 1, AS_OF))?.size).toBe(27 + 14 - 7);
    });
  });

  it('of many lines are cut into parts, which jobs that start together share, whichever begins where', async () => {
    await withStore(async (store) => {
      // given three jobs that go on in turns, of a run that says it has 12 million lines
      const inputs = await putAll(store, list);
      const times = 100_000;
      const wanted = await versionsOf(store, inputs, AS_OF);
      const turns = new Turns(3);
      const parts: string[][] = [[], [], []];
      const jobs = [0, 1, 2].map((job) => {
        const guard = turns.guard(job);
        const own = guardedStore(store, {
          before: async (call) => {
            await guard.before(call);
            if (/^put .*part.*json/.test(call)) parts[job]!.push(call);
          },
          after: guard.after,
        });
        return turns.watch(job, versionsOf(own, inputs, AS_OF, { times, begin: job / 3, shards: 2 }));
      });
      // when
      while ([0, 1, 2].some((job) => !turns.over(job))) for (const job of [0, 1, 2]) await turns.step(job);
      const found = await Promise.all(jobs);
      // then each has done some, together hardly more than there is, and the answers are those of one part
      expect(new Set(parts.flat()).size).toBe(8);
      expect(parts.flat().length).toBeLessThanOrEqual(11);
      for (const own of parts) expect(own.length).toBeGreaterThan(0);
      for (const own of found) expect(own?.replaced).toEqual(wanted?.replaced);
      const again = await versionsOf(store, inputs, AS_OF, { times, shards: 2 });
      expect((await again?.shard(0, 1, AS_OF))?.size).toBe((await wanted?.shard(0, 1, AS_OF))?.size);
    });
  });

  it('cost a run nothing where no source has two drops', async () => {
    await withStore(async (store) => {
      const inputs = await putAll(store, [list[0]!, { ...list[1]!, source: 'till' }]);
      const closed = guardedStore(store, {
        before: (call) => Promise.reject(new Error(call)),
        after: async () => {},
      });
      expect(await versionsOf(closed, inputs, AS_OF)).toBeUndefined();
    });
  });

  it('of keys are plain columns: identity, user, day and version of each line', async () => {
    await withStore(async (store) => {
      await putAll(store, [
        { name: 'a', droppedAt: 1, events: [bought('1', { version: 2.5 }), bought('2')] },
      ]);
      const keys: string[] = [];
      for await (const { key } of store.list('keys/')) keys.push(key);
      expect(keys).toEqual([expect.stringMatching(/^keys\/[0-9a-f]{16}\/a\/r1\.arrow$/)]);
      const { schema, batches } = decodeArrow(await (await store.get(keys[0]!)).bytes());
      expect(schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
        'id Uint64',
        'hash Uint32',
        'day Int32',
        'version Float64',
      ]);
      expect([...batches[0]!].map((row) => [row.day, row.version])).toEqual([
        [FIRST_DAY + 10, 2.5],
        [FIRST_DAY + 10, null],
      ]);
    });
  });

  it('of keys stand before the day rows do, and are not missed where somebody deleted them', async () => {
    await withStore(async (store) => {
      // given a store that fails with the day rows of a drop
      const failing = guardedStore(store, {
        before: async (call) => {
          if (call.startsWith('put days/')) throw new Error('killed');
        },
        after: async () => {},
      });
      await expect(putAll(failing, [list[0]!])).rejects.toThrow('killed');
      const standing = async (prefix: string) => {
        const keys: string[] = [];
        for await (const { key } of store.list(prefix)) keys.push(key);
        return keys;
      };
      expect(await standing('days/')).toEqual([]);
      const [key] = await standing('keys/');
      // when all is built after all, and the identities are deleted
      const inputs = await putAll(store, list);
      await store.delete(key!);
      // then they are read from the clean rows
      expect((await versionsOf(store, inputs, AS_OF))?.replaced).toEqual({ shop: 27 + 14 });
    });
  });

  it('refuse an identity of another form', async () => {
    await withStore(async (store) => {
      const { id, ...line } = bought('');
      for (const [i, rawId] of ['', 'order 1', '00000000FFFFFFFF', '00000000ffffffff0'].entries()) {
        const drop = { name: `drop${i}`, droppedAt: 1, events: [{ ...line, rawId }] };
        await expect(putAll(store, [drop])).rejects.toThrow(DataError);
      }
    });
  });
});
