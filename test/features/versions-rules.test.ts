import { describe, expect, it } from 'vitest';
import {
  dayFile,
  type NewestBy,
  readShardDays,
  readShardTexts,
  ShardedFiles,
} from '../../lib/features/index.ts';
import { AS_OF, at, bought, config, type Drop, expectSame, putAll } from './keyed.ts';
import { night } from './night.ts';
import { FIRST_DAY, RETURN, versionsOf, withStore } from './shop.ts';

describe('which version is the newest', () => {
  const amountOf = async (list: readonly Drop[], newestBy?: NewestBy): Promise<number[]> =>
    withStore(async (store) => {
      const inputs = await putAll(store, list);
      const versions = await versionsOf(store, inputs, AS_OF, newestBy ? { newestBy } : {});
      const query = { store, config, inputs: inputs.map(dayFile), shard: 0, shards: 1, before: AS_OF };
      const users = await readShardDays({ ...query, replaced: await versions?.shard(0, 1, AS_OF) });
      return [...users].flatMap(({ days }) =>
        days.flatMap(({ entries, start, end }) => [...entries.money.subarray(start, end)]),
      );
    });
  const drop = (name: string, droppedAt: number, amount: number, version?: number): Drop => ({
    name,
    droppedAt,
    events: [bought('1', { amount, ...(version === undefined ? {} : { version }) })],
  });

  it('is that of the later drop; of drops of one time the one whose name is greater', async () => {
    expect(await amountOf([drop('b', 5, 1), drop('a', 6, 2)])).toEqual([2]);
    expect(await amountOf([drop('b', 5, 1), drop('a', 5, 2)])).toEqual([1]);
    expect(await amountOf([drop('day09', 5, 9), drop('day10', 5, 10), drop('day08', 5, 8)])).toEqual([10]);
  });

  it('is what the column says, before or after the time of the drop; no value is older than any', async () => {
    const list = [drop('a', 1, 1, 7), drop('b', 2, 2, 3), drop('c', 2, 3), drop('d', 1, 4, 7)];
    expect(await amountOf(list, ['version'])).toEqual([4]);
    expect(await amountOf(list, ['version', 'drop'])).toEqual([4]);
    expect(await amountOf(list, ['drop', 'version'])).toEqual([2]);
    expect(await amountOf(list)).toEqual([3]);
    expect(await amountOf([drop('a', 1, 1, -5), drop('b', 2, 2)], ['version'])).toEqual([1]);
  });

  it('is told by the 64 bits of the identity, however near two of them are', async () => {
    await withStore(async (store) => {
      // given identities that differ in one bit of each half, which `bought` could not give
      const words = [
        '00000000ffffffff',
        '00000001ffffffff',
        '00000000fffffffe',
        '8000000000000000',
        '0000000080000000',
      ];
      const { id, ...line } = bought('');
      const events = words.map((rawId) => ({ ...line, rawId }));
      const inputs = await putAll(store, [
        { name: 'a', droppedAt: 1, events },
        { name: 'b', droppedAt: 2, events },
      ]);
      // when both drops are read
      const versions = await versionsOf(store, inputs, AS_OF);
      const query = { store, config, inputs: inputs.map(dayFile), shard: 0, shards: 1, before: AS_OF };
      const [user] = await readShardDays({ ...query, replaced: await versions?.shard(0, 1, AS_OF) });
      // then each counts once
      expect(versions?.replaced).toEqual({ shop: words.length });
      const { entries, start, end } = user!.days[0]!;
      expect(end - start).toBe(words.length);
      expect(entries.lines.subarray(start, end).every((lines) => lines === 1)).toBe(true);
    });
  });
});

