import { NightjarError } from '../data/index.ts';
import { exitWithParent, type ObjectStore, openFolderStore, reportProgress } from '../runtime/index.ts';

/** What every job reads from its environment. */
export interface JobContext {
  readonly store: ObjectStore;
  readonly runId: string;
  /** Tells whoever started the job how far it is, at most every 200 ms. */
  readonly progress: (text: string) => void;
}

/** Milliseconds between two lines of progress. */
const QUIET_MS = 200;

/**
 * Runs a job's work in its process: reads NIGHTJAR_STORE (a folder) and NIGHTJAR_RUN, ends with code 0, or with 1 and
 * one line that says why.
 */
export async function runJob(work: (context: JobContext) => Promise<void>): Promise<void> {
  exitWithParent();
  let last = 0;
  const progress = (text: string) => {
    const now = Date.now();
    if (now - last < QUIET_MS) return;
    last = now;
    reportProgress(text);
  };
  try {
    const store = await openFolderStore(variable('NIGHTJAR_STORE'));
    await work({ store, runId: variable('NIGHTJAR_RUN'), progress });
  } catch (error) {
    if (error instanceof NightjarError) console.error(`${error.name}: ${error.message}`);
    else {
      // The runner shows the last line: what happened, not where.
      console.error(error);
      console.error(String(error));
    }
    process.exitCode = 1;
  }
}

/** A variable that the job can not do without. @throws NightjarError */
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
