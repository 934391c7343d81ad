import { keyInputs, packSmallFiles } from '../features/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { dayInputs, type RunManifest } from './manifest.ts';
import { packInputs, questionOf } from './read-users.ts';

/**
 * Packs the small files that a run lists, where there are many: whoever reads the whole history then makes requests by
 * months and not by drops.
 */
export async function packHistory(store: ObjectStore, manifest: RunManifest): Promise<void> {
  await packSmallFiles(store, 'days', packInputs(dayInputs(manifest)));
  await packSmallFiles(store, 'keys', keyInputs(questionOf(manifest).drops));
}
