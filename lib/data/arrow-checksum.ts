import { crc32 } from 'node:zlib';
import { type Data, DataType, type RecordBatch } from 'apache-arrow';

/**
 * A checksum over the rows of a batch, kept in its metadata: of a flipped bit on a disk no other part of a file tells, and scores
 * of damaged rows look as good as any.
 */

/**
 * Metadata of a batch: CRC-32 of its rows and of the columns' names, 8 hex digits. In that of the schema, a sign that every batch
 * has one: files of earlier versions have none.
 */
export const CHECKSUM = 'nightjar.crc32';

/** The checksum of a batch for which there is none. */
export const NO_CHECKSUM = 'none';

/**
 * The checksum of a batch, the same before it is written and after it was read: buffers may be padded, or views into others. None
 * where a column is of a type that no file of ours has, or begins within a byte of its bitmap.
 */
export function checksumOf({ data, schema }: RecordBatch): string {
  const names = [...schema.metadata, ...schema.fields.map(({ name, type }) => [name, String(type)])];
  let sum = crc32(JSON.stringify([data.length, names]));
  for (const child of data.children) {
    const next = addColumn(child, sum);
    if (next === undefined) return NO_CHECKSUM;
    sum = next;
  }
  return sum.toString(16).padStart(8, '0');
}

function addColumn(data: Data, before: number): number | undefined {
  const { type, length, nullCount, offset, values } = data;
  if (offset !== 0) return undefined;
  if (DataType.isNull(type) || length === 0) return before;
  let sum = before;
  if (nullCount > 0) sum = addBits(data.nullBitmap, length, sum);
  if (DataType.isUtf8(type) || DataType.isBinary(type) || DataType.isList(type)) {
    const offsets: Int32Array = data.valueOffsets.subarray(0, length + 1);
    const [begin, end] = [offsets[0]!, offsets[length]!];
    sum = add(begin === 0 ? offsets : offsets.map((at) => at - begin), sum);
    if (!DataType.isList(type)) return add(values.subarray(begin, end), sum);
    const child = data.children[0]!;
    return addColumn(begin === 0 && end === child.length ? child : child.slice(begin, end - begin), sum);
  }
  if (DataType.isInt(type) || DataType.isFloat(type) || DataType.isTimestamp(type))
    return add(values.subarray(0, length), sum);
  return undefined;
}

/** zlib takes memory that is nowhere for a new beginning, which no bytes at all may be. */
const add = ({ buffer, byteOffset, byteLength }: ArrayBufferView, sum: number): number =>
  byteLength === 0 ? sum : crc32(new Uint8Array(buffer, byteOffset, byteLength), sum);

/** Bits behind the last row are anything. */
function addBits(bitmap: Uint8Array, length: number, before: number): number {
  const whole = length >> 3;
  const sum = add(bitmap.subarray(0, whole), before);
  const rest = length & 7;
  return rest === 0 ? sum : crc32(Uint8Array.of(bitmap[whole]! & ((1 << rest) - 1)), sum);
}
