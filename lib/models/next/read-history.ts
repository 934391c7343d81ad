import type { EventType } from '../../data/index.ts';
import { ByteCache } from '../../features/index.ts';
import { type RunManifest, readUsers } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { History } from './history.ts';
import { asOfDay, nextTask } from './next-task.ts';

/**
 * Reads what users did before the run's as-of day, shard by shard.
 * @param cutoffs ascending, none after the as-of day
 * @param others types to read beside the task's event; all without it
 */
export async function readHistory(
  store: ObjectStore,
  manifest: RunManifest,
  task: string,
  cutoffs: readonly number[],
  others?: readonly EventType[],
): Promise<History> {
  const history = new History(cutoffs, nextTask(manifest, task).event, others);
  const cache = new ByteCache();
  const before = asOfDay(manifest);
  for (let shard = 0; shard < manifest.shards; shard++) {
    const users = await readUsers(store, manifest, { shard, before, cache });
    for (const user of users) history.add(user, users.items);
  }
  return history;
}
