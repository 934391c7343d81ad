/** Set for child processes whose standard input is a pipe that closes when their parent dies. */
export const PARENT_PIPE = 'NIGHTJAR_PARENT_PIPE';

/** Exit code that says "start me again": the work was interrupted, not wrong (EX_TEMPFAIL of sysexits.h). */
export const EXIT_RETRY = 75;

/**
 * Ends this process with exit code 75 when the local runner that started it is gone, even by SIGKILL, so that no job
 * goes on writing unseen. Job entries call it first; elsewhere (in a container) it does nothing.
 */
export function exitWithParent(): void {
  if (process.env[PARENT_PIPE] !== '1') return;
  const exit = () => process.exit(EXIT_RETRY);
  process.stdin.on('end', exit).on('error', exit).resume();
  // The pipe alone must not keep a finished job alive.
  if ('unref' in process.stdin && typeof process.stdin.unref === 'function') process.stdin.unref();
}

/**
 * Tells whoever started this job how far it is: one line of JSON on standard output.
 * @param more what else the line is to be found by
 */
export function reportProgress(progress: unknown, more: object = {}): void {
  process.stdout.write(`${JSON.stringify({ progress, ...more })}\n`);
}
