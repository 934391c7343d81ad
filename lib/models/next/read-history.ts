import { eventCode } from '../../data/index.ts';
import { ByteCache } from '../../features/index.ts';
import { type RunManifest, readUsers } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { History } from './history.ts';
import { asOfDay, nextTask } from './next-task.ts';

/**
 * Reads what users did before the run's as-of day, shard by shard.
 * @param cutoffs ascending, none after the as-of day
 */
export async function readHistory(
  store: ObjectStore,
  manifest: RunManifest,
  task: string,
  cutoffs: readonly number[],
  limit?: number,
): Promise<History> {
  const history = new History(cutoffs, eventCode(nextTask(manifest, task).event), limit);
  const cache = new ByteCache();
  const before = asOfDay(manifest);
  for (let shard = 0; shard < manifest.shards; shard++) {
    const users = await readUsers(store, manifest, { shard, before, cache });
    for (const user of users) history.add(user, users.items);
  }
  return history;
}
