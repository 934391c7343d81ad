import { NightjarError } from '../data/index.ts';
import { isAway, JOB_RETRY_S, openKey, openStore } from '../runtime/aws/index.ts';
import {
  EXIT_RETRY,
  exitWithParent,
  explain,
  type JobDefinition,
  type ObjectStore,
  reportProgress,
  sentenceOf,
} from '../runtime/index.ts';
import { healthOf } from './health.ts';

export { memoryMiB } from './health.ts';

/** What every job gets from the place it runs in. */
export interface JobContext {
  /** A folder (NIGHTJAR_STORE) or the buckets. */
  readonly store: ObjectStore;
  /** Reads the pseudonym key. Only clean and export may. */
  readonly key: () => Promise<Uint8Array>;
  /** Tells whoever started the job how far it is, at most every 200 ms. */
  readonly progress: (text: string) => void;
  /** Fires when the machine is about to be taken away: save what is worth it and throw. */
  readonly signal: AbortSignal;
}

/** A job of a run knows which: NIGHTJAR_RUN. */
export interface RunContext extends JobContext {
  readonly runId: string;
}

export interface JobOptions {
  /**
   * What SIGTERM does: `signal` fires the context's signal and waits for the work, `exit` ends the process at once, for
   * work whose objects are whole or absent.
   */
  readonly onTerminate?: 'signal' | 'exit';
}

/** Milliseconds between two lines of progress. */
const QUIET_MS = 200;

/** Runs a job that belongs to a run. The rest is as in `startJob`. */
export function runJob(
  job: JobDefinition,
  work: (context: RunContext) => Promise<void>,
  options: JobOptions = {},
): Promise<void> {
  return startJob(job, (context) => work({ ...context, runId: variable('NIGHTJAR_RUN') }), options);
}

/**
 * Runs a job's work in its process: one JSON line says what it runs on, then the work runs. Exit codes: 0 done; 75 it
 * may be started again, as it was interrupted by SIGTERM or a dependency stayed away; 1 it failed. The last line of the
 * error output says why.
 */
export async function startJob(
  job: JobDefinition,
  work: (context: JobContext) => Promise<void>,
  { onTerminate = 'signal' }: JobOptions = {},
): Promise<void> {
  exitWithParent();
  const interrupted = new AbortController();
  process.once('SIGTERM', () => {
    if (onTerminate === 'exit') process.exit(EXIT_RETRY);
    interrupted.abort(new NightjarError('the job was told to end (SIGTERM)'));
  });
  const { env } = process;
  let last = 0;
  const progress = (text: string) => {
    const now = Date.now();
    if (now - last < QUIET_MS) return;
    last = now;
    reportProgress(text);
  };
  try {
    process.stdout.write(`${JSON.stringify({ health: healthOf(job, env) })}\n`);
    const store = await openStore(env, JOB_RETRY_S);
    await work({
      store,
      key: () => openKey(env, JOB_RETRY_S),
      progress,
      signal: interrupted.signal,
    });
  } catch (error) {
    // Where a fault of Nightjar happened is for the log; the runner shows the last line: what happened.
    if (!explain(error)) console.error(error);
    console.error(sentenceOf(error));
    process.exitCode = interrupted.signal.aborted || isAway(error) ? EXIT_RETRY : 1;
  }
}

/** A variable that the job cannot do without. @throws NightjarError */
export function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new NightjarError(`the job needs the environment variable ${name}`);
  return value;
}

/**
 * The shards of one child of an array job: an equal part of them, by its index.
 * @param children how many children there are
 */
export function shardRange(shards: number, children: number, index: number): { from: number; to: number } {
  return { from: Math.floor((index * shards) / children), to: Math.floor(((index + 1) * shards) / children) };
}
