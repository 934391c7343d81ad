import { eventCode } from '../data/index.ts';
import { ByteCache, readShardDays } from '../features/index.ts';
import type { RunManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
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
  const { config, shards } = manifest;
  const history = new History(cutoffs, eventCode(nextTask(manifest, task).event), limit);
  const cache = new ByteCache();
  const inputs = manifest.inputs.events.flatMap(({ days, minDay, maxDay }) =>
    days === undefined || minDay === undefined || maxDay === undefined ? [] : [{ key: days, minDay, maxDay }],
  );
  for (let shard = 0; shard < shards; shard++) {
    const before = asOfDay(manifest);
    const users = await readShardDays({ store, config, inputs, shard, shards, before, cache });
    for (const user of users) history.add(user, users.items);
  }
  return history;
}
