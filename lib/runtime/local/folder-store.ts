import { link, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ObjectNotFound, PreconditionFailed, StoreError, SystemError, UnusableObject } from '../errors.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  PutResult,
  StoredObject,
} from '../types.ts';
import { type EtagCache, etagCache, etagHash } from './etags.ts';
import { type Attempt, bucketPlace, explained, explainedAt } from './explain.ts';
import { HIDDEN, listKeys, report, type Tell } from './folder-list.ts';
import { breakStaleLock, lockKey, ownedName, ownerOf } from './folder-lock.ts';
import { type OpenObject, openObject, storedObject } from './open-object.ts';
import { isAlive, MISSING, makeFolders, systemCode, unless } from './system.ts';

/** A temporary file this old is no longer being written, even if a process with its writer's pid lives. */
const ABANDONED_MS = 86_400_000;
/** A commit starts over when its lock was broken or its folder pruned; more often than this, something is wrong. */
const COMMIT_TRIES = 100;

export interface FolderStoreOptions {
  /**
   * Wait until the disk has the bytes (fsync), so that objects also survive a power cut. Without it they survive the
   * death of the process only. Default true.
   */
  readonly durable?: boolean;
}

/**
 * An object store in a folder of one machine (Linux or macOS), with the semantics of S3: an object appears whole or not at all, at
 * whatever moment the writer is killed, and conditional writes hold between processes. Files may also be put in by
 * hand. What a folder cannot do: hold both `a` and `a/b`, or keys that differ only in case where the file system
 * ignores case.
 * @param root created where it is missing; leftovers of writers that died are removed
 */
export async function openFolderStore(root: string, options: FolderStoreOptions = {}): Promise<ObjectStore> {
  const base = resolve(root);
  const hidden = join(base, HIDDEN);
  try {
    await explainedAt(bucketPlace(base), prepare(hidden));
    return new FolderStore(base, hidden, options.durable ?? true);
  } catch (error) {
    // What can only be read can be looked at all the same: writing is what fails.
    if (!(error instanceof SystemError) || !(await isFolder(base))) throw error;
    return new FolderStore(base, hidden, false, error);
  }
}

async function prepare(hidden: string): Promise<void> {
  await makeFolders(hidden);
  await sweep(hidden);
}

const isFolder = async (path: string) => (await unless(MISSING, stat(path)))?.isDirectory() ?? false;

/** What another user left, or lies on a read-only disk, stays: it harms nobody. */
const NOT_OURS = ['EACCES', 'EPERM', 'EROFS', ...MISSING];

async function sweep(hidden: string): Promise<void> {
  for (const name of (await unless(NOT_OURS, readdir(hidden))) ?? []) {
    await unless(NOT_OURS, sweepOne(hidden, name));
  }
}

async function sweepOne(hidden: string, name: string): Promise<void> {
  const path = join(hidden, name);
  if (name.startsWith('lock-')) {
    if (await breakStaleLock(hidden, path)) await unless([...MISSING, 'ENOTEMPTY', 'EEXIST'], rmdir(path));
    return;
  }
  const owner = ownerOf(name);
  const info = await unless(MISSING, stat(path));
  if (owner === undefined || !info) return;
  if (!isAlive(owner) || Date.now() - info.mtimeMs > ABANDONED_MS) {
    await rm(path, { recursive: true, force: true });
  }
}

class FolderStore implements ObjectStore {
  readonly #root: string;
  readonly #hidden: string;
  readonly #durable: boolean;
  readonly #readOnly: SystemError | undefined;
  readonly #etags: EtagCache = etagCache();

