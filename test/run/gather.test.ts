import { beforeAll, describe, expect, it } from 'vitest';
import { parseDay } from '../../lib/data/index.ts';
import {
  type Beside,
  gatherShards,
  openUsers,
  type RunManifest,
  type RunUsers,
  sampledUsers,
  withGatheredUsers,
} from '../../lib/run/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { counted } from '../bench/counted-store.ts';
import { nightOf } from '../bench/night.ts';
import { FIRST_DAY, openShop, shopConfig, writeDays } from '../bench/shop.ts';
import { temporaryFolder } from '../runtime/temp.ts';

const DAYS = 40;
const SHARDS = 8;

let store: ObjectStore;
let manifest: RunManifest;

beforeAll(async () => {
  store = await openFolderStore(await temporaryFolder(), { durable: false });
  const config = shopConfig(SHARDS);
  const shop = openShop({ users: 300, daily: 0.1, lines: 3 }, (id) => `p-${id}`);
  const { inputs } = await writeDays(store, config, shop, 0, DAYS);
  // The night is as of a day before the last drops.
  manifest = nightOf(config, inputs, FIRST_DAY + DAYS - 5, {});
});

/** Every entry of every user, for comparison. */
async function told(users: RunUsers, before: number): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const shard of users.shards) {
    const read = await users.read(shard, before);
    for (const { user, hash, days } of read) {
      for (const { day, entries, start, end } of days) {
        for (let i = start; i < end; i++) {
          const item = entries.item[i]! < 0 ? '' : read.items.text(entries.item[i]!);
          all.push([
            user,
            hash,
            day,
            item,
            entries.type[i],
            entries.time[i],
            entries.money[i],
            entries.lines[i],
          ]);
        }
      }
    }
  }
  return all;
}

const asOf = () => parseDay(manifest.asOf!);

describe('the users that a training gathers', () => {
  it('are those in the store, as of the as-of day and of earlier days, and cost no further request', async () => {
    const counting = counted(store);
    await withGatheredUsers(counting.store, manifest, {}, async (users) => {
      const gathered = await users();
      const asked = counting.calls.requests;
      for (const before of [asOf(), asOf() - 12, FIRST_DAY]) {
        expect(await told(gathered, before)).toEqual(await told(openUsers(store, manifest), before));
      }
      expect((await told(gathered, asOf())).length).toBeGreaterThan(1000);
      expect(counting.calls.requests).toBe(asked);
      // What comes later was not read.
      expect(await told(gathered, FIRST_DAY + DAYS)).toEqual(await told(gathered, asOf()));
    });
  });

  it('are the same however many read beside', async () => {
    const alone = await withGatheredUsers(store, manifest, {}, async (users) => told(await users(), asOf()));
    for (const readers of [1, 3, 20]) {
      const asked: number[] = [];
      const beside: Beside = {
        readers: () => readers,
        async read(folder, shards) {
          asked.push(shards.to - shards.from);
          await gatherShards(store, manifest, folder, shards);
        },
      };
      const read = await withGatheredUsers(store, manifest, { beside }, async (users) =>
        told(await users(), asOf()),
      );
      expect(read).toEqual(alone);
      expect(asked).toHaveLength(Math.min(readers, SHARDS - 2));
    }
  });

  it('are a sample of whole shards where they are many, the one that a night takes for its items', async () => {
    const all = (await told(openUsers(store, manifest), asOf())).length;
    const limit = all / 2;
    const sampled = await sampledUsers(store, manifest, limit);
    await withGatheredUsers(store, manifest, { limit }, async (users) => {
      const gathered = await users();
      expect(gathered.shards).toEqual(sampled.shards);
      expect(gathered.shards.length).toBeGreaterThan(1);
      expect(gathered.shards.length).toBeLessThan(SHARDS);
      const read = await told(gathered, asOf());
      expect(read).toEqual(await told(sampled, asOf()));
      expect(read.length).toBeLessThan(all);
    });
  });

  it('are not there when a reader fails, or the work is to end', async () => {
    const beside: Beside = { readers: () => 2, read: () => Promise.reject(new Error('killed')) };
    const gathering = withGatheredUsers(store, manifest, { beside }, (users) => users());
    await expect(gathering).rejects.toThrow('killed');
    let shards = 0;
    const goOn = () => {
      if (++shards > 3) throw new Error('told to end');
    };
    const ended = withGatheredUsers(store, manifest, { goOn }, (users) => users());
    await expect(ended).rejects.toThrow('told to end');
  });
});
