import type { FileHandle } from 'node:fs/promises';
import {
  AsyncByteQueue,
  Data,
  type DataType,
  type Field,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchReader,
  Schema,
  Struct,
} from 'apache-arrow';
import { damaged } from './damaged.ts';

/**
 * Sharded Arrow files: uncompressed IPC, one record batch per range of user hashes. Batch i of B (a power of two)
 * holds the users whose hash starts with the bits of i, so a reader fetches just the batches that cover its shard.
 */

const BATCHES = 'nightjar.batches';
/** A batch smaller than this costs more in framing than it saves in reading. */
const ROWS_PER_BATCH = 1000;
/** Who reads or writes a file holds a batch of it in memory: a larger one is cut further, beyond the shards. */
const MOST_ROWS_PER_BATCH = 1 << 19;

/** How many batches a file of this many rows is cut into: a power of two, at most `shards` unless they grow too large. */
export function batchCount(rows: number, shards: number): number {
  let count = 1;
  while (count < shards && rows / (count * 2) >= ROWS_PER_BATCH) count *= 2;
  while (rows / count > MOST_ROWS_PER_BATCH) count *= 2;
  return count;
}

/** One record batch from columns of equal length. */
export function recordBatch(
  fields: Field[],
  columns: (Data | Parameters<typeof makeData>[0])[],
  rows: number,
): RecordBatch {
  const schema = new Schema(fields);
  const children = columns.map((column) => (column instanceof Data ? column : makeData(column)));
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(fields), length: rows, nullCount: 0, children }),
  );
}

/**
 * The bytes of an Arrow file.
 * @param batches in the order of the hash ranges they cover; their number is a power of two
 * @param metadata facts about the file; kept in the schema
 */
export function encodeArrow(
  fields: Field<DataType>[],
  batches: readonly RecordBatch[],
  metadata: Record<string, string> = {},
): Uint8Array {
  const schema = shardedSchema(fields, batches.length, metadata);
  const writer = new RecordBatchFileWriter();
  writer.reset(undefined, schema);
  for (const batch of batches) writer.write(new RecordBatch(schema, batch.data));
  writer.finish();
  return writer.toUint8Array(true);
}

/**
 * The bytes of the same file piece by piece, for tables too large to stand in memory.
 * @param count how many batches there will be
 */
export async function* streamArrow(
  fields: Field<DataType>[],
  batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
  count: number,
  metadata: Record<string, string> = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const schema = shardedSchema(fields, count, metadata);
  const writer = new RecordBatchFileWriter();
  const sink = new CollectedBytes();
  writer.reset(sink, schema);
  let written = 0;
  for await (const batch of batches) {
    writer.write(new RecordBatch(schema, batch.data));
    written += 1;
    yield* sink.take();
  }
  if (written !== count) throw new RangeError(`${written} batches came where ${count} were announced`);
  writer.finish();
  yield* sink.take();
}

const shardedSchema = (fields: Field<DataType>[], count: number, metadata: Record<string, string>): Schema =>
  new Schema(fields, new Map([...Object.entries(metadata), [BATCHES, String(count)]]));

/** Where a writer leaves its bytes until they are taken: its own queue cannot tell how many there are. */
class CollectedBytes extends AsyncByteQueue {
  #chunks: Uint8Array[] = [];

  override write(value: ArrayBufferLike | ArrayBufferView): void {
    const bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
    if (bytes.length > 0) this.#chunks.push(bytes);
  }

  take(): Uint8Array[] {
    const taken = this.#chunks;
    this.#chunks = [];
    return taken;
  }
}

export interface ArrowFile {
  readonly schema: Schema;
  readonly batches: RecordBatch[];
}

/**
 * Reads a whole Arrow file from memory.
 * @param name of the object, for errors
 * @throws DataError when the bytes are no whole Arrow file
 */
export function decodeArrow(bytes: Uint8Array, name = 'an Arrow file'): ArrowFile {
  // What is cut off has no end mark, and the reader would take its tail for a footer.
  if (!hasMark(bytes.subarray(0, MARK.length)) || !hasMark(bytes.subarray(-MARK.length))) throw noArrow(name);
  try {
    const reader = RecordBatchReader.from(bytes);
    reader.open();
    // The reader forgets its schema at the end of the file.
    const { schema } = reader;
    return { schema, batches: [...reader] };
  } catch (cause) {
    throw noArrow(name, cause);
  }
}

/** At the beginning and the end of every Arrow file. */
const MARK = Buffer.from('ARROW1');
const hasMark = (bytes: Uint8Array) => MARK.equals(bytes);
const noArrow = (name: string, cause?: unknown) => damaged(name, 'an Arrow file', cause);

/** Bytes that can be read in ranges, from one version of an object. */
export interface ByteSource {
  /** Named in errors. */
  readonly name: string;
  readonly size: number;
  /** Bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Files below this size are cheaper to fetch in one request than in the three that a footer and a batch take. */
const WHOLE_FILE = 1 << 20;

/**
 * Reads the batches of a sharded file that cover one shard. The rows of a batch may reach beyond the shard when the
 * file has fewer batches than there are shards: filter by hash.
 * @throws DataError when the object is no sharded Arrow file
 */
export async function readShard(source: ByteSource, shard: number, shards: number): Promise<ArrowFile> {
  if (source.size <= WHOLE_FILE) {
    const file = decodeArrow(await source.read(0, source.size), source.name);
    const wanted = coveringBatches(batchesOf(file.schema, source.name), shard, shards);
    return { schema: file.schema, batches: wanted.flatMap((i) => file.batches[i] ?? []) };
  }
  const reader = await openFile(source);
  const batches: RecordBatch[] = [];
  for (const index of coveringBatches(batchesOf(reader.schema, source.name), shard, shards)) {
    const batch = await reader.readRecordBatch(index);
    if (batch) batches.push(batch);
  }
  const schema = reader.schema;
  await reader.cancel();
  return { schema, batches };
}

/** Every batch of a sharded file in order, one in memory at a time, and how many there are. */
export async function readBatches(
  source: ByteSource,
): Promise<{ count: number; batches: AsyncGenerator<RecordBatch, void, undefined> }> {
  const reader = await openFile(source);
  const count = batchesOf(reader.schema, source.name);
  return {
    count,
    batches: (async function* () {
      for (let index = 0; index < count; index++) {
        const batch = await reader.readRecordBatch(index);
        if (batch) yield batch;
      }
      await reader.cancel();
    })(),
  };
}

async function openFile(source: ByteSource) {
  const last = await source.read(Math.max(0, source.size - MARK.length), source.size);
  if (!hasMark(last)) throw noArrow(source.name);
  const reader = await RecordBatchReader.from(rangeHandle(source));
  await reader.open();
  if (!reader.isFile() || !reader.isAsync()) throw noArrow(source.name);
  return reader;
}

function batchesOf(schema: Schema, name: string): number {
  const count = Number(schema.metadata.get(BATCHES));
  if (!Number.isInteger(count) || count < 1) throw damaged(name, 'one that says how many batches it has');
  return count;
}

function coveringBatches(batches: number, shard: number, shards: number): number[] {
  if (batches <= shards) return [Math.floor((shard * batches) / shards)];
  const each = batches / shards;
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
