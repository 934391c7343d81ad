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
  /** Its terminal went away (SIGHUP). As a shell reports what a signal ended: 128 and the signal's number. */
  hungUp: 129,
  /** Ctrl-C (SIGINT): what was running has been ended. */
  interrupted: 130,
  /** Told to end (SIGTERM). */
  terminated: 143,
} as const;
