import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, decodeArrow } from '../../lib/data/index.ts';
import {
  addDay,
  buildDays,
  dayStart,
  daysKey,
  Interner,
  mergeDay,
  readShardDays,
  ShardedFiles,
  type ShardUser,
  type UserDay,
  UserState,
} from '../../lib/features/index.ts';
import { FIRST_DAY, PURCHASE, putDrop, type RawEvent, testConfig, VIEW, withStore } from './shop.ts';

const config = testConfig();
const items = new Interner();
const NAMES = ['', 'tea', 'cup', 'Übertopf'];

/** Fragments of one day: entries as `features` writes them. */
const fragment = fc
  .array(
    fc.record({
      type: fc.constantFrom(VIEW, PURCHASE),
      key: fc.constantFrom(11, 12),
      name: fc.constantFrom(...NAMES),
      time: fc.integer({ min: 0, max: 5 }),
      money: fc.integer({ min: -9, max: 9 }),
      id: fc.constantFrom(0, 0, 1, 2, 3),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) => canonical(list));

function canonical(
  list: { type: number; key: number; name: string; time: number; money: number; id: number }[],
): UserDay {
  const days = list.map(
    (e): UserDay => ({
      day: FIRST_DAY,
      start: 0,
      end: 1,
      entries: {
        type: Uint8Array.of(e.type),
        key: Float64Array.of(e.key),
        time: Float64Array.of(e.time),
        hour: Uint8Array.of(e.time),
        item: Int32Array.of(e.name === '' ? -1 : items.internText(e.name)),
        lines: Int32Array.of(1),
        units: Float64Array.of(1000),
        money: Float64Array.of(e.money),
        id: Uint32Array.of(e.id, 0),
      },
    }),
  );
  return days.reduce((a, b) => mergeDay(a, b, items));
}

function shown({ entries, start, end }: UserDay): unknown[] {
  return Array.from({ length: end - start }, (_, i) => {
    const at = start + i;
    const { type, key, time, hour, item, lines, units, money, id } = entries;
    return [
      ...[type[at], key[at], time[at], hour[at], item[at], lines[at], units[at], money[at]],
      ...[id[2 * at], id[2 * at + 1]],
    ];
  });
}

describe('merging what several drops tell of a day', () => {
  it('is commutative and associative', () => {
    fc.assert(
      fc.property(fragment, fragment, fragment, (a, b, c) => {
        const merge = (x: UserDay, y: UserDay) => mergeDay(x, y, items);
        expect(shown(merge(a, b))).toEqual(shown(merge(b, a)));
        expect(shown(merge(merge(a, b), c))).toEqual(shown(merge(a, merge(b, c))));
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

const one = async (users: Promise<Iterable<ShardUser>>) => [...(await users)];

describe('day rows', () => {
  it('sum equal lines of a visit exactly and keep what tells visits apart', async () => {
    await withStore(async (store) => {
      // given two visits of a day, one with the same item twice in tenths
      const time = FIRST_DAY * 86_400_000;
      const line = { user: 'ann', time, type: PURCHASE, item: 'tea', quantity: 0.1, amount: 30 };
      const events = [line, { ...line, quantity: 0.2 }, { ...line, time: time + 5000, session: 's' }];
      const input = await putDrop(store, config, 'a', events);
      // when the day is read back
      const users = await one(
        readShardDays({ store, config, inputs: [input], shard: 0, shards: 1, before: FIRST_DAY + 1 }),
      );
      // then there are two entries, with integer sums
      const { entries, start, end } = users[0]!.days[0]!;
      expect(end - start).toBe(2);
      expect([...entries.units.subarray(start, end)].sort()).toEqual([100, 300]);
      expect([...entries.money.subarray(start, end)].sort()).toEqual([30, 60]);
    });
  });

  it('are built once, and say so again', async () => {
    await withStore(async (store) => {
      // given a built drop
      await putDrop(store, config, 'a', [{ user: 'ann', time: 0, type: VIEW }]);
      const before = await store.head(daysKey(config, 'clean/events/a/r1.arrow'));
      // when it is built again
      const again = await buildDays({ store, config, cleanKey: 'clean/events/a/r1.arrow' });
      // then nothing is written and the answer is the same
      expect(again).toEqual({ key: before?.key, written: false });
      expect((await store.head(again.key))?.etag).toBe(before?.etag);
    });
  });

  it('of a drop without events are an empty file', async () => {
    await withStore(async (store) => {
      const input = await putDrop(store, config, 'a', [], { batches: 4 });
      const file = decodeArrow(await (await store.get(input.key)).bytes());
      expect(file.batches.map((batch) => batch.numRows)).toEqual([0]);
      const query = { store, config, inputs: [input], shard: 0, shards: 2, before: 99_999 };
      expect(await one(readShardDays(query))).toEqual([]);
    });
  });

  it('are plain lists, equally long', async () => {
    await withStore(async (store) => {
      const events = [VIEW, PURCHASE].map((type) => ({ user: 'ann', time: 7, type, item: 'tea' }));
      const { key } = await putDrop(store, config, 'a', events);
      const [batch] = decodeArrow(await (await store.get(key)).bytes()).batches;
      const row = batch?.get(0)?.toJSON();
      expect(row?.user).toBe('ann');
      expect(Array.from(row?.type ?? [])).toEqual([VIEW, PURCHASE]);
      expect(Array.from(row?.item ?? [])).toEqual(['tea', 'tea']);
      expect(Array.from(row?.lines ?? [])).toEqual([1, 1]);
    });
  });

  it('refuse a key or a file that is no clean events object', async () => {
    await withStore(async (store) => {
      expect(() => daysKey(config, 'clean/users/a/b.arrow')).toThrow(DataError);
      const { key } = await putDrop(store, config, 'a', [{ user: 'ann', time: 0, type: VIEW }]);
      await store.put('clean/events/x/y.arrow', await (await store.get(key)).bytes());
      await expect(buildDays({ store, config, cleanKey: 'clean/events/x/y.arrow' })).rejects.toThrow(
        /column "id" is List<Uint64>, expected Utf8/,
      );
    });
  });
});

describe('shop days', () => {
  it('of 23 and 25 hours hold their own events', async () => {
    const zone = 'Europe/London';
    const local = testConfig({}, zone);
    // given an event an hour before and at each midnight around both changes of clocks of 2011
    const starts = ['2011-03-27', '2011-03-28', '2011-10-30', '2011-10-31'].map(
      (text) => [Date.parse(text) / 86_400_000, text] as const,
    );
    const midnights = starts.map(([day]) => dayStart(zone, day));
    expect((midnights[1]! - midnights[0]!) / 3_600_000).toBe(23);
    expect((midnights[3]! - midnights[2]!) / 3_600_000).toBe(25);
    const events: RawEvent[] = midnights.flatMap((ms) => [
      { user: 'ann', time: ms - 1, type: VIEW },
      { user: 'ann', time: ms, type: VIEW },
    ]);
    await withStore(async (store) => {
      const input = await putDrop(store, local, 'a', events);
      // when the shop's days are read
      const query = { store, config: local, inputs: [input], shard: 0, shards: 1, before: 99_999 };
      const [user] = await one(readShardDays(query));
      // then each event lies in the day that its midnight begins or ends
      const expected = starts.flatMap(([day]) => [day - 1, day]);
      expect(user?.days.map(({ day }) => day)).toEqual([...new Set(expected)]);
    });
  });

  it('begin at the first instant where the clocks skip midnight', () => {
    // 2018-11-04 began at 01:00 in São Paulo
    const day = Date.parse('2018-11-04') / 86_400_000;
    expect(dayStart('America/Sao_Paulo', day)).toBe(Date.parse('2018-11-04T03:00:00Z'));
  });
});

describe('many small drops', () => {
  it('are fetched once for all shards of a job', async () => {
    await withStore(async (store) => {
      // given a store that counts reads
      const users = Array.from({ length: 20 }, (_, i) => `user ${i}`);
      const inputs = [];
      for (let drop = 0; drop < 5; drop++) {
        const events = users.map((user) => ({ user, time: (FIRST_DAY + drop) * 86_400_000, type: VIEW }));
        inputs.push(await putDrop(store, config, `d${drop}`, events));
      }
      let reads = 0;
      const counting = {
        ...bind(store),
        get: (...args: Parameters<typeof store.get>) => {
          reads++;
          return store.get(...args);
        },
      };
      // when four shards are read through one door
      const files = new ShardedFiles(counting);
      const seen: string[] = [];
      for (let shard = 0; shard < 4; shard++) {
        const query = { store: counting, config, inputs, shard, shards: 4, before: 99_999, files };
        for (const { user, days } of await readShardDays(query)) {
          seen.push(user);
          expect(days).toHaveLength(5);
        }
      }
      // then each file was read once, and each user met once
      expect(reads).toBe(5);
      expect(seen.sort()).toEqual(users.sort());
    });
  });
});

describe('a large drop', () => {
  it('is read by the batches that cover the shard', async () => {
    await withStore(async (store) => {
      // given a file of several batches, beyond the size that is fetched whole
      const events = Array.from({ length: 24_000 }, (_, i) => ({
        user: `user ${i % 1500}`,
        time: FIRST_DAY * 86_400_000 + i * 1000,
        type: VIEW,
        item: `a long name of an item: ${i % 97}`,
      }));
      const input = await putDrop(store, config, 'large', events, { batches: 8 });
      const size = (await store.head(input.key))!.size;
      expect(size).toBeGreaterThan(1 << 20);
      let fetched = 0;
      let requests = 0;
      const counting = {
        ...bind(store),
        get: (key: string, options: Parameters<typeof store.get>[1] = {}) => {
          requests++;
          fetched += options.range ? options.range.end - options.range.start : size;
          return store.get(key, options);
        },
      };
      for (const shards of [1, 2, 32]) {
        // when every shard is read, one after the other
        fetched = 0;
        requests = 0;
        const files = new ShardedFiles(counting);
        const lines = new Map<string, number>();
        for (let shard = 0; shard < shards; shard++) {
          const query = { store: counting, config, inputs: [input], shard, shards, before: 99_999, files };
          for (const { user, state, advance } of await readShardDays(query)) {
            advance(99_999);
            lines.set(user, (lines.get(user) ?? 0) + state.get(VIEW, 0));
          }
        }
        // then each user is whole, and the file was fetched once, whatever the number of shards
        expect(lines.size).toBe(1500);
        expect(new Set(lines.values())).toEqual(new Set([16]));
        expect(fetched).toBeLessThan(size * 1.1);
        expect(requests).toBeLessThan(5);
      }
    });
  });
});

function bind<T extends Parameters<typeof putDrop>[0]>(store: T) {
  return {
    get: store.get.bind(store),
    head: store.head.bind(store),
    put: store.put.bind(store),
    list: store.list.bind(store),
    delete: store.delete.bind(store),
  };
}

describe('the fold', () => {
  it('refuses a day that is not later than the last', () => {
    const state = new UserState(config);
    const day = canonical([{ type: VIEW, key: 1, name: 'tea', time: 1, money: 0, id: 0 }]);
    addDay(state, day);
    expect(() => addDay(state, day)).toThrow(/ascending order/);
  });
});
