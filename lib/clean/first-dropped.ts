import { type ObjectStore, readJson } from '../runtime/index.ts';
import type { CleanKeys } from './keys.ts';

/**
 * When bytes were first dropped under a key, ms UTC: what an earlier record of the same bytes says, else the object's own
 * time. A file that is delivered again, or cleaned again by other settings, makes none of its events newer, though its
 * object is. Where the key held other bytes in between, the first time counts all the same.
 */
export async function firstDropped(
  store: ObjectStore,
  { dropId }: CleanKeys,
  sha256: string,
  lastModified: Date,
): Promise<number> {
  let first = lastModified.getTime();
  for await (const { key } of store.list(`quality/${dropId}/`)) {
    // Of any version of this code: no more is asked of it.
    const earlier = await readJson<{ sha256?: unknown; droppedAt?: unknown }>(store, key);
    if (earlier?.sha256 === sha256 && typeof earlier.droppedAt === 'number') {
      first = Math.min(first, earlier.droppedAt);
    }
  }
  return first;
}
