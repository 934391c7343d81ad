import type { EventType } from '../../data/index.ts';
import { type RunManifest, sampledUsers } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { openUnits } from '../shared/index.ts';
import { buildItemTable, type ItemTable, indexUnits } from './item-table.ts';
import { decodeItemTable, encodeItemTable } from './item-table-file.ts';
import { asOfDay, nextTask } from './next-task.ts';
import { readHistory } from './read-history.ts';

/** Where the item table of a run and task stands; models of one task may read different types beside its event. */
export const itemTableKey = (runId: string, task: string, others: readonly EventType[]): string =>
  `runs/${runId}/items-${[task, ...others].join('.')}.arrow`;

/**
 * The item table of a run as of its as-of day: read where it stands, else built and stored. Several jobs may do so at
 * once, they write the same bytes.
 * @param others types that the model reads beside the task's event
 */
export async function ensureItemTable(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  task: string,
  others: readonly EventType[],
): Promise<ItemTable> {
  const key = itemTableKey(runId, task, others);
  if (!(await store.head(key))) {
    const day = asOfDay(manifest);
    const units = await openUnits(store, manifest, nextTask(manifest, task));
    const history = await readHistory(await sampledUsers(store, manifest), manifest, task, [day], others);
    const table = buildItemTable(history, 0, indexUnits(history, day, units.at(day)), others);
    await store.put(key, encodeItemTable(table), { ifAbsent: true });
  }
  return decodeItemTable(await (await store.get(key)).bytes(), key);
}
