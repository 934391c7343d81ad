import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, decodeArrow } from '../../lib/data/index.ts';
import {
  ByteCache,
  type NewestBy,
  readShardDays,
  readShardTexts,
  type SnapshotInfo,
} from '../../lib/features/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { guardedStore, Turns } from '../run/kit.ts';
import { type NightResult, night } from './night.ts';
import {
  FIRST_DAY,
  PURCHASE,
  type PutDrop,
  putDrop,
  type RawEvent,
  RETURN,
  testConfig,
  VIEW,
  versionsOf,
  withStore,
} from './shop.ts';

const SEED = 20261123;
const DAY = 86_400_000;
const config = testConfig({ historyDays: 20, tokens: 6, lateDays: 5 });
const AS_OF = FIRST_DAY + 30;
const NEWEST: NewestBy[] = [['drop'], ['version'], ['version', 'drop'], ['drop', 'version']];

const at = (day: number, second = 9) => (FIRST_DAY + day) * DAY + second * 1000;
const bought = (id: string, more: Partial<RawEvent> = {}): RawEvent => ({
  user: 'ann',
  time: at(10),
  type: PURCHASE,
  item: 'tea',
  amount: 100,
  id,
  ...more,
});

interface Drop {
  readonly name: string;
  readonly droppedAt: number;
  readonly source?: string;
  readonly events: readonly RawEvent[];
}

async function putAll(store: ObjectStore, drops: readonly Drop[], prefix = ''): Promise<PutDrop[]> {
  const inputs: PutDrop[] = [];
  for (const { name, events, ...options } of drops) {
    const { droppedAt, source = 'shop' } = options;
    // Clean names an event by its source and key.
    const named = events.map((event) =>
      event.id === undefined ? event : { ...event, id: `${source} ${event.id}` },
    );
    inputs.push(await putDrop(store, config, prefix + name, named, { droppedAt, source, batches: 4 }));
  }
  return inputs;
}

/** The rule in its plainest form: read all lines, keep those of the newest version of each event. */
function newestLines(drops: readonly Drop[], asOf: number, newestBy: NewestBy): RawEvent[] {
  const known = drops.flatMap(({ name, droppedAt, source = 'shop', events }) =>
    events
      .filter((event) => event.time < asOf * DAY)
      .map((event) => ({ event, name, droppedAt, source, key: event.id && `${source} ${event.id}` })),
  );
  type Known = (typeof known)[number];
  const rank = ({ event, droppedAt }: Known) =>
    [...newestBy, 'drop' as const].map((term) =>
      term === 'drop' ? droppedAt : (event.version ?? Number.NEGATIVE_INFINITY),
    );
  const compare = (a: Known, b: Known) => {
    const [own, other] = [rank(a), rank(b)];
    const place = own.findIndex((value, i) => value !== other[i]);
    return place < 0 ? (a.name < b.name ? -1 : 1) : own[place]! - other[place]!;
  };
  return known
    .filter((line) => {
      if (line.key === undefined) return true;
      const versions = known.filter(({ key }) => key === line.key).sort(compare);
      return versions.at(-1)!.name === line.name;
    })
    .map(({ event, key }) => (key === undefined ? event : { ...event, id: key }));
}

function expectSame(own: NightResult, plain: NightResult): void {
  expect([...own.vectors.keys()]).toEqual([...plain.vectors.keys()]);
  expect(own.vectors).toEqual(plain.vectors);
  expect(own.bytes.equals(plain.bytes)).toBe(true);
}

const event = fc.record({
  user: fc.constantFrom('ann', 'bob', 'cid', 'dora', 'éva'),
  day: fc.integer({ min: 0, max: 34 }),
  second: fc.integer({ min: 0, max: 3 }),
  type: fc.constantFrom(VIEW, PURCHASE, RETURN),
  item: fc.option(fc.constantFrom('tea', 'cup', 'lamp'), { nil: undefined }),
  amount: fc.integer({ min: 0, max: 900 }),
  session: fc.option(fc.constantFrom('s1', 's2'), { nil: undefined }),
  id: fc.option(fc.integer({ min: 0, max: 9 }).map(String), { nil: undefined, freq: 8 }),
  version: fc.option(fc.integer({ min: -2, max: 2 }), { nil: undefined }),
});

