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
