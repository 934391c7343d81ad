import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  buildManifest,
  listDrops,
  openUsers,
  putManifest,
  superseded,
  taskGroups,
} from '../../lib/run/index.ts';
import { ingest, openShop, type Shop } from './kit.ts';

const NOW = new Date('2025-06-01T00:00:00Z');
const KEEP = 30;
const HEAD = 'customer,at\n';

async function drop({ root }: Shop, name: string, lines: string): Promise<void> {
  await writeFile(join(root, 'drop/log', name), HEAD + lines);
}

/** Lets all objects be of a day. */
async function age({ store, root }: Shop, day: string): Promise<void> {
  for await (const { key } of store.list('')) await utimes(join(root, key), new Date(day), new Date(day));
}

async function found({ store, config }: Shop): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of superseded(store, config, { now: NOW, keepDays: KEEP })) keys.push(key);
  return keys;
}

/** A run that names what is there now. */
async function plan({ store, config }: Shop): Promise<ReturnType<typeof buildManifest>> {
  const drops = await listDrops(store, config);
  const how = { purpose: 'night', asOf: '2025-02-01', champions: {}, snapshot: null } as const;
  const manifest = buildManifest({ ...how, config, groups: taskGroups(config), drops });
  await putManifest(store, manifest);
  return manifest;
}

async function shopWithTwoVersions(named: boolean): Promise<{ shop: Shop; first: string[] }> {
  const shop = await openShop();
  await shop.store.put('drop/log/a.csv', `${HEAD}ann,2025-01-05 12:00\n`);
  await shop.store.put('drop/log/b.csv', `${HEAD}bob,2025-01-05 12:00\n`);
  await ingest(shop);
  const first: string[] = [];
  for await (const { key } of shop.store.list('clean/')) first.push(key);
  if (named) await plan(shop);
  await drop(shop, 'a.csv', 'ann,2025-01-06 12:00\n');
  await ingest(shop);
  return { shop, first };
}

describe('what nothing reads any more', () => {
  it('are the rows of bytes that were replaced, once they are old; never what a drop leads to now', async () => {
    // given a drop with two versions, of which no run knows
    const { shop } = await shopWithTwoVersions(false);
    await age(shop, '2025-05-20');
    expect(await found(shop)).toEqual([]);
    // when they are older than what is kept
    await age(shop, '2025-03-01');
    const keys = await found(shop);
    // then the first version's rows are listed, behind the record that says that they stand
    expect(keys.map((key) => key.split('/')[0])).toEqual(['quality', 'clean', 'days']);
    for (const key of keys) await shop.store.delete(key);
    const manifest = await plan(shop);
    expect(manifest.missing).toEqual([]);
    const users = openUsers(shop.store, manifest);
    let days = 0;
    for (const shard of users.shards)
      for (const user of await users.read(shard, 99_999)) days += user.days.length;
    expect(days).toBe(2);
  });

  it('is made again where the same bytes come back, also after a prune that was killed anywhere', async () => {
    for (const kept of [0, 1, 2]) {
      // given a drop whose first version was pruned, but for the last objects
      const { shop } = await shopWithTwoVersions(false);
      await age(shop, '2025-03-01');
      const keys = await found(shop);
      for (const key of keys.slice(0, keys.length - kept)) await shop.store.delete(key);
      // when its first bytes come back
      await drop(shop, 'a.csv', 'ann,2025-01-05 12:00\n');
      await ingest(shop);
      // then they are read as if nothing had been
      const states = await listDrops(shop.store, shop.config);
      expect(states.map(({ state }) => state)).toEqual(['done', 'done']);
      const manifest = await plan(shop);
      const users = openUsers(shop.store, manifest);
      let days = 0;
      for (const shard of users.shards)
        for (const user of await users.read(shard, 99_999)) days += user.days.length;
      expect(days).toBe(2);
    }
  });

  it('is nothing that a run of the last days names', async () => {
    // given the same, but a run that names the first version
    const { shop } = await shopWithTwoVersions(true);
    await age(shop, '2025-03-01');
    for await (const { key } of shop.store.list('runs/')) await utimes(join(shop.root, key), NOW, NOW);
    // then its rows are kept until that run is old, too
    expect(await found(shop)).toEqual([]);
    await age(shop, '2025-03-01');
    expect(await found(shop)).toHaveLength(3);
  });

  it('is what is left of drops that were deleted, and what old runs left', async () => {
    const { shop } = await shopWithTwoVersions(false);
    await shop.store.delete('drop/log/b.csv');
    await shop.store.put('scores/old/shard=000.arrow', 'x');
    await shop.store.put('fits/old/a.safetensors', 'x');
    await shop.store.put('models/users/1/model.onnx', 'x');
    await age(shop, '2025-03-01');
    const keys = await found(shop);
    expect(keys.filter((key) => /^(scores|fits)/.test(key))).toHaveLength(2);
    expect(keys.filter((key) => /^(quality|clean|days)/.test(key))).toHaveLength(6);
    expect(keys).toHaveLength(8);
  });
});
