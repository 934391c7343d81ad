import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { digestOf } from '../../data/index.ts';
import { BeingWritten } from '../errors.ts';
import { explained } from './explain.ts';

/** The kernel stamps files with a clock that ticks every 1 to 10 ms; two changes within a tick look alike. */
const CLOCK_TICK_MS = 50;
const CACHED_ETAGS = 100_000;
const CHUNK_BYTES = 1 << 20;

/** A hash that becomes an etag: here the digest of the bytes. */
export function etagHash(): { update(bytes: Uint8Array): void; digest(): string } {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => digestOf(hash.digest('hex')) };
}

/** Whether a file has the bytes that it had. Renaming and linking move the change time only. */
export function sameContent(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs;
}

export interface EtagCache {
  /**
   * Etag of an open file, from memory where the file looks as it did when it was last hashed.
   * @throws BeingWritten when somebody writes into the file meanwhile
   */
  of(key: string, handle: FileHandle, info: BigIntStats): Promise<string>;
  forget(key: string): void;
}

/**
 * Etags are digests of the bytes, so equal files have equal etags on every machine. Files that a person copies into the
 * folder have none stored, so all are computed on reading and remembered by what `stat` says: size, both times and
 * inode. The change time is among them because copying tools set the modification time back.
 * @param clock milliseconds of the clock that stamps the files
 */
export function etagCache(clock: () => number = Date.now): EtagCache {
  const known = new Map<string, { id: string; etag: string }>();
  return {
    async of(key, handle, info) {
      const id = `${info.size}:${info.mtimeNs}:${info.ctimeNs}:${info.ino}`;
      const cached = known.get(key);
      if (cached?.id === id) return cached.etag;
      const startedMs = clock();
      const etag = await hashFile(handle, Number(info.size));
      if (!sameContent(info, await handle.stat({ bigint: true }))) throw new BeingWritten(key);
      // A file changed within the clock's last tick could change again unseen: it is hashed again next time.
      if (startedMs - Number(info.ctimeMs) > CLOCK_TICK_MS) {
        const oldest = known.size >= CACHED_ETAGS ? known.keys().next().value : undefined;
        if (oldest !== undefined) known.delete(oldest);
        known.set(key, { id, etag });
      }
      return etag;
    },
    forget: (key) => void known.delete(key),
  };
}

/**
 * The etag that a file would have as an object.
 * @throws UnusableObject when it may not be read
 */
export async function etagOfFile(path: string): Promise<string> {
  const handle = await explained({ key: path, root: '', doing: 'read' }, open(path, 'r'));
  try {
    return await hashFile(handle, Number((await handle.stat()).size));
  } finally {
    await handle.close();
  }
}

async function hashFile(handle: FileHandle, size: number): Promise<string> {
  const hash = etagHash();
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size + 1));
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return hash.digest();
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
