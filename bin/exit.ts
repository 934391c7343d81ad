import { writeSync } from 'node:fs';

/**
 * The exit codes of every command. docs/operations.md says the same in a table, and a test compares.
 * A child process's own codes (75: start me again) are those of its container, see `lib/run/job.ts`.
 */
export const EXIT = {
  /** It is done. */
  done: 0,
  /** It failed, or something needs a person; the last line on standard error says what to do. */
  failed: 1,
  /** The call or the config is wrong: nothing was started. */
  wrong: 2,
  /** Ctrl-C: what was running has been ended. */
  interrupted: 130,
} as const;

/** What a person reads after Ctrl-C: every object is whole or absent, so nothing has to be cleared away. */
export const INTERRUPTED = 'nightjar: stopped; the same command goes on from here';

/**
 * Ctrl-C ends the process with its own code. A command that listens itself (jobs that are to be ended, a checkpoint that
 * is to be written) is given the time to; a second Ctrl-C ends at once.
 * @returns whether there was one
 */
export function watchInterrupts(): () => boolean {
  let interrupted = false;
  process.on('SIGINT', () => {
    const windsDown = process.listenerCount('SIGINT') > 1;
    if (interrupted || !windsDown) endNow();
    interrupted = true;
  });
  return () => interrupted;
}

/** Past the streams, which a list of progress may hold, and with the cursor that it hides. */
function endNow(): never {
  writeSync(process.stderr.fd, `${process.stderr.isTTY ? '\n\u001B[?25h' : ''}${INTERRUPTED}\n`);
  process.exit(EXIT.interrupted);
}

/** A reader that has seen enough (`nightjar status | head`) is no failure. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}