  /** @param readOnly why nothing can be written */
  constructor(root: string, hidden: string, durable: boolean, readOnly?: SystemError) {
    this.#root = root;
    this.#hidden = hidden;
    this.#durable = durable;
    this.#readOnly = readOnly;
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject> {
    checkKey(key);
    const file = await openObject(this.#root, key);
    if (!file) throw new ObjectNotFound(key);
    try {
      const info = await this.#info(file);
      if (options.ifMatch !== undefined && options.ifMatch !== info.etag) {
        throw new PreconditionFailed(key, options.ifMatch);
      }
      return await storedObject(file, info, options.range);
    } catch (error) {
      await file.handle.close();
      throw error;
    }
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    checkKey(key);
    const file = await openObject(this.#root, key);
    if (!file) return undefined;
    try {
      return await this.#info(file);
    } finally {
      await file.handle.close();
    }
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<PutResult> {
    checkKey(key);
    if (options.ifAbsent && options.ifMatch !== undefined) {
      throw new StoreError(
        `put of ${key} asks for ifAbsent and ifMatch, which exclude each other: choose one`,
      );
    }
    if (options.ifAbsent && (await unless(MISSING, stat(this.#path(key))))?.isFile())
      return { written: false };
    if (this.#readOnly) throw this.#readOnly;
    const temporary = join(this.#hidden, ownedName());
    try {
      const etag = await this.#write(key, temporary, body);
      const written = await explained(this.#writing(key), this.#commit(key, temporary, options));
      return written ? { written, etag } : { written };
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async *list(prefix: string, { onOther, startAfter }: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    // The store's own folder is nobody's business.
    const tell: Tell = onOther && ((entry) => entry.key.startsWith(`${HIDDEN}/`) || onOther(entry));
    for await (const key of listKeys(this.#root, prefix, tell, startAfter)) {
      const info = await this.head(key).catch((error: unknown) => report(tell, key, error));
      if (info) yield info;
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    if (this.#readOnly) throw this.#readOnly;
    await explained({ key, root: this.#root, doing: 'deleted' }, this.#remove(key));
    this.#etags.forget(key);
  }

  #path(key: string): string {
    return join(this.#root, key);
  }

  #writing(key: string): Attempt {
    return { key, root: this.#root, doing: 'written' };
  }

  async #info(file: OpenObject): Promise<ObjectInfo> {
    const etag = await this.#etags.of(file.key, file.handle, file.stats);
    return {
      key: file.key,
      size: Number(file.stats.size),
      etag,
      digest: etag,
      lastModified: new Date(Number(file.stats.mtimeMs)),
    };
  }

  /** Writes the whole body to a new file and gives its etag. Errors of the body are passed on as they are. */
  async #write(key: string, path: string, body: ObjectBody): Promise<string> {
    const hash = etagHash();
    const writing = this.#writing(key);
    const handle = await explained(writing, open(path, 'wx'));
    try {
      for await (const piece of pieces(body)) {
        hash.update(piece);
        await explained(writing, handle.writeFile(piece));
      }
      if (this.#durable) await explained(writing, handle.sync());
    } finally {
      await handle.close();
    }
    return hash.digest();
  }

  /** Makes a finished file the object, if the condition holds. */
  async #commit(key: string, temporary: string, options: PutOptions): Promise<boolean> {
    for (let tries = 0; tries < COMMIT_TRIES; tries++) {
      const lock = await lockKey(this.#hidden, key, temporary);
      try {
        if (options.ifMatch !== undefined && (await this.head(key))?.etag !== options.ifMatch) return false;
        const outcome = await this.#place(lock.file, key, options.ifAbsent ?? false);
        if (outcome !== 'again') return outcome === 'placed';
      } finally {
        await lock.release();
      }
    }
    throw new StoreError(
      `${key} could not be written in ${COMMIT_TRIES} tries: is someone deleting its folder?`,
    );
  }

  async #place(file: string, key: string, ifAbsent: boolean): Promise<'placed' | 'exists' | 'again'> {
    const path = this.#path(key);
    const created = await makeFolder(key, dirname(path));
    try {
      await (ifAbsent ? link(file, path) : rename(file, path));
    } catch (error) {
      // Another process broke the lock, or removed the folder because it was empty.
      if (systemCode(error) === 'ENOENT') return 'again';
      const standing = await unless(MISSING, stat(path));
      if (systemCode(error) === 'EEXIST' && standing?.isFile()) return 'exists';
      // Folders that hold nothing are no objects and may not stand in the way of one.
      if (standing?.isDirectory() && (await pruneDownwards(path))) return 'again';
      throw error;
    }
    if (this.#durable) await this.#syncFolders(dirname(path), created);
    return 'placed';
  }

  async #remove(key: string): Promise<void> {
    const path = this.#path(key);
    const lock = await lockKey(this.#hidden, key);
    try {
      if (!(await unless(MISSING, stat(path)))?.isFile()) return;
      await unless(MISSING, unlink(path));
      if (this.#durable) await this.#syncFolders(dirname(path), undefined);
      for (let folder = dirname(path); folder !== this.#root; folder = dirname(folder)) {
        if (!(await removeFolder(folder))) return;
      }
    } finally {
      await lock.release();
    }
  }

  /** The entry of a new file is in its folder, and the entry of a new folder in the folder above. */
  async #syncFolders(folder: string, created: string | undefined): Promise<void> {
    const last = created === undefined ? folder : dirname(created);
    for (let path = folder; ; path = dirname(path)) {
      // A folder that is gone again held nothing any more.
      const handle = await unless(MISSING, open(path, 'r'));
      await handle?.sync();
      await handle?.close();
      if (path === last || path === dirname(path)) return;
    }
  }
}

/** Removes an empty folder. False: it holds something. */
async function removeFolder(path: string): Promise<boolean> {
  const removed = rmdir(path).then(() => true);
  return (await unless(['ENOTEMPTY', 'EEXIST', ...MISSING], removed)) ?? false;
}

/** Removes a folder that holds nothing but folders. False: it holds files. */
async function pruneDownwards(folder: string): Promise<boolean> {
  for (const entry of (await unless(MISSING, readdir(folder, { withFileTypes: true }))) ?? []) {
    if (entry.isDirectory()) await pruneDownwards(join(folder, entry.name));
  }
  return removeFolder(folder);
}

/** Gives the highest folder that had to be made. */
async function makeFolder(key: string, path: string): Promise<string | undefined> {
  try {
    return await makeFolders(path);
  } catch (cause) {
    if (!['EEXIST', 'ENOTDIR'].includes(systemCode(cause) ?? '')) throw cause;
    throw new UnusableObject(
      `${key} cannot be written: a part of its path is an object, and a folder cannot hold both`,
      'choose another key',
      { cause },
    );
  }
}

async function* pieces(body: ObjectBody): AsyncGenerator<Uint8Array> {
  if (typeof body === 'string') yield Buffer.from(body);
  else if (body instanceof Uint8Array) yield body;
  else yield* body;
}
