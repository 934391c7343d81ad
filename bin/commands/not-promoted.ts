import { type NotChampion, notChampions, versionsOf } from '../../lib/models/index.ts';
import { championOf } from '../../lib/registry/index.ts';
import type { PlannedRun } from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';

/** Groups whose model, trained by a run just now, did not become champion, and why. */
export async function notPromoted(
  store: ObjectStore,
  { runId, manifest }: PlannedRun,
): Promise<NotChampion[]> {
  const told = await notChampions(store, runId, manifest);
  const versions = await versionsOf(store, runId, manifest);
  for (const { name } of manifest.groups) {
    const version = versions[name];
    if (version === undefined || manifest.champions[name] || told.some(({ group }) => group === name))
      continue;
    if ((await championOf(store, name)) === version) continue;
    told.push({
      group: name,
      why: 'the champion was trained as of a later day, or promoted meanwhile',
      scores: 'itself',
    });
  }
  return told;
}
