import { ConfigError } from '../lib/data/errors.ts';
import { explain, sentenceOf } from '../lib/runtime/local/explain.ts';

/** As a shell reports what a signal ended: 128 and the signal's number. */
const BY_SIGNAL = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof BY_SIGNAL;

let interrupted: Signal | undefined;

/**
 * Prints what went wrong, as one sentence; where it went wrong, only for those who look for a fault of Nightjar.
 * @returns the exit code: 1 it failed, 2 the config or the call is wrong, 130 it was stopped by Ctrl-C
 */
export function failed(error: unknown): number {
  if (interrupted) return stopped(interrupted);
  console.error(`nightjar: ${sentenceOf(error)}`);
  if (process.env.NIGHTJAR_DEBUG === '1') console.error(error);
  return explain(error) instanceof ConfigError ? 2 : 1;
}

function stopped(signal: Signal): number {
  console.error(
    signal === 'SIGINT'
      ? 'nightjar: stopped; the same command goes on from here'
      : `nightjar: told to end (${signal}); the same command goes on from here`,
  );
  return BY_SIGNAL[signal];
}

/** Ends the process as its command would end, whatever happens outside of it. To be called once, first. */
export function guardProcess(): void {
  // Whoever started the program had its own, simpler guard until all was loaded.
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => process.exit(failed(error)));
  process.on('unhandledRejection', (error) => process.exit(failed(error)));
  guardStreams();
  for (const signal of Object.keys(BY_SIGNAL) as Signal[]) process.on(signal, () => onSignal(signal));
}

/** Whoever listens as well brings the command to an orderly end; a second signal does not wait for it. */
function onSignal(signal: Signal): void {
  const again = interrupted !== undefined;
  interrupted = signal;
  if (again || process.listenerCount(signal) === 1) process.exit(stopped(signal));
}

/**
 * A reader that has read enough ("| head") is no fault: what it does not want is not written. Progress that cannot be
 * shown stops no work.
 */
function guardStreams(): void {
  process.stdout.on('error', (error) => {
    if (Reflect.get(error, 'code') === 'EPIPE') process.exit();
    process.exit(failed(explain(error, { path: 'standard output' }) ?? error));
  });
  process.stderr.on('error', () => {});
}
