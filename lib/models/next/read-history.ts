import type { EventType } from '../../data/index.ts';
import type { RunManifest, RunUsers } from '../../run/index.ts';
import { History } from './history.ts';
import { asOfDay, nextTask } from './next-task.ts';

/**
 * Reads what users did before the run's as-of day, shard by shard.
 * @param cutoffs ascending, none after the as-of day
 * @param others types to read beside the task's event; all without it
 */
export async function readHistory(
  users: RunUsers,
  manifest: RunManifest,
  task: string,
  cutoffs: readonly number[],
  others?: readonly EventType[],
): Promise<History> {
  const history = new History(cutoffs, nextTask(manifest, task).event, others);
  const before = asOfDay(manifest);
  for (const shard of users.shards) {
    const read = await users.read(shard, before);
    for (const user of read) history.add(user, read.items);
  }
  return history;
}
