import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { NightjarError } from '../../data/errors.ts';
import { EngineError } from '../../engine/errors.ts';
import { SystemError, UnusableObject } from '../errors.ts';
import { systemCode } from './system.ts';

/**
 * The one place that says what a failed system call means. Node's own errors, those that DuckDB and onnxruntime hand on
 * as text, and those of the store all become a sentence with the path and what to do.
 */

/** A place on this machine, as a sentence names it. */
export interface Place {
  /** 'the bucket', 'the temporary folder'; empty where the path says enough. */
  readonly what?: string;
  readonly path: string;
  /** Names below it that were invented, so that they tell nobody anything. Default: all. */
  readonly invented?: RegExp;
  /** Another path that stands for it. */
  readonly besides?: string;
  /** What helps where the place itself cannot be mended. */
  readonly instead?: string;
}

/** Where files lie while they are worked on. */
export const temporaryPlace = (): Place => ({
  what: 'the temporary folder',
  path: tmpdir(),
  invented: /^nightjar-(?:clean|check|export|duckdb)-/,
  instead: 'set TMPDIR to another folder',
});

/** The folder that stands for the bucket. */
export const bucketPlace = (path: string): Place => ({
  what: 'the bucket',
  path,
  instead: 'name another folder with --store',
});

/** What a code means, where it was met, and what to do. */
const MEANINGS: Readonly<Record<string, (at: string, or: string) => string>> = {
  ENOSPC: (at, or) => `the disk of ${at} is full: make room there${or}`,
  EDQUOT: (at, or) => `the disk quota of ${at} is used up: make room there or have it raised${or}`,
  EROFS: (at, or) => `the disk of ${at} is read-only: make it writable${or}`,
  EACCES: (at, or) => `the permissions of ${at} do not allow it: change them (chmod, chown)${or}`,
  EPERM: (at, or) => `the permissions of ${at} do not allow it: change them (chmod, chown)${or}`,
  ENOENT: (at, or) => `${at} is not there: check the path${or}`,
  ENOTDIR: (at, or) => `${at} cannot be reached: a part of its path is a file, not a folder: check it${or}`,
  EISDIR: (at, or) => `${at} is a folder where a file is expected: check the path${or}`,
  EEXIST: (at, or) => `${at} is there already and is not what is expected there: move it away${or}`,
  ENOTEMPTY: (at, or) => `${at} is a folder that is not empty: move it away${or}`,
  ENAMETOOLONG: (at) => `a name in ${at} is longer than its disk takes: choose a shorter one`,
  ELOOP: (at) => `${at} is a link that leads back to itself: remove the link`,
  EBUSY: (at) => `${at} is in use by another program: try again when that is done`,
  ETXTBSY: (at) => `${at} is in use by another program: try again when that is done`,
  EXDEV: (at) => `${at} is on another disk, to which a finished file cannot be moved: link the whole bucket`,
  EIO: (at, or) => `the disk of ${at} has an error: look into the system's log${or}`,
  ESTALE: (at, or) => `the network disk of ${at} is gone: connect it again${or}`,
  EMFILE: () => 'too many files are open: raise the limit (ulimit -n 4096)',
  ENFILE: () => 'too many files are open on this machine: close other programs',
  EAGAIN: () => 'the machine starts no more processes: close other programs, or raise the limit (ulimit -u)',
  ENOMEM: () => 'there is too little memory for it: close other programs, or use a machine with more',
};

/** What is wrong with an object, and what to do. */
type Fault = readonly [reason: string, hint: string];

const BELOW: Fault = ['there are objects below it, and a folder cannot hold both', 'choose another key'];

/** Codes that tell of one object and not of the store, whatever was tried. */
const OF_OBJECT: Readonly<Record<string, Fault>> = {
  EISDIR: BELOW,
  ENOTEMPTY: BELOW,
  EEXIST: BELOW,
  ENOTDIR: ['a part of its path is an object, and a folder cannot hold both', 'choose another key'],
  ENAMETOOLONG: ['its path is longer than the disk takes', 'choose a shorter key'],
  ELOOP: ['its file is a link that leads back to itself', 'remove the link'],
  EXDEV: [
    'its folder is a link to another disk, to which a finished file cannot be moved',
    'link the whole bucket',
  ],
};

const UNREADABLE: Fault = ['this user may not read it', 'change its permissions (chmod, chown)'];

/** Codes that tell of one object where it could not be read: others may be readable. */
const OF_FILE: Readonly<Record<string, Fault>> = {
  EACCES: UNREADABLE,
  EPERM: UNREADABLE,
  EIO: ['the disk has an error where it lies', 'drop it again from another copy'],
};

/** What was tried with which object of which folder. */
export interface Attempt {
  readonly key: string;
  /** The store's folder. */
  readonly root: string;
  readonly doing: 'read' | 'written' | 'deleted';
}

/**
 * What `action` gives. Where a system call fails, the error says what it means for the object: an UnusableObject where
 * the object is at fault, a SystemError where all others would fail as well.
 */
export async function explained<T>({ key, root, doing }: Attempt, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    const code = systemCode(error) ?? '';
    const own = OF_OBJECT[code] ?? (doing === 'read' ? OF_FILE[code] : undefined);
    if (own) throw new UnusableObject(`${key} cannot be ${doing}: ${own[0]}`, own[1], { cause: error });
    const meaning = meaningOf(code, bucketPlace(root));
    if (meaning === undefined) throw error;
    throw new SystemError(code, `${key} cannot be ${doing}: ${meaning}`, { cause: error, concernsAll: true });
  }
}

