import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256 } from '../../data/index.ts';
import { isAlive, MISSING, systemCode, unless } from './system.ts';

/**
 * The one critical section that a folder needs: between reading an object's etag and replacing the object, no other
 * process may replace it. File systems have no compare-and-swap, and Node no flock, so the lock is built from
 * `rename`, which is atomic:
 *
 * - The lock of a key is a folder `lock-…` that holds one file, the holder's. It is taken by renaming a prepared folder
 *   to that name, which fails while a folder that is not empty has it. So a lock never exists without its holder's pid.
 * - The holder's file *is* the new object (a hard link to the temporary file). Renaming it out of the lock publishes
 *   the object and frees the lock in one step, and fails when the lock was taken away. So breaking a lock is always
 *   safe, even one whose holder lives: that holder's commit fails and starts over. No judgement about who is dead can
 *   lose a write; it only decides how long others wait after a crash.
 */

/** A holder only hashes one object and renames; one that takes longer is taken for dead (its pid may be reused). */
const LONGEST_HOLD_MS = 10_000;

/** A name for temporary files that says whose they are. */
export function ownedName(): string {
  return `${process.pid}-${randomBytes(8).toString('hex')}`;
}

export interface FolderLock {
  /** The holder's file inside the lock: rename it to where the object belongs. ENOENT: the lock was lost. */
  readonly file: string;
  release(): Promise<void>;
}

/**
 * Waits for the lock of a key.
 * @param hidden the store's folder for temporary files
 * @param content the file that is to become the object; without it the lock holds an empty file
 */
export async function lockKey(hidden: string, key: string, content?: string): Promise<FolderLock> {
  const path = join(hidden, `lock-${sha256(key).slice(0, 32)}`);
  const owner = ownedName();
  const prepared = join(hidden, `${owner}.lock`);
  await mkdir(prepared);
  try {
    const entry = join(prepared, owner);
    if (content === undefined) await writeFile(entry, '');
    else await link(content, entry);
    for (let waitMs = 1; !(await renamed(prepared, path)); waitMs = Math.min(16, waitMs * 2)) {
      if (!(await breakStaleLock(hidden, path))) await delay(waitMs);
    }
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw error;
  }
  const file = join(path, owner);
  return {
    file,
    async release() {
      await unless(MISSING, unlink(file));
      await unless([...MISSING, 'ENOTEMPTY', 'EEXIST'], rmdir(path));
    },
  };
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes a lock away from a holder that is dead or too slow. False: the holder is at work. */
export async function breakStaleLock(hidden: string, path: string): Promise<boolean> {
  const entries = await unless(MISSING, readdir(path));
  const holder = entries?.[0];
  if (holder === undefined) return true;
  if (isAlive(ownerOf(holder) ?? 0)) {
    // The change time moves when the prepared folder is renamed, so it tells when the lock was taken.
    const info = await unless(MISSING, stat(path));
    if (info && Date.now() - info.ctimeMs < LONGEST_HOLD_MS) return false;
  }
  const broken = join(hidden, `${ownedName()}.broken`);
  await unless(MISSING, rename(path, broken));
  await rm(broken, { recursive: true, force: true });
  return true;
}

/** The process that made a temporary file, by its name. */
export function ownerOf(name: string): number | undefined {
  const pid = /^(\d+)-/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
