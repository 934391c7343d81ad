import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BeingWritten, InvalidKey, UnusableObject } from '../errors.ts';
import { checkKey, compareKeys, hiddenEntry } from '../keys.ts';
import type { OtherEntry } from '../types.ts';
import { explained } from './explain.ts';
import { MISSING, unless } from './system.ts';

/** Hidden below a store's root, on the same file system, so that a finished file can be renamed into place. */
export const HIDDEN = '.tmp';

/** Gets what is no readable object; without it the first such entry is thrown. */
export type Tell = ((entry: OtherEntry) => void) | undefined;

/**
 * Keys of all files below a folder that start with a prefix, in ascending byte order, holding one folder a level in
 * memory. A folder sorts as its name with '/' behind it, which is where its keys belong among its siblings: 'a-b' comes
 * before 'a/b', though 'a' comes before 'a-b'. Names with a leading dot are hidden.
 * @param startAfter only keys behind this one; what is told may stand before it
 * @throws SystemError where the folder itself cannot be read
 */
export async function* listKeys(
  root: string,
  prefix: string,
  tell?: Tell,
  startAfter = '',
): AsyncGenerator<string> {
  const key = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const attempt = { key: key || 'the bucket', root, doing: 'read' } as const;
  const real = await explained(attempt, unless(MISSING, realpath(join(root, key))));
  if (real === undefined) return;
  const entries = await explained(attempt, namesIn(root, key));
  yield* walk({ root, prefix, tell, startAfter }, { key, chain: [real] }, entries);
}

interface Walk {
  readonly root: string;
  readonly prefix: string;
  readonly tell: Tell;
  readonly startAfter: string;
}

interface Folder {
  /** With '/' at the end. */
  readonly key: string;
  /** Real paths from the folder where the listing began to this one. */
  readonly chain: readonly string[];
}

type Names = readonly Dirent<Buffer>[];

async function namesIn(root: string, folder: string): Promise<Names> {
  const entries = readdir(join(root, folder), { withFileTypes: true, encoding: 'buffer' });
  return (await unless(MISSING, entries)) ?? [];
}

async function* walk(args: Walk, { key: folder, chain }: Folder, entries: Names): AsyncGenerator<string> {
  const { root, prefix, tell, startAfter } = args;
  const found = new Map<string, Kind>();
  for (const entry of entries) {
    const name = entry.name.toString();
    const key = folder + name;
    if (!key.startsWith(prefix)) continue;
    if (name.startsWith('.')) {
      if (tell) await tellHidden(args, key, entry);
    } else if (!entry.name.equals(Buffer.from(name))) {
      report(tell, key, new InvalidKey(key, 'the name of this file is not in UTF-8, rename the file'));
    } else {
      const kind = await kindOf(join(root, key), entry, chain);
      if (kind === 'folder' || kind === 'file') found.set(kind === 'file' ? key : `${key}/`, kind);
      // A pipe or a dangling link holds no data that could be lost: where nobody asks for it, it is not there.
      else if ('reason' in kind) tell?.({ key, kind: 'unusable', ...kind });
      else found.set(`${key}/`, kind);
    }
  }
  for (const key of [...found.keys()].sort(compareKeys)) {
    try {
      checkKey(key.replace(/\/$/, ''));
    } catch (error) {
      report(tell, key, error);
      continue;
    }
    const kind = found.get(key)!;
    // Of a folder that comes before, so do all keys in it, unless the beginning lies within it.
    const within = kind !== 'file' && startAfter.startsWith(key);
    if (startAfter !== '' && !within && compareKeys(key, startAfter) <= 0) continue;
    if (kind === 'file') yield key;
    else yield* below(args, { key, chain: [...chain, realOf(kind, chain, key)] });
  }
}

async function* below(args: Walk, folder: Folder): AsyncGenerator<string> {
  const { root, tell } = args;
  let entries: Names;
  try {
    entries = await explained({ key: folder.key, root, doing: 'read' }, namesIn(root, folder.key));
  } catch (error) {
    report(tell, folder.key, error);
    return;
  }
  yield* walk(args, folder, entries);
}

/** What cannot be read is told where somebody listens, and stops the listing where nobody does. */
export function report(tell: Tell, key: string, error: unknown): void {
  if (tell && error instanceof InvalidKey) {
    tell({ key, kind: 'unusable', reason: error.message, hint: 'rename it' });
  } else if (tell && error instanceof UnusableObject) {
    const kind = error instanceof BeingWritten ? 'busy' : 'unusable';
    tell({ key, kind, reason: error.reason, hint: error.hint });
  } else throw error;
}

/** Files below a hidden folder are hidden as well. */
async function tellHidden({ root, tell }: Walk, key: string, entry: Dirent<Buffer>): Promise<void> {
  if (!entry.isDirectory()) {
    tell?.(hiddenEntry(key));
    return;
  }
  const inside = await unless([...MISSING, 'EACCES', 'EPERM'], namesIn(root, key));
  for (const one of inside ?? [])
    await tellHidden({ root, prefix: '', tell, startAfter: '' }, `${key}/${one.name}`, one);
}

/** A folder by a link tells where it leads; what is neither a file nor a folder, what it is. */
type Kind =
  | 'file'
  | 'folder'
  | { readonly real: string }
  | { readonly reason: string; readonly hint: string };

/** Links are followed: people link drops from elsewhere. */
async function kindOf(path: string, entry: Dirent<Buffer>, chain: readonly string[]): Promise<Kind> {
  const linked = entry.isSymbolicLink();
  const info = linked ? await unless([...MISSING, 'ELOOP', 'EACCES', 'EPERM'], stat(path)) : entry;
  if (info?.isFile()) return 'file';
  if (info?.isDirectory()) {
    const real = linked ? await unless(MISSING, realpath(path)) : undefined;
    if (real === undefined) return 'folder';
    return chain.includes(real)
      ? { reason: 'it is a link to a folder above it', hint: 'remove it' }
      : { real };
  }
  if (!info) return { reason: 'it is a link to nowhere', hint: 'remove it, or put back what it leads to' };
  const what = info.isFIFO() ? 'a pipe' : info.isSocket() ? 'a socket' : 'a device';
  return { reason: `it is ${what}, not a file`, hint: 'remove it, or put a file in its place' };
}

function realOf(kind: Kind, chain: readonly string[], key: string): string {
  return typeof kind === 'object' && 'real' in kind ? kind.real : join(chain.at(-1)!, basename(key));
}
