import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  coverByPacks,
  dayFile,
  keyInputs,
  openVersions,
  type PackInput,
  packSmallFiles,
  readShardDays,
  ShardedFiles,
} from '../../lib/features/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { config } from './keyed.ts';
import { FIRST_DAY, PURCHASE, type PutDrop, putDrop, VIEW, withStore } from './shop.ts';

const SEED = 20261130;
const DAY = 86_400_000;
const LAST = FIRST_DAY + 1200;

const event = fc.record({
  user: fc.constantFrom('ann', 'bob', 'cid', 'dora', 'éva', 'fay'),
  second: fc.integer({ min: 0, max: 3 }),
  type: fc.constantFrom(VIEW, PURCHASE),
  item: fc.option(fc.constantFrom('tea', 'cup', 'lamp'), { nil: undefined }),
  amount: fc.integer({ min: 0, max: 900 }),
  id: fc.option(fc.integer({ min: 0, max: 20 }).map(String), { nil: undefined }),
});

/** Some thirty drops in a few months of four years, each of a day or two. */
const drops = fc.array(
  fc.record({
    day: fc.oneof(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 1100, max: 1130 }),
    ),
    keyed: fc.boolean(),
    batches: fc.constantFrom(1, 1, 4),
    events: fc.array(event, { minLength: 1, maxLength: 12 }),
  }),
  { minLength: 16, maxLength: 30 },
);
type RawDrop = Parameters<Parameters<typeof drops.map>[0]>[0][number];

async function put(store: ObjectStore, name: string, drop: RawDrop, revision = 'r1'): Promise<PutDrop> {
  const { day, keyed, batches, events } = drop;
  const raw = events.map(({ second, id, item, ...rest }, i) => ({
    ...rest,
    time: (FIRST_DAY + day + (i % 2)) * DAY + (10 + second) * 1000,
    ...(item === undefined ? {} : { item }),
    ...(keyed ? { id: id ?? `${name}${i}` } : {}),
  }));
  const droppedAt = keyed ? { droppedAt: (FIRST_DAY + day + 2) * DAY } : {};
  return putDrop(store, config, name, raw, { batches, revision, ...droppedAt });
}

const withDays = (inputs: readonly PutDrop[]): PackInput[] =>
  inputs.flatMap(({ key, dropId, revision, minDay, maxDay }) =>
    minDay === undefined || maxDay === undefined ? [] : [{ key, dropId, revision, minDay, maxDay }],
  );

const questionOf = (inputs: readonly PutDrop[]) => ({
  drops: inputs.flatMap(({ drop, dropId, revision, source, lines, droppedAt }) =>
    droppedAt === undefined ? [] : [{ drop, dropId, revision, source, lines, droppedAt }],
  ),
  newestBy: {},
  asOf: LAST,
  shards: 4,
});

/** All that readers see of the inputs, with or without packs, and how many packs they read. */
async function seen(store: ObjectStore, inputs: readonly PutDrop[], packed: boolean) {
  const files = new ShardedFiles(store);
  const covered = packed
    ? await coverByPacks(store, files, 'days', withDays(inputs))
    : { packs: [], loose: withDays(inputs) };
  const versions = await openVersions(store, questionOf(inputs));
  const rows: unknown[] = [];
  for (let shard = 0; shard < 4; shard++) {
    const users = await readShardDays({
      ...{ store, files, config, shard, shards: 4 },
      inputs: [...covered.packs, ...covered.loose.map(dayFile)],
      before: LAST,
      replaced: await versions?.shard(shard, 4, LAST),
    });
    for (const { user, hash, days } of users) {
      for (const { day, entries, start, end } of days) {
        for (let i = start; i < end; i++) {
          const item = entries.item[i]! < 0 ? null : users.items.text(entries.item[i]!);
          rows.push([user, hash, day, entries.type[i], entries.time[i], item, entries.money[i]]);
        }
      }
    }
  }
  return { rows, packs: covered.packs.length, replaced: versions?.replaced };
}

/** Forgets what was found out of versions, so that key files are read again. */
async function forgetVersions(store: ObjectStore): Promise<void> {
  for await (const { key } of store.list('versions/')) await store.delete(key);
}

