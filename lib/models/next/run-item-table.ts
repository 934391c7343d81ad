import { type RunManifest, sampledUsers } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { openUnits } from '../shared/index.ts';
import { type Reads, tableOfDay } from './day-table.ts';
import type { ItemTable } from './item-table.ts';
import { decodeItemTable, encodeItemTable } from './item-table-file.ts';
import { asOfDay, nextTask } from './next-task.ts';
import { readHistory } from './read-history.ts';

/** Where the item table of a run and task stands; models of one task may read different things beside its event. */
export const itemTableKey = (
  runId: string,
  task: string,
  { others, attributes }: { readonly others: Reads['others']; readonly attributes: boolean },
): string =>
  `runs/${runId}/items-${[task, ...others, ...(attributes ? ['attributes'] : [])].join('.')}.arrow`;

/**
 * The item table of a run as of its as-of day: read where it stands, else built and stored. Several jobs may do so at
 * once, they write the same bytes.
 * @param reads what the model reads beside the task's event
 */
export async function ensureItemTable(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  task: string,
  reads: Reads,
): Promise<ItemTable> {
  const { others, attributes } = reads;
  const key = itemTableKey(runId, task, { others, attributes: attributes !== undefined });
  if (!(await store.head(key))) {
    const day = asOfDay(manifest);
    const units = await openUnits(store, manifest, nextTask(manifest, task));
    const history = await readHistory(await sampledUsers(store, manifest), manifest, task, [day], others);
    const { table } = tableOfDay(history, 0, units.at(day), reads);
    await store.put(key, encodeItemTable(table), { ifAbsent: true });
  }
  return decodeItemTable(await (await store.get(key)).bytes(), key);
}
