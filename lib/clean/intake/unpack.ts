import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Refusal } from '../errors.ts';
import { packingOf, refuseForeign, SIGNATURE_BYTES } from './signatures.ts';
import { unzip } from './unzip.ts';
import { unzstd } from './zstd.ts';

export type Bytes = AsyncIterable<Uint8Array>;

/**
 * The plain bytes of a drop: unpacked where they begin as gzip, zstd or a zip of one file does.
 * @param scratch a path for a zip archive, which can only be read from disk; removed afterwards
 * @throws Refusal for what is broken, packed twice or no text at all
 */
export async function* unpacked(body: Bytes, scratch: string): AsyncGenerator<Uint8Array> {
  const { head, all } = await peek(body, SIGNATURE_BYTES);
  const packing = packingOf(head);
  if (!packing) {
    refuseForeign(head);
    yield* all;
    return;
  }
  const plain = { gzip: () => gunzip(all), zstd: () => unzstd(all), zip: () => unzipped(all, scratch) };
  const inner = await peek(plain[packing](), SIGNATURE_BYTES);
  refuseForeign(inner.head, packing);
  yield* inner.all;
}

/** The first bytes (as many as asked for, fewer where the file is shorter), and everything from the start. */
async function peek(bytes: Bytes, wanted: number): Promise<{ head: Uint8Array; all: Bytes }> {
  const iterator = bytes[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  let done = false;
  while (head.length < wanted && !done) {
    const next = await iterator.next();
    if (next.done) done = true;
    else head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      while (!done) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head, all: all() };
}

async function* gunzip(packed: Bytes): AsyncGenerator<Uint8Array> {
  let given = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of packed) {
      given += chunk.length;
      yield chunk;
    }
  }
  const unpacking = createGunzip();
  const source = Readable.from(counted(), { objectMode: false });
  source.on('error', (error) => unpacking.destroy(error));
  source.pipe(unpacking);
  try {
    for await (const chunk of unpacking) yield chunk;
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && String(cause.code).startsWith('Z_'))) throw cause;
    throw new Refusal(
      `the gzip file is broken (${cause.message})`,
      'the upload was probably cut off: drop the whole file again; nothing of it was used',
      { cause },
    );
  }
  if (unpacking.bytesWritten < given) {
    throw new Refusal(
      `${given - unpacking.bytesWritten} bytes follow the end of the gzip data`,
      'drop the file again as one gzip file; nothing of it was used',
    );
  }
}

async function* unzipped(packed: Bytes, scratch: string): AsyncGenerator<Uint8Array> {
  try {
    await pipeline(packed, createWriteStream(scratch));
    yield* unzip(scratch);
  } finally {
    await rm(scratch, { force: true });
  }
}
