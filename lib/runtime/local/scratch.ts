import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explain, explainedAt, temporaryPlace } from './explain.ts';

/**
 * Gives a new folder below the temporary folder to `work` and removes it when the work is over. A failed system call of
 * the work that names no path elsewhere is told of the temporary folder: that its disk is full, for example.
 * @param prefix the folder's name begins with it
 * @throws SystemError
 */
export async function withScratch<T>(prefix: string, work: (folder: string) => Promise<T>): Promise<T> {
  const place = temporaryPlace();
  const folder = await explainedAt(place, mkdtemp(join(place.path, prefix)));
  try {
    return await work(folder);
  } catch (error) {
    throw explain(error, place) ?? error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