async function pack(store: ObjectStore, inputs: readonly PutDrop[]): Promise<void> {
  await packSmallFiles(store, 'days', withDays(inputs));
  await packSmallFiles(store, 'keys', keyInputs(questionOf(inputs).drops));
  await forgetVersions(store);
}

describe('packs of small files', () => {
  it('say what the files say, whatever is dropped late, again or deleted after they were made', async () => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(drops, fc.array(fc.nat(), { maxLength: 4 }), drops, async (list, changes, later) => {
        await withStore(async (store) => {
          // given drops that were packed
          const inputs: PutDrop[] = [];
          for (const [i, drop] of list.entries()) inputs.push(await put(store, `d${i}`, drop));
          const plain = await seen(store, inputs, false);
          await pack(store, inputs);
          const packed = await seen(store, inputs, true);
          expect(packed.rows).toEqual(plain.rows);
          expect(packed.replaced).toEqual(plain.replaced);
          read += packed.packs;
          // when some come with other bytes, one is gone, and others come
          for (const change of changes) {
            const at = change % inputs.length;
            inputs[at] = await put(store, inputs[at]!.dropId, list[(at + 1) % list.length]!, 'r2');
          }
          inputs.splice(changes.length % inputs.length, 1);
          for (const [i, drop] of later.entries()) inputs.push(await put(store, `e${i}`, drop));
          // then packs say the same as before they are made anew, and after
          await forgetVersions(store);
          const wanted = await seen(store, inputs, false);
          await forgetVersions(store);
          expect((await seen(store, inputs, true)).rows).toEqual(wanted.rows);
          await pack(store, inputs);
          expect((await seen(store, inputs, true)).rows).toEqual(wanted.rows);
        });
      }),
      { seed: SEED, numRuns: 6 },
    );
    expect(read).toBeGreaterThan(6);
  });

  it('are passed over where they are damaged, and made again', async () => {
    await withStore(async (store) => {
      // given a month of drops in a pack of which the end is lost
      const events: RawDrop['events'] = [
        { user: 'ann', second: 1, type: VIEW, item: 'tea', amount: 1, id: undefined },
      ];
      const inputs: PutDrop[] = [];
      for (let day = 0; day < 25; day++) {
        inputs.push(await put(store, `d${day}`, { day, keyed: false, batches: 1, events }));
      }
      const plain = await seen(store, inputs, false);
      await pack(store, inputs);
      const keys: string[] = [];
      for await (const { key } of store.list('packs/days/')) keys.push(key);
      expect(keys.length).toBeGreaterThan(0);
      for (const key of keys) {
        const bytes = await (await store.get(key)).bytes();
        await store.put(key, bytes.subarray(0, bytes.length - 20));
      }
      // when it is read, and packed again
      expect(await seen(store, inputs, true)).toEqual({ ...plain, packs: 0 });
      await pack(store, inputs);
      // then nothing is missing, and the pack is whole
      expect(await seen(store, inputs, true)).toEqual({ ...plain, packs: keys.length });
    });
  });

  it('are read in requests that do not grow with the drops', async () => {
    const requests: number[] = [];
    for (const count of [30, 150]) {
      await withStore(async (store) => {
        // given a drop a day, packed but for the last few
        const inputs: PutDrop[] = [];
        for (let day = 0; day < count; day++) {
          inputs.push(
            await put(store, `d${day}`, {
              ...{ day, keyed: true, batches: 1 },
              events: [{ user: 'ann', second: 1, type: VIEW, item: 'tea', amount: 1, id: `${day % 20}` }],
            }),
          );
        }
        await pack(store, inputs);
        // when all of it is read
        let asked = 0;
        const counting: ObjectStore = {
          get: (...args) => {
            asked++;
            return store.get(...args);
          },
          head: (key) => {
            asked++;
            return store.head(key);
          },
          list: (prefix, options) => {
            asked++;
            return store.list(prefix, options);
          },
          put: (...args) => store.put(...args),
          delete: (key) => store.delete(key),
        };
        await seen(counting, inputs, true);
        requests.push(asked);
      });
    }
    // then it takes two requests for each month and kind of file, not for each drop
    expect(requests[0]).toBeLessThan(40);
    expect(requests[1]! - requests[0]!).toBeLessThanOrEqual(4 * 4 + 8);
  });
});
