import { ByteCache, type Interner, type ShardUser } from '../../features/index.ts';
import { type RunManifest, readUsers } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';

/** Reads every shard of a run up to a day, one at a time. */
export async function* eachUser(
  store: ObjectStore,
  manifest: RunManifest,
  before: number,
): AsyncGenerator<{ user: ShardUser; itemText: (id: number) => string; items: Interner; shard: number }> {
  const cache = new ByteCache();
  for (let shard = 0; shard < manifest.shards; shard++) {
    const users = await readUsers(store, manifest, { shard, before, cache });
    const itemText = (id: number) => users.items.text(id);
    for (const user of users) yield { user, itemText, items: users.items, shard };
  }
}
