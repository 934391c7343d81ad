import { writeSync } from 'node:fs';
import { ConfigError } from '../lib/data/errors.ts';
import { InputError } from '../lib/engine/errors.ts';
import { explain, sentenceOf } from '../lib/runtime/local/explain.ts';
import { EXIT } from './exit.ts';
import { asCalled } from './home.ts';

const BY_SIGNAL = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp } as const;
type Signal = keyof typeof BY_SIGNAL;

let interrupted: Signal | undefined;

/** The exit code of a command that a signal has told to end, although it may have come to its end by itself. */
export const interruptedBy = (): number | undefined => interrupted && BY_SIGNAL[interrupted];

/**
 * Prints what went wrong, as one sentence; where it went wrong, only for those who look for a fault of Nightjar.
 * @returns the exit code
 */
export function failed(error: unknown): number {
  // What was running says that it was ended; the person knows.
  if (interrupted) return stopped(interrupted);
  console.error(`nightjar: ${asCalled(sentenceOf(error))}`);
  if (process.env.NIGHTJAR_DEBUG === '1') console.error(error);
  const explained = explain(error);
  return explained instanceof ConfigError || explained instanceof InputError ? EXIT.wrong : EXIT.failed;
}

/** Every object is whole or absent, so nothing has to be cleared away. */
function stopped(signal: Signal): number {
  const what = signal === 'SIGINT' ? 'stopped' : `told to end (${signal})`;
  // Past the streams, which a list of progress may hold, and with the cursor that it hides.
  const cursor = process.stderr.isTTY ? '\n\u001B[?25h' : '';
  try {
    writeSync(process.stderr.fd, `${cursor}nightjar: ${what}; the same command goes on from here\n`);
  } catch {
    // Nobody is left to read it.
  }
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
