import type { Interner, ShardUser } from '../../features/index.ts';
import type { RunUsers } from '../../run/index.ts';

/** Every user of a run with the days before one, shard by shard; `walk`: all users of the shard, for a walk beside. */
export async function* eachUser(
  users: RunUsers,
  before: number,
): AsyncGenerator<{
  user: ShardUser;
  itemText: (id: number) => string;
  items: Interner;
  shard: number;
  walk: Iterable<ShardUser>;
}> {
  for (const shard of users.shards) {
    const read = await users.read(shard, before);
    const itemText = (id: number) => read.items.text(id);
    for (const user of read) yield { user, itemText, items: read.items, shard, walk: read };
  }
}
