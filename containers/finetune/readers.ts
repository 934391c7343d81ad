import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { type Beside, gatherShards, readManifest, type ShardRange } from '../../lib/run/index.ts';
import { EXIT_RETRY, type ObjectStore, PARENT_PIPE, SystemError } from '../../lib/runtime/index.ts';

/** What a reader is asked to do: {"folder":"…","from":1,"to":8}. */
const ASKED = 'NIGHTJAR_READ';
/** A reader holds a shard in memory, and S3 gives to one machine only so much. */
const MOST_READERS = 4;

/** Is this process a reader beside a training? Then it reads what it is asked to. */
export async function readAsAsked(store: ObjectStore, runId: string): Promise<boolean> {
  const text = process.env[ASKED];
  if (!text) return false;
  const { folder, ...shards }: ShardRange & { folder: string } = JSON.parse(text);
  await gatherShards(store, await readManifest(store, runId), folder, shards);
  return true;
}

/** Readers beside this process, one for each further processor: this very program, asked to read. */
export function readersBeside(): Beside {
  const readers = Number(process.env.NIGHTJAR_READERS ?? Math.min(MOST_READERS, availableParallelism())) - 1;
  return { readers: Math.max(0, readers), read };
}

async function read(folder: string, shards: ShardRange): Promise<void> {
  const environment = { ...process.env, [ASKED]: JSON.stringify({ folder, ...shards }), [PARENT_PIPE]: '1' };
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
