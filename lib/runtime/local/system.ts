import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Error code of a failed system call, such as 'ENOENT'. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a process runs on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, but belongs to someone else.
    return systemCode(error) !== 'ESRCH';
  }
}

/** What `action` gives, or undefined where it fails with one of these system error codes. */
export async function unless<T>(codes: readonly string[], action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if (codes.includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** The path, or a folder on the way to it, does not exist. */
export const MISSING = ['ENOENT', 'ENOTDIR'] as const;

/**
 * Makes a folder and those above it. Node's own way says ENOENT where the disk is read-only, whatever the system said.
 * @returns the highest folder that had to be made
 */
export async function makeFolders(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    let missing = path;
    for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
      if (await unless(MISSING, stat(above))) break;
      missing = above;
    }
    await mkdir(missing);
    await mkdir(path, { recursive: true });
    return missing;
  }
}
