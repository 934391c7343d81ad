import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders under the temporary folder are named after the process that works in them: see scratchPrefix. */
const SCRATCH = /^nightjar-(?:clean|check|duckdb|export|users)-(\d+)-/;

/**
 * Removes what processes that were killed while cleaning left on this machine's disk. A function that ran out of time
 * keeps its disk, and a few large drops would fill it. To be called before this process cleans anything.
 * @param own whether what bears this process's number was left by an earlier one, as where numbers begin anew
 * @returns the names of the folders that are gone
 */
export async function removeLeftovers(folder = tmpdir(), own = true): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(folder)) {
    const pid = Number(SCRATCH.exec(name)?.[1]);
    if (Number.isNaN(pid) || (pid === process.pid ? !own : isAlive(pid))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user may not be signalled, and lives.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
