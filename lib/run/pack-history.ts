import { keyInputs, packSmallFiles } from '../features/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { dayInputs, type RunManifest } from './manifest.ts';
import { packInputs, questionOf } from './read-users.ts';

/**
 * Packs the small files that a run lists, where there are many: whoever reads the whole history then makes requests by
 * months and not by drops.
 * @returns how many packs were written
 */
export async function packHistory(store: ObjectStore, manifest: RunManifest): Promise<number> {
  const days = await packSmallFiles(store, 'days', packInputs(dayInputs(manifest)));
  return days + (await packSmallFiles(store, 'keys', keyInputs(questionOf(manifest).drops)));
}