/** Drops whose events share identities, times and versions often; some repeat an identity within (`duplicates: 'keep'`). */
const drops = fc
  .array(
    fc.record({
      droppedAt: fc.integer({ min: 0, max: 3 }),
      source: fc.constantFrom('shop', 'shop', 'till'),
      events: fc.array(event, { minLength: 0, maxLength: 14 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) =>
    list.map(
      ({ events, ...drop }, i): Drop => ({
        name: `drop${(i * 7) % 10}`,
        ...drop,
        events: events.map(({ day, second, item, session, id, version, ...rest }) => ({
          ...rest,
          time: at(day, second),
          ...(item === undefined ? {} : { item }),
          ...(session === undefined ? {} : { session }),
          ...(id === undefined ? {} : { id }),
          ...(version === undefined ? {} : { version }),
        })),
      }),
    ),
  );

describe('an event that several drops tell of', () => {
  it('is what its newest version says: states and features as if only those lines had ever come', async () => {
    await fc.assert(
      fc.asyncProperty(
        drops,
        fc.constantFrom(...NEWEST),
        fc.constantFrom(1, 4),
        fc.constantFrom(1, 100_000),
        async (list, newestBy, shards, times) => {
          await withStore(async (store) => {
            // given: decided at once, and in parts as millions of lines are
            const inputs = await putAll(store, list);
            const lines = newestLines(list, AS_OF, newestBy);
            const single = [await putDrop(store, config, 'plain', lines)];
            // when
            const common = { asOf: AS_OF, shards };
            const own = await night(store, config, { ...common, runId: 'own', inputs, newestBy, times });
            const plain = await night(store, config, { ...common, runId: 'plain', inputs: single });
            // then
            expectSame(own, plain);
            const known = list.flatMap(({ events }) => events).filter(({ time }) => time < AS_OF * DAY);
            const replaced = Object.values(own.replaced).reduce((sum, n) => sum + n, 0);
            expect(replaced).toBe(known.length - lines.length);
          });
        },
      ),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('is the same on from a snapshot, with versions on both sides of its day and later', async () => {
    let stale = 0;
    let served = 0;
    await fc.assert(
      fc.asyncProperty(
        drops,
        drops,
        fc.constantFrom(...NEWEST),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (first, second, newestBy, nights, late) => {
          await withStore(async (store) => {
            // given a night with some drops, and later ones: without days that the snapshot holds, or with any
            const shards = 4;
            const day = AS_OF - config.features.lateDays;
            const later = second.map((drop, i) => ({
              ...drop,
              name: `later${i}`,
              droppedAt: late ? drop.droppedAt : drop.droppedAt + 4,
              events: drop.events.filter(({ time }) => time >= day * DAY),
            }));
            const before = await putAll(store, first);
            const inputs = [...before, ...(await putAll(store, later))];
            const common = { newestBy, shards };
            const { info } = await night(store, config, {
              ...common,
              runId: 'first',
              asOf: AS_OF,
              inputs: before,
            });
            // when a later night is folded from scratch, and on from the first
            const asOf = AS_OF + nights;
            const scratch = await night(store, config, { ...common, runId: 'scratch', asOf, inputs });
            const previous: SnapshotInfo[] = [info];
            const own = await night(store, config, { ...common, runId: 'own', asOf, inputs, previous });
            // then both agree to the bit, and the snapshot served where it could
            expect(own.fromSnapshot).toBe(true);
            expectSame(own, scratch);
            stale += own.stale.length;
            served += shards - own.stale.length;
          });
        },
      ),
      { seed: SEED, numRuns: 60 },
    );
    // Else the test would say nothing of one side.
    expect(stale).toBeGreaterThan(25);
    expect(served).toBeGreaterThan(75);
  });

  it('does not depend on the order, the names or the grouping in which lines of one version come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 30 }), fc.nat(1000), async (list, salt) => {
        await withStore(async (store) => {
          // given each line of a log once, and in several drops of any time
          const lines = list.map(
            ({ day, second, item, user, type, amount }, i): RawEvent => ({
              ...{ user, type, amount },
              time: at(day, second),
              id: `line ${i}`,
              ...(item === undefined ? {} : { item }),
            }),
          );
          const some = (part: number) => lines.filter((_, i) => (i * 31 + salt) % 4 !== part);
          const again = [0, 1, 2, 3].map((part) => ({
            name: `again${(part + salt) % 7}`,
            droppedAt: (part * salt) % 3,
            events: some(part),
          }));
          const once = [{ name: 'once', droppedAt: 9, events: lines }];
          // when both are folded
          const common = { asOf: AS_OF, newestBy: ['version', 'drop'] } as const;
          const one = await night(store, config, {
            ...common,
            runId: 'one',
            inputs: await putAll(store, once),
          });
          const other = await night(store, config, {
            ...common,
            runId: 'two',
            inputs: await putAll(store, again),
          });
          // then there is no difference
          expectSame(other, one);
        });
      }),
      { seed: SEED, numRuns: 30 },
    );
  });
});

describe('which version is the newest', () => {
  const amountOf = async (list: readonly Drop[], newestBy?: NewestBy): Promise<number[]> =>
    withStore(async (store) => {
      const inputs = await putAll(store, list);
      const versions = await versionsOf(store, inputs, AS_OF, newestBy ? { newestBy } : {});
      const query = { store, config, inputs, shard: 0, shards: 1, before: AS_OF };
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
      const query = { store, config, inputs, shard: 0, shards: 1, before: AS_OF };
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
      const users = [...(await readShardDays({ ...query, inputs }))];
      const texts = await readShardTexts({
        ...query,
        inputs: inputs.map(({ dropId, revision: r }) => ({
          dropId,
          key: `clean/events/${dropId}/${r}.arrow`,
        })),
        from: 0,
        cache: new ByteCache(),
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
        const query = { store, config, inputs, shard: 0, shards: 1, before };
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

describe('the objects', () => {
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
