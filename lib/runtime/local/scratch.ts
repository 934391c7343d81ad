import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explain, explainedAt, temporaryPlace } from './explain.ts';

/** What is kept in the temporary folder while it is worked on. */
export type ScratchKind = 'clean' | 'check' | 'duckdb' | 'export' | 'forget' | 'users';

/** Names of such folders begin with it: whose they are can be told when their process is gone. */
export const scratchPrefix = (kind: ScratchKind): string => `nightjar-${kind}-${process.pid}-`;

/**
 * Gives a new folder below the temporary folder to `work` and removes it when the work is over. A failed system call of
 * the work that names no path elsewhere is told of the temporary folder: that its disk is full, for example.
 * @throws SystemError
 */
export async function withScratch<T>(kind: ScratchKind, work: (folder: string) => Promise<T>): Promise<T> {
  const place = temporaryPlace();
  const folder = await explainedAt(place, mkdtemp(join(place.path, scratchPrefix(kind))));
  try {
    return await work(folder);
  } catch (error) {
    throw explain(error, place) ?? error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
