import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BeingWritten, InvalidRange, StoreError, UnusableObject } from '../errors.ts';
import type { GetOptions, ObjectInfo, StoredObject } from '../types.ts';
import { sameContent } from './etags.ts';
import { explained } from './explain.ts';
import { MISSING, unless } from './system.ts';

/** Pieces of at most this size are read at once, so that their file is closed before anyone looks at them. */
const AT_ONCE = 1 << 20;
const CHUNK_BYTES = 1 << 18;

export interface OpenObject {
  /** The store's folder. */
  readonly root: string;
  readonly key: string;
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

/**
 * Opens the file of an object; undefined where there is none (a folder, a pipe or a dangling link is none).
 * @throws StoreError when it may not be read
 */
export async function openObject(root: string, key: string): Promise<OpenObject | undefined> {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const opened = unless([...MISSING, 'ELOOP', 'ENXIO'], open(join(root, key), flags));
  const handle = await explained({ key, root, doing: 'read' }, opened);
  if (!handle) return undefined;
  const stats = await handle.stat({ bigint: true });
  if (stats.isFile()) return { root, key, handle, stats };
  await handle.close();
  return undefined;
}

/**
 * The bytes asked for of an open object. Takes over the file: it is closed when the bytes have been read. All bytes
 * come from this one file, so an object that is replaced meanwhile does not show.
 * @throws InvalidRange
 */
export async function storedObject(
  file: OpenObject,
  info: ObjectInfo,
  range: GetOptions['range'],
): Promise<StoredObject> {
  const { start, end } = resolveRange(info, range);
  if (end - start <= AT_ONCE) {
    const bytes = await readBytes(file, start, end);
    await file.handle.close();
    return { info, body: once(bytes), bytes: async () => bytes };
  }
  let taken = false;
  const take = () => {
    if (taken) throw new StoreError(`${info.key} was read already: get it again to read it twice`);
    taken = true;
  };
  return {
    info,
    body: {
      [Symbol.asyncIterator]() {
        take();
        return readPieces(file, start, end);
      },
    },
    async bytes() {
      take();
      try {
        return await readBytes(file, start, end);
      } finally {
        await file.handle.close();
      }
    },
  };
}

/**
 * The bytes of a file anywhere on this machine, of one version: a file that is written or replaced meanwhile is told at
 * the end, so that nothing half of it becomes an object.
 * @throws UnusableObject
 */
export async function* bytesOfFile(path: string): AsyncGenerator<Uint8Array> {
  const file = await openObject('', path);
  if (!file) throw new UnusableObject(`${path} is gone`, 'drop it again when it is back');
  yield* readPieces(file, 0, Number(file.stats.size));
}

/** As S3: the end is cut to the object's size, a start beyond it is an error. */
function resolveRange(info: ObjectInfo, range: GetOptions['range']): { start: number; end: number } {
  if (!range) return { start: 0, end: info.size };
  const { start, end } = range;
  const whole = Number.isInteger(start) && Number.isInteger(end);
  if (!whole || start < 0 || start >= end || start >= info.size) {
    throw new InvalidRange(info.key, start, end, info.size);
  }
  return { start, end: Math.min(end, info.size) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readBytes(file: OpenObject, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  await fill(file, bytes, start);
  await checkUnchanged(file);
  return bytes;
}

async function* readPieces(file: OpenObject, start: number, end: number): AsyncGenerator<Uint8Array> {
  try {
    if (start === end) await checkUnchanged(file);
    for (let position = start; position < end; position += CHUNK_BYTES) {
      const piece = new Uint8Array(Math.min(CHUNK_BYTES, end - position));
      await fill(file, piece, position);
      if (position + piece.length === end) await checkUnchanged(file);
      yield piece;
    }
  } finally {
    await file.handle.close();
  }
}

async function fill(file: OpenObject, bytes: Uint8Array, start: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, 1 << 26);
    const reading = file.handle.read(bytes, done, length, start + done);
    const { bytesRead } = await explained({ ...file, doing: 'read' }, reading);
    if (bytesRead === 0) throw new BeingWritten(file.key);
    done += bytesRead;
  }
}

async function checkUnchanged(file: OpenObject): Promise<void> {
  if (!sameContent(file.stats, await file.handle.stat({ bigint: true }))) throw new BeingWritten(file.key);
}