/** What `action` gives. A system call that fails is told of the place, unless it names a path elsewhere. */
export async function explainedAt<T>(place: Place, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw explain(error, place) ?? error;
  }
}

/**
 * An error that a person can act on.
 * @param place where a call that names no path of its own was at work
 * @returns the error itself where it is Nightjar's own; undefined where nobody knows what it means
 */
export function explain(error: unknown, place?: Place): NightjarError | undefined {
  if (error instanceof NightjarError || error instanceof EngineError) return error;
  if (!(error instanceof Error)) return undefined;
  const code = systemCode(error) ?? '';
  const text = error.message.split('\n')[0] ?? '';
  if (OUT_OF_MEMORY.test(text) || code === 'ERR_WORKER_OUT_OF_MEMORY') {
    const limit = /\(([^)]* used)\)/.exec(text)?.[1];
    const meaning = meaningOf('ENOMEM', { path: '' });
    const message = `${meaning}${limit ? ` (DuckDB: ${limit})` : ''}`;
    return new SystemError('ENOMEM', message, { cause: error, concernsAll: false });
  }
  const unread = code === 'ERR_MODULE_NOT_FOUND' && moduleOf(text);
  if (unread) {
    // Where nothing more can be opened, a module that is there is not found.
    if (existsSync(unread) || isUnreadPackage(unread))
      return new SystemError('EMFILE', MEANINGS.EMFILE!('', ''), { cause: error, concernsAll: true });
    const message = `${unread} is missing: install Nightjar's packages again (npm ci)`;
    return new SystemError('ENOENT', message, { cause: error, concernsAll: true });
  }
  const known = code in MEANINGS ? code : STRERROR.find(([, words]) => text.includes(words))?.[0];
  if (known === undefined) return undefined;
  const path = pathOf(error);
  const at = placeOf(path, place);
  // A file with an invented name was there a moment ago: the place is not what is missing.
  const gone = known === 'ENOENT' && path !== undefined && path !== at.path && existsSync(at.path);
  const meaning = gone
    ? `${path} was deleted while it was in use: leave ${at.what ?? at.path} alone, and run the same command again`
    : meaningOf(known, at);
  if (meaning === undefined) return undefined;
  // What fills the temporary folder goes with it: the next piece of work may need less.
  const needsLess = known === 'ENOMEM' || (FULL.has(known) && at.invented !== undefined);
  return new SystemError(known, meaning, { cause: error, concernsAll: !needsLess });
}

/** Is it the index.js that is looked for where a package.json, which says what else to load, cannot be opened? */
function isUnreadPackage(module: string): boolean {
  if (basename(module) !== 'index.js') return false;
  const file = join(dirname(module), 'package.json');
  if (!existsSync(file)) return false;
  try {
    const { main, exports } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    return exports !== undefined || (typeof main === 'string' && !/^(\.\/)?index(\.js)?$/.test(main));
  } catch {
    return true;
  }
}

/** One sentence for a person, whatever the error is. What nobody foresaw is said to be a fault of Nightjar. */
export function sentenceOf(error: unknown): string {
  const known = explain(error);
  if (known) return known.message;
  const text = error instanceof Error ? error.message.split('\n')[0] || error.name : String(error);
  return `${text}: this is a fault of Nightjar: report it, with what it prints under NIGHTJAR_DEBUG=1`;
}

/** The file that Node did not find, as its message names it; undefined where it names a package alone. */
const moduleOf = (message: string): string | undefined =>
  /^Cannot find (?:module|package) '(\/[^']+)'/.exec(message)?.[1];

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

const OUT_OF_MEMORY =
  /^Out of Memory Error|std::bad_alloc|heap out of memory|Array buffer allocation failed|failed to allocate/i;

/** How C libraries say what went wrong, for those who hand on the words alone. */
const STRERROR: readonly (readonly [code: string, words: string])[] = [
  ['ENOSPC', 'No space left on device'],
  ['EDQUOT', 'Disk quota exceeded'],
  ['EROFS', 'Read-only file system'],
  ['EACCES', 'Permission denied'],
  ['EMFILE', 'Too many open files'],
  ['ENOMEM', 'Cannot allocate memory'],
  ['EIO', 'Input/output error'],
  ['ENAMETOOLONG', 'File name too long'],
  ['ENOTDIR', 'Not a directory'],
  ['EISDIR', 'Is a directory'],
  ['ENOENT', 'No such file or directory'],
];

function meaningOf(code: string, { what, path, instead }: Place): string | undefined {
  const at = [what, path].filter(Boolean).join(' ') || 'a file that is worked on';
  return MEANINGS[code]?.(at, instead ? `, or ${instead}` : '');
}

/** The path that an error names: Node's errors as a field, those of libraries in quotes. */
function pathOf(error: Error): string | undefined {
  for (const name of ['dest', 'path'] as const) {
    const value: unknown = Reflect.get(error, name);
    if (typeof value === 'string' && value !== '') return value;
  }
  return /["'](\/[^"']+)["']/.exec(error.message)?.[1];
}

/** Where a path is an invented name in a place, the place is told. */
function placeOf(path: string | undefined, place: Place | undefined): Place {
  if (path === undefined) return place ?? { path: '' };
  const known = [...(place ? [place] : []), temporaryPlace()];
  return known.find((one) => isIn(path, one)) ?? { path };
}

function isIn(path: string, { path: folder, invented, besides }: Place): boolean {
  if (path === folder || path === besides) return true;
  return path.startsWith(`${folder}/`) && (invented?.test(path.slice(folder.length + 1)) ?? true);
}
