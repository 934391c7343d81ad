import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import { CHECKSUM, checksumOf, NO_CHECKSUM } from './arrow-checksum.ts';

/**
 * Holds a batch against itself. The reader of Arrow files believes every length that it finds: with a flipped bit in one, whoever
 * walks the rows runs on past the end, for ever or into an error that names nothing.
 * @throws RangeError when a column's values do not cover its rows
 */
export function checkBatch(batch: RecordBatch): RecordBatch {
  const { data, schema } = batch;
  if (data.children.length !== schema.fields.length) throw new RangeError('columns are missing');
  for (const [i, child] of data.children.entries()) {
    const { name } = schema.fields[i]!;
    if (child.length !== data.length) {
      throw new RangeError(`column "${name}" has ${child.length} rows, others ${data.length}`);
    }
    checkColumn(child, name);
  }
  if (schema.metadata.has(CHECKSUM)) {
    const written = batch.metadata.get(CHECKSUM);
    if (written !== NO_CHECKSUM && written !== checksumOf(batch)) {
      throw new RangeError('the rows are not those whose checksum stands beside them');
    }
  }
  return batch;
}

function checkColumn(data: Data, name: string): void {
  const { length, nullCount, nullBitmap, type } = data;
  if (!(Number.isSafeInteger(length) && length >= 0 && nullCount >= 0 && nullCount <= length)) {
    throw new RangeError(`column "${name}" claims ${length} rows, ${nullCount} of them empty`);
  }
  if (nullCount > 0 && nullBitmap && nullBitmap.length > 0) covers(nullBitmap.length * 8, length, name);
  if (DataType.isNull(type)) return;
  if (DataType.isUtf8(type) || DataType.isBinary(type) || DataType.isList(type)) {
    const { valueOffsets } = data;
    // A column without rows may have no offsets.
    if (length === 0) return;
    covers(valueOffsets.length, length + 1, name);
    const within = DataType.isList(type) ? data.children[0]!.length : data.values.length;
    let last = valueOffsets[0]!;
    if (last < 0) throw new RangeError(`column "${name}" begins before its values`);
    for (let row = 1; row <= length; row++) {
      const next = valueOffsets[row]!;
      if (next < last) throw new RangeError(`column "${name}" goes backwards in row ${row}`);
      last = next;
    }
    covers(within, last, name);
  } else if (DataType.isBool(type)) covers(data.values.length * 8, length, name);
  else if (data.values) covers(data.values.length, length, name);
  for (const child of data.children) checkColumn(child, name);
}

function covers(there: number, needed: number, name: string): void {
  if (there < needed)
    throw new RangeError(`column "${name}" has ${there} values where ${needed} are claimed`);
}
