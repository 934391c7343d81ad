import type { FileHandle } from 'node:fs/promises';
import { type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow';
import { decodeArrow, hasMark, MARK, noArrow, RANGES } from './arrow.ts';
import { checkBatch } from './arrow-check.ts';
import { checkFooter, checkMessage } from './arrow-metadata.ts';
import { damaged } from './damaged.ts';
import { NightjarError } from './errors.ts';

/** Reading sharded Arrow files: the batches that cover a shard, or all of them in order. */

/** Bytes that can be read in ranges, from one version of an object. */
export interface ByteSource {
  /** Named in errors. */
  readonly name: string;
  readonly size: number;
  /** Bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A batch of a sharded file. */
export interface FilePart {
  readonly batch: RecordBatch;
  /** Of a pack: whose rows they are, by its place in the list of members; 0 in a file that is of one drop. */
  readonly member: number;
}

/** A sharded file that is open: its schema is known, and its batches can be fetched. */
export interface ShardedFile {
  readonly schema: Schema;
  /** Ranges of hashes that it is cut into. */
  readonly ranges: number;
  /**
   * The batches that cover one shard, one call at a time. Their rows may reach beyond the shard when the file has fewer
   * ranges than there are shards: filter by hash.
   */
  read(shard: number, shards: number): Promise<FilePart[]>;
}

const NOTHING = new Uint8Array(0);

/** Files up to this size are cheaper to fetch whole than in a footer and a batch. */
export const WHOLE_FILE = 1 << 20;
/** The end of a larger file, fetched first: it holds the footer, but for files of thousands of batches. */
const TAIL = 1 << 16;

/** Metadata of a pack's schema: the member that each batch is of, by range. */
export const MEMBERS = 'nightjar.members';

/**
 * Opens a sharded file: one that is small is fetched whole, of others the end.
 * @throws DataError when the bytes are no sharded Arrow file
 */
export async function openShardedFile(source: ByteSource): Promise<ShardedFile> {
  if (source.size <= WHOLE_FILE) {
    const { schema, batches } = decodeArrow(await source.read(0, source.size), source.name);
    return shardedFile(source.name, schema, async (index) => batches[index]);
  }
  const { schema, batchAt } = await openReader(source);
  return shardedFile(source.name, schema, batchAt);
}

/** As `openShardedFile(source).read(shard, shards)`. */
export async function readShard(source: ByteSource, shard: number, shards: number): Promise<RecordBatch[]> {
  const file = await openShardedFile(source);
  return (await file.read(shard, shards)).map(({ batch }) => batch);
}

/** Every batch of a sharded file in order, one in memory at a time, and how many there are. */
export async function readBatches(
  source: ByteSource,
): Promise<{ count: number; batches: AsyncGenerator<RecordBatch, void, undefined> }> {
  const reader = await openReader(source);
  const count = rangesOf(reader.schema, source.name);
  return {
    count,
    batches: (async function* () {
      for (let index = 0; index < count; index++) {
        const batch = await reader.batchAt(index);
        if (batch) yield batch;
      }
      await reader.close();
    })(),
  };
}

/**
 * The same bytes, fetched ahead: who reads a file from its front to its end makes few requests.
 * @param window bytes to fetch at least, asked before each request
 */
export function readingAhead(source: ByteSource, window: () => number): ByteSource {
  let from = 0;
  let held: Uint8Array = NOTHING;
  return {
    name: source.name,
    size: source.size,
    async read(start, end) {
      const until = from + held.length;
      if (start < from || end > until) {
        const known = start >= from && start < until ? held.subarray(start - from) : NOTHING;
        const next = start + known.length;
        const fetched = await source.read(next, Math.min(source.size, Math.max(end, next + window())));
        held = known.length === 0 ? fetched : Buffer.concat([known, fetched]);
        from = start;
      }
      return held.subarray(start - from, end - from);
    },
  };
}

function shardedFile(
  name: string,
  schema: Schema,
  batchAt: (index: number) => Promise<RecordBatch | undefined>,
): ShardedFile {
  const ranges = rangesOf(schema, name);
  const text = schema.metadata.get(MEMBERS);
  const members: number[][] | undefined = text === undefined ? undefined : JSON.parse(text);
  const firsts = [0];
  for (const own of members ?? []) firsts.push(firsts.at(-1)! + own.length);
  return {
    schema,
    ranges,
    async read(shard, shards) {
      const parts: FilePart[] = [];
      for (const range of coveringRanges(ranges, shard, shards)) {
        for (const [i, member] of (members?.[range] ?? [0]).entries()) {
          const batch = await batchAt(members ? firsts[range]! + i : range);
          if (batch) parts.push({ batch, member });
        }
      }
      return parts;
    },
  };
}

async function openReader(source: ByteSource) {
  const from = Math.max(0, source.size - TAIL);
  // What is at hand: the end of the file, and the batch that is read.
  const held: { start: number; bytes: Uint8Array }[] = [];
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    const there = held.find((one) => start >= one.start && end <= one.start + one.bytes.length);
    return there ? there.bytes.subarray(start - there.start, end - there.start) : source.read(start, end);
  };
  if (source.size > TAIL) held.push({ start: from, bytes: await source.read(from, source.size) });
  const last = await read(Math.max(0, source.size - MARK.length), source.size);
  if (!hasMark(last)) throw noArrow(source.name);
  try {
    const places = checkFooter(await footerOf(read, source.size), source.size);
    const reader = await RecordBatchReader.from(rangeHandle({ ...source, read }));
    await reader.open();
    if (!reader.isFile() || !reader.isAsync()) throw noArrow(source.name);
    const ends = held.length;
    return {
      schema: reader.schema,
      close: () => reader.cancel(),
      async batchAt(index: number): Promise<RecordBatch | undefined> {
        const place = places[index];
        if (!place) return undefined;
        try {
          const bytes = await read(place.start, place.end);
          checkMessage(bytes.subarray(0, place.body - place.start));
          held.push({ start: place.start, bytes });
          const batch = await reader.readRecordBatch(index);
          return batch ? checkBatch(batch) : undefined;
        } catch (cause) {
          throw unread(source, cause);
        } finally {
          held.length = ends;
        }
      },
    };
  } catch (cause) {
    throw unread(source, cause);
  }
}

/** What the reader throws says nothing of the file; a fault of the store is none of the file. */
const unread = ({ name }: ByteSource, cause: unknown): unknown =>
  cause instanceof NightjarError ? cause : noArrow(name, cause);

/** The footer with its length and the mark behind it. */
async function footerOf(read: ByteSource['read'], size: number): Promise<Uint8Array> {
  const end = MARK.length + 4;
  const length = Buffer.from(await read(size - end, size)).readInt32LE(0);
  return read(Math.max(0, size - end - Math.max(0, length)), size);
}

function rangesOf(schema: Schema, name: string): number {
  const count = Number(schema.metadata.get(RANGES));
  if (!Number.isInteger(count) || count < 1) throw damaged(name, 'one that says how many batches it has');
  return count;
}

function coveringRanges(ranges: number, shard: number, shards: number): number[] {
  if (ranges <= shards) return [Math.floor((shard * ranges) / shards)];
  const each = ranges / shards;
  return Array.from({ length: each }, (_, i) => shard * each + i);
}

/** Arrow reads from anything with stat, read and close; its types ask for a whole FileHandle. */
function rangeHandle(source: ByteSource): FileHandle {
  return Object.assign(Object.create(null), {
    fd: -1,
    stat: async () => ({ size: source.size }),
    close: async () => {},
    async read(buffer: Uint8Array, offset: number, length: number, position: number) {
      const bytes = await source.read(position, Math.min(source.size, position + length));
      buffer.set(bytes, offset);
      return { bytesRead: bytes.length, buffer };
    },
  });
}
