import { DataError } from '../data/index.ts';
import { openUsers, type RunManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { FAMILIES } from './families.ts';
import type { GroupCheck } from './family.ts';
import type { LeftOut } from './shared/index.ts';

/** Looks, before anything is trained, whether there is enough to learn the tasks of a run from. @throws DataError when none of its tasks can be trained and no model serves */
export async function checkRun(
  store: ObjectStore,
  manifest: RunManifest,
): Promise<Pick<GroupCheck, 'leftOut' | 'warnings'>> {
  const users = openUsers(store, manifest);
  const leftOut: LeftOut[] = [];
  const warnings: LeftOut[] = [];
  let served = 0;
  for (const group of manifest.groups) {
    if (manifest.champions[group.name]) {
      served += group.tasks.length;
      continue;
    }
    const checked = await FAMILIES[group.kind].check({ store, manifest, group, users: async () => users });
    served += checked.tasks.length;
    leftOut.push(...checked.leftOut);
    warnings.push(...checked.warnings);
  }
  if (served === 0) throw nothingToTrain(leftOut);
  return { leftOut, warnings };
}

export function nothingToTrain(leftOut: readonly LeftOut[]): DataError {
  const told = leftOut.map(({ task, why }) => `task ${task}: ${why}`).join('; ');
  return new DataError(leftOut.length === 1 ? told : `no task can be trained yet: ${told}`);
}
