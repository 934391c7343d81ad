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
import { checkBatch } from './arrow-check.ts';
import { CHECKSUM, checksumOf } from './arrow-checksum.ts';
import { checkFooter, checkMessage } from './arrow-metadata.ts';
import { damaged } from './damaged.ts';

/**
 * Sharded Arrow files: uncompressed IPC, one record batch per range of user hashes. Batch i of B (a power of two)
 * holds the users whose hash starts with the bits of i, so a reader fetches just the batches that cover its shard.
 */

/** Metadata of the schema: into how many ranges of hashes a file is cut. */
export const RANGES = 'nightjar.batches';
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
 * @param metadata facts about the file, kept in the schema; a pack also says how many ranges its batches cover
 */
export function encodeArrow(
  fields: Field<DataType>[],
  batches: readonly RecordBatch[],
  metadata: Record<string, string> = {},
): Uint8Array {
  const schema = shardedSchema(fields, batches.length, metadata);
  const writer = new RecordBatchFileWriter();
  writer.reset(undefined, schema);
  for (const batch of batches) writer.write(summed(schema, batch));
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
    writer.write(summed(schema, batch));
    written += 1;
    yield* sink.take();
  }
  if (written !== count) throw new RangeError(`${written} batches came where ${count} were announced`);
  writer.finish();
  yield* sink.take();
}

/** The rows under the file's schema, with their checksum. */
function summed(schema: Schema, { data }: RecordBatch): RecordBatch {
  const sum = checksumOf(new RecordBatch(schema, data));
  return new RecordBatch(schema, data, new Map([[CHECKSUM, sum]]));
}

const shardedSchema = (fields: Field<DataType>[], count: number, metadata: Record<string, string>): Schema =>
  new Schema(fields, new Map([[RANGES, String(count)], [CHECKSUM, 'batches'], ...Object.entries(metadata)]));

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
    for (const { start, body } of checkFooter(bytes, bytes.length)) checkMessage(bytes.subarray(start, body));
    const reader = RecordBatchReader.from(bytes);
    reader.open();
    if (!reader.isFile() || !reader.isSync()) throw noArrow(name);
    const { schema, numRecordBatches } = reader;
    const batches: RecordBatch[] = [];
    // By number: a reader that walks a damaged file may come back to where it began.
    for (let i = 0; i < numRecordBatches; i++) {
      const batch = reader.readRecordBatch(i);
      if (!batch) throw noArrow(name);
      batches.push(checkBatch(batch));
    }
    return { schema, batches };
  } catch (cause) {
    throw noArrow(name, cause);
  }
}

/** At the beginning and the end of every Arrow file. */
export const MARK = Buffer.from('ARROW1');
export const hasMark = (bytes: Uint8Array): boolean => MARK.equals(bytes);
export const noArrow = (name: string, cause?: unknown): Error => damaged(name, 'an Arrow file', cause);
