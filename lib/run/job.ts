import { NightjarError } from '../data/index.ts';
import {
  type Annotations,
  isAway,
  JOB_RETRY_S,
  type Note,
  openKey,
  openStore,
  openTraces,
  type Segment,
} from '../runtime/aws/index.ts';
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
import { traceOfRun } from './run-trace.ts';

export { memoryMiB } from './health.ts';
export { shardRange } from './shard-range.ts';

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
  /** Says what the job did, for its trace; nothing where there is none. */
  readonly note: Note;
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
  /** Where the job belongs, where it is traced (see openTraces). Default: nowhere. */
  readonly trace?: (store: ObjectStore, environment: string) => Promise<JobTrace>;
}

type JobTrace = Omit<Segment, 'stage' | 'id'>;

/** Milliseconds between two lines of progress. */
const QUIET_MS = 200;

/** Runs a job that belongs to a run. The rest is as in `startJob`. */
export function runJob(
  job: JobDefinition,
  work: (context: RunContext) => Promise<void>,
  options: JobOptions = {},
): Promise<void> {
  const trace = async (store: ObjectStore, environment: string): Promise<JobTrace> => {
    const { segment, ...found } = await traceOfRun(store, environment, variable('NIGHTJAR_RUN'));
    return { ...found, parent: segment };
  };
  return startJob(job, (context) => work({ ...context, runId: variable('NIGHTJAR_RUN') }), {
    trace,
    ...options,
  });
}

/**
 * Runs a job's work in its process: one JSON line says what it runs on, then the work runs. Exit codes: 0 done; 75 it
 * may be started again, as it was interrupted by SIGTERM or a dependency stayed away; 1 it failed. The last line of the
 * error output says why.
 */
export async function startJob(
  job: JobDefinition,
  work: (context: JobContext) => Promise<void>,
  { onTerminate = 'signal', trace }: JobOptions = {},
): Promise<void> {
  exitWithParent();
  const interrupted = new AbortController();
  process.once('SIGTERM', () => {
    if (onTerminate === 'exit') process.exit(EXIT_RETRY);
    interrupted.abort(new NightjarError('the job was told to end (SIGTERM)'));
  });
  const { env } = process;
  /** By which the lines of this job are found, once it is known. */
  let named: { readonly trace_id?: string } = {};
  let last = 0;
  const progress = (text: string) => {
    const now = Date.now();
    if (now - last < QUIET_MS) return;
    last = now;
    reportProgress(text, named);
  };
  try {
    const health = healthOf(job, env);
    print({ health });
    const store = await openStore(env, JOB_RETRY_S);
    const key = () => openKey(env, JOB_RETRY_S);
    const context = { store, key, progress, signal: interrupted.signal };
    const traces = openTraces(env, (warning) => print({ warning, ...named }));
    if (!traces || !trace) return await work({ ...context, note: () => {} });
    const { annotations, ...place } = await trace(store, traces.environment);
    named = { trace_id: place.traceId };
    const { child, attempt } = health;
    const segment = {
      ...place,
      stage: job,
      annotations: { ...annotations, attempt, ...(child === null ? {} : { child }) },
    };
    print({ job, began: segment.annotations, ...named });
    await traces.during(
      segment,
      async (send) => {
        const note = (told: Annotations, refused?: boolean) => {
          print({ job, did: told, ...named });
          send(told, refused);
        };
        await work({ ...context, note });
      },
      true,
    );
  } catch (error) {
    if (named.trace_id !== undefined) print({ job, failed: sentenceOf(error), ...named });
    // Where a fault of Nightjar happened is for the log; the runner shows the last line: what happened.
    if (!explain(error) || env.NIGHTJAR_DEBUG === '1') console.error(error);
    console.error(sentenceOf(error));
    process.exitCode = interrupted.signal.aborted || isAway(error) ? EXIT_RETRY : 1;
  }
}

/** A line of the log, as JSON. */
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** A variable that the job cannot do without. @throws NightjarError */
export function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new NightjarError(`the job needs the environment variable ${name}`);
  return value;
}
