import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { type Beside, gatherShards, readManifest, type ShardRange } from '../../lib/run/index.ts';
import { EXIT_RETRY, type ObjectStore, PARENT_PIPE, SystemError } from '../../lib/runtime/index.ts';

/** What a reader is asked to do: {"folder":"…","from":1,"to":8}. */
const ASKED = 'NIGHTJAR_READ';
/** A reader holds a shard in memory, and S3 gives to one machine only so much. */
const MOST_READERS = 4;
/** A process takes a second to start: with fewer entries it is not worth it. */
const WORTH_IT = 1_000_000;

/** Is this process a reader beside a training? Then it reads what it is asked to. */
export async function readAsAsked(store: ObjectStore, runId: string): Promise<boolean> {
  const text = process.env[ASKED];
  if (!text) return false;
  const { folder, ...shards }: ShardRange & { folder: string } = JSON.parse(text);
  await gatherShards(store, await readManifest(store, runId), folder, shards);
  return true;
}

/**
 * Readers beside this process, one for each further processor where the history is long: this very program, asked to read.
 * NIGHTJAR_READERS sets how many processes read, this one included.
 */
export function readersBeside(): Beside {
  const set = process.env.NIGHTJAR_READERS;
  return {
    readers(entries) {
      if (set !== undefined) return Math.max(0, Number(set) - 1);
      return entries < WORTH_IT ? 0 : Math.min(MOST_READERS, availableParallelism()) - 1;
    },
    read,
  };
}

async function read(folder: string, shards: ShardRange): Promise<void> {
  const environment = {
    ...process.env,
    [ASKED]: JSON.stringify({ folder, ...shards }),
    [PARENT_PIPE]: '1',
    // It is part of this job in its trace.
    NIGHTJAR_TRACES: '',
  };
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!], {
    env: environment,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((done, fail) => {
    child.once('error', fail);
    child.once('close', (...end) => done(end));
  });
  if (code === 0) return;
  const told = `a reader of shards ${shards.from} to ${shards.to - 1} ended with ${signal ?? `exit code ${code}`}`;
  // Killed, or a dependency was away: the training is started again, as it would be if it had happened to itself.
  const passing = signal !== null || code === EXIT_RETRY || code === 137;
  throw new SystemError(passing ? 'EAGAIN' : 'ECHILD', told, { concernsAll: true });
}
