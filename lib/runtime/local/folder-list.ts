import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidKey } from '../errors.ts';
import { checkKey, compareKeys } from '../keys.ts';
import { MISSING, unless } from './system.ts';

/**
 * Keys of all files below a folder that start with a prefix, in ascending byte order, holding one folder a level in
 * memory. A folder sorts as its name with '/' behind it, which is where its keys belong among its siblings: 'a-b' comes
 * before 'a/b', though 'a' comes before 'a-b'. Names with a leading dot are hidden.
 * @throws InvalidKey for a file whose name could be no key: leaving it out silently would lose a drop
 */
export async function* listKeys(root: string, prefix: string): AsyncGenerator<string> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  yield* walk(root, folder, prefix);
}

async function* walk(root: string, folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await unless(
    MISSING,
    readdir(join(root, folder), { withFileTypes: true, encoding: 'buffer' }),
  );
  const keys: string[] = [];
  for (const entry of entries ?? []) {
    const name = entry.name.toString();
    if (name.startsWith('.')) continue;
    const key = folder + name;
    if (!entry.name.equals(Buffer.from(name))) {
      throw new InvalidKey(key, 'the name of this file is not in UTF-8, rename the file');
    }
    if (!key.startsWith(prefix)) continue;
    const kind = await kindOf(join(root, key), entry);
    if (kind === 'folder') keys.push(`${key}/`);
    else if (kind === 'file') keys.push(key);
  }
  for (const key of keys.sort(compareKeys)) {
    if (key.endsWith('/')) {
      checkKey(key.slice(0, -1));
      yield* walk(root, key, prefix);
    } else {
      checkKey(key);
      yield key;
    }
  }
}

/** Links are followed: people link drops from elsewhere. A link in a circle ends at the longest key. */
async function kindOf(path: string, entry: Dirent<Buffer>): Promise<'file' | 'folder' | undefined> {
  const info = entry.isSymbolicLink() ? await unless([...MISSING, 'ELOOP'], stat(path)) : entry;
  if (info?.isFile()) return 'file';
  return info?.isDirectory() ? 'folder' : undefined;
}