describe('what is replaced', () => {
  it('goes whole when its user, day or type moved: no empty day, no user without days, no text', async () => {
    await withStore(async (store) => {
      // given an order of a guest that becomes one of a customer on the next day, and a message taken back
      const old = { ...bought('order', { user: 'guest' }), text: 'to a friend' };
      const inputs = await putAll(store, [
        { name: 'a', droppedAt: 1, events: [old, { ...bought('other'), text: 'kept' }] },
        {
          name: 'b',
          droppedAt: 2,
          events: [{ ...bought('order', { time: at(11), type: RETURN }), text: 'new' }],
        },
      ]);
      const versions = await versionsOf(store, inputs, AS_OF);
      const replaced = await versions?.shard(0, 1, AS_OF);
      const query = { store, config, shard: 0, shards: 1, before: AS_OF, replaced };
      // when days and texts are read
      const users = [...(await readShardDays({ ...query, inputs: inputs.map(dayFile) }))];
      const texts = await readShardTexts({
        ...query,
        inputs: inputs.map(({ dropId, revision: r }) => ({
          dropId,
          key: `clean/events/${dropId}/${r}.arrow`,
        })),
        from: 0,
        files: new ShardedFiles(store),
      });
      // then
      expect(users.map(({ user, days }) => [user, days.map(({ day }) => day - FIRST_DAY)])).toEqual([
        ['ann', [10, 11]],
      ]);
      const { start, end } = texts.rowsOf('ann')!;
      expect([...texts.text.subarray(start, end)].map((id) => texts.texts.text(id))).toEqual(['kept', 'new']);
      expect(texts.rowsOf('guest')).toBeUndefined();
    });
  });

  it('depends on no line from the bound of the reader on: what was planted in the future replaces nothing', async () => {
    await withStore(async (store) => {
      // given a version on the as-of day and one after it, newer than what stands before
      const past = [
        { name: 'a', droppedAt: 1, events: [bought('1'), bought('2'), bought('2', { time: at(12) })] },
      ];
      const planted = [0, 3].map((days) => ({
        name: `planted${days}`,
        droppedAt: 5 + days,
        events: [bought('1', { time: at(30 + days), user: 'bob' }), bought('2', { time: at(30 + days) })],
      }));
      // when
      const one = await night(store, config, {
        runId: 'one',
        asOf: AS_OF,
        inputs: await putAll(store, past),
      });
      const inputs = await putAll(store, [...past, ...planted], 'p');
      const other = await night(store, config, { runId: 'other', asOf: AS_OF, inputs });
      // then the night is the same, and a reader who may look further sees what is newer there
      expectSame(other, one);
      expect(other.replaced).toEqual({});
      const versions = await versionsOf(store, inputs, AS_OF);
      const read = async (before: number) => {
        const query = { store, config, inputs: inputs.map(dayFile), shard: 0, shards: 1, before };
        const users = await readShardDays({ ...query, replaced: await versions?.shard(0, 1, before) });
        return [...users].map(({ user, days }) => [user, days.map(({ day }) => day - FIRST_DAY)]);
      };
      expect(await read(AS_OF)).toEqual([['ann', [10, 12]]]);
      expect((await read(AS_OF + 1)).sort()).toEqual([
        ['ann', [30]],
        ['bob', [30]],
      ]);
      expect((await read(AS_OF + 9)).sort()).toEqual([
        ['ann', [33]],
        ['bob', [33]],
      ]);
    });
  });

  it('is never a line without an identity, nor one of another source', async () => {
    await withStore(async (store) => {
      const { id, ...unnamed } = bought('');
      const inputs = await putAll(store, [
        { name: 'a', droppedAt: 1, events: [unnamed, bought('1')] },
        { name: 'b', droppedAt: 2, events: [unnamed, unnamed] },
        { name: 'c', droppedAt: 3, source: 'till', events: [bought('1')] },
      ]);
      const versions = await versionsOf(store, inputs, AS_OF);
      expect(versions?.replaced).toEqual({});
      expect(await versions?.shard(0, 1, AS_OF)).toBeUndefined();
    });
  });
});
