import { readFileSync, readlinkSync, rmdirSync, unlinkSync } from 'node:fs';
import { readdir, readFile, rename, rm, rmdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { sha256 } from '../../data/index.ts';
import { StoreError } from '../errors.ts';
import { bucketPlace, explainedAt } from './explain.ts';
import { HIDDEN } from './folder-list.ts';
import { ownedName } from './folder-lock.ts';
import { isAlive, MISSING, makeFolders, systemCode, unless } from './system.ts';

/**
 * One command at a time works on a folder that stands for a bucket. Objects come to no harm from two (see
 * folder-store.ts), but they would do all work twice, in the memory of one machine. So the second one is told of the
 * first and ends.
 *
 * The mark is a folder `.tmp/at-work` that holds one file with the holder's own name in it. It is taken by renaming a
 * prepared folder to that name, which fails while the folder there is not empty; and a dead holder's mark is broken by
 * removing that holder's file by its name. Of any number of commands that start at once, and of any that break the same
 * mark, exactly one can succeed: what one has judged dead is never another's.
 */

interface Holder {
  readonly pid: number;
  /** What was started, such as 'run'. */
  readonly command: string;
  readonly host: string;
  /** Of the machine since it was started, and of the container: a pid means nothing elsewhere. */
  readonly machine: string;
  /** When the process was started, by the system's clock: a pid is given again. Absent where the system does not say. */
  readonly started?: string;
  readonly since: string;
}

/** Another command is at work on the bucket. */
export class AtWork extends StoreError {
  override name = 'AtWork';

  constructor(root: string, { pid, command, host, since }: Holder) {
    const where = host === hostname() ? '' : ` on ${host}`;
    super(
      `another "nightjar ${command}" is at work on ${root} (process ${pid}${where}, since ${localTime(since)}): ` +
        'wait until it is done, or stop it',
    );
  }
}

/** How often a holder says that it lives, for those who cannot see its process. */
const BEAT_MS = 10_000;
/** A holder that cannot be seen and said nothing for so long is dead. */
const SILENT_MS = 120_000;

/**
 * Marks a bucket's folder as worked on until the process ends or the mark is released. A holder that was killed leaves
 * a mark that keeps nobody out.
 * @param root the store's folder
 * @param command what a second one is told
 * @throws AtWork, SystemError
 */
export async function markAtWork(root: string, command: string): Promise<() => Promise<void>> {
  return explainedAt(bucketPlace(root), mark(resolve(root), command));
}

async function mark(root: string, command: string): Promise<() => Promise<void>> {
  const hidden = join(root, HIDDEN);
  const path = join(hidden, 'at-work');
  const name = ownedName();
  const prepared = join(hidden, `${name}.work`);
  await makeFolders(prepared);
  try {
    await writeFile(join(prepared, name), JSON.stringify(ourselves(command)));
    const { mtimeMs: now } = await stat(join(prepared, name));
    while (!(await renamed(prepared, path))) await breakDead(root, path, now);
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw error;
  }
  return held(path, join(path, name));
}

function ourselves(command: string): Holder {
  const { pid } = process;
  const started = startOf(pid);
  const holder = { pid, command, host: hostname(), machine: machine(), since: new Date().toISOString() };
  return started === undefined ? holder : { ...holder, started };
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
}

/** @throws AtWork while the holder lives */
async function breakDead(root: string, path: string, now: number): Promise<void> {
  const [name] = (await unless(MISSING, readdir(path))) ?? [];
  if (name === undefined) return;
  const file = join(path, name);
  const text = await unless(MISSING, readFile(file, 'utf8'));
  if (text === undefined) return;
  const holder = parsed(text);
  const beat = await unless(MISSING, stat(file));
  if (holder && beat && isAtWork(holder, now - beat.mtimeMs)) throw new AtWork(root, holder);
  await unless(MISSING, unlink(file));
}

/** Undefined where a disk has lost the text: nobody writes half a mark. */
function parsed(text: string): Holder | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAtWork({ pid, machine: there, started }: Holder, silentMs: number): boolean {
  if (there !== machine()) return silentMs < SILENT_MS;
  return isAlive(pid) && (started === undefined || started === startOf(pid));
}

/** Keeps the mark and gives what takes it off. */
function held(path: string, file: string): () => Promise<void> {
  const beat = setInterval(() => {
    const now = new Date();
    // A mark that cannot be renewed keeps fewer out, and harms nothing.
    utimes(file, now, now).catch(() => {});
  }, BEAT_MS).unref();
  const atExit = () => {
    try {
      unlinkSync(file);
      rmdirSync(path);
    } catch {
      // A mark that stays is seen to be a dead process's.
    }
  };
  process.once('exit', atExit);
  return async () => {
    clearInterval(beat);
    process.off('exit', atExit);
    await unless(MISSING, unlink(file));
    await unless([...MISSING, 'ENOTEMPTY', 'EEXIST'], rmdir(path));
  };
}

let known: string | undefined;

/** Names the machine since its start, and the container's own numbers of processes where there are such. */
function machine(): string {
  known ??= sha256(
    [hostname(), read('/proc/sys/kernel/random/boot_id'), link('/proc/self/ns/pid')].join('\n'),
  ).slice(0, 16);
  return known;
}

/**
 * When a process was started, in ticks since the machine was; only Linux says so in a file. One that has ended and that
 * nobody has asked for yet does not work any more.
 */
function startOf(pid: number): string | undefined {
  // The command's name may hold anything and stands in brackets; behind it come the state and, 19 later, the start.
  const fields = read(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ');
  return fields?.[0] === 'Z' ? undefined : fields?.[19];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** '2025-04-15 02:30:12', by the clock on the wall. */
function localTime(iso: string): string {
  return new Date(iso).toLocaleString('sv-SE');
}
