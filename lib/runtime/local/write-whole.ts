import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explainedAt } from './explain.ts';
import { ownedName } from './folder-lock.ts';
import { makeFolders } from './system.ts';

/**
 * Writes a file outside of a store, whole or not at all: a full disk leaves no half of it under its name. Folders that are
 * missing on the way to it are made.
 * @throws SystemError
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const part = `${path}.${ownedName()}.part`;
  await explainedAt({ path }, makeFolders(dirname(path)));
  try {
    await explainedAt({ path, besides: part }, writeFile(part, content, { flag: 'wx' }));
    await explainedAt({ path, besides: part }, rename(part, path));
  } finally {
    await rm(part, { force: true });
  }
}
