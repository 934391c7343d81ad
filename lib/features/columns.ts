import {
  type Data,
  DataType,
  Field,
  Float64,
  Int32,
  List,
  makeData,
  type RecordBatch,
  Uint8,
  Uint64,
  Utf8,
} from 'apache-arrow';
import { DataError } from '../data/index.ts';

/**
 * Arrow columns as the typed arrays they are made of. Going through Arrow's vectors costs an object per value.
 */

export interface TextColumn {
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
  /** Is there a value in this row? */
  readonly has: (row: number) => boolean;
}

const ALWAYS = (): boolean => true;

function validity(data: Data): (row: number) => boolean {
  const { nullBitmap, offset } = data;
  if (data.nullCount === 0 || !nullBitmap || nullBitmap.length === 0) return ALWAYS;
  return (row) => ((nullBitmap[(row + offset) >> 3]! >> ((row + offset) & 7)) & 1) === 1;
}

/** The column's data in a batch. @throws DataError when it is missing */
export function columnData(batch: RecordBatch, name: string, file: string): Data {
  const index = batch.schema.fields.findIndex((field) => field.name === name);
  const data = batch.data.children[index];
  if (index < 0 || !data) {
    const names = batch.schema.fields.map((field) => field.name).join(', ');
    throw new DataError(`${file} has no column "${name}" (it has ${names}): rebuild it from its drop`);
  }
  return data;
}

export function optionalColumn(batch: RecordBatch, name: string): Data | undefined {
  const index = batch.schema.fields.findIndex((field) => field.name === name);
  return batch.data.children[index];
}

/** A Utf8 column. @throws DataError for any other type */
export function textColumn(data: Data, name: string, file: string): TextColumn {
  if (!DataType.isUtf8(data.type)) throw wrongType(data, name, file, 'Utf8');
  return { offsets: data.valueOffsets, bytes: data.values, has: validity(data) };
}

/**
 * Numbers of any width as float64, nulls as `missing`. Integers of 64 bits are exact up to 2^53.
 * @throws DataError for a column that holds no numbers
 */
export function numberColumn(data: Data, name: string, file: string, missing = 0): Float64Array {
  const values: unknown = data.values;
  if (values instanceof Float64Array && data.nullCount === 0) return values.subarray(0, data.length);
  const out = new Float64Array(data.length);
  if (values instanceof BigInt64Array) {
    // Reading BigInts allocates one per value; the two halves of each do not.
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    for (let i = 0; i < out.length; i++) out[i] = halves[2 * i + 1]! * 4294967296 + (halves[2 * i]! >>> 0);
  } else if (
    values instanceof Float64Array ||
    values instanceof Float32Array ||
    values instanceof Int32Array ||
    values instanceof Uint32Array ||
    values instanceof Int16Array ||
    values instanceof Uint16Array ||
    values instanceof Int8Array ||
    values instanceof Uint8Array
  ) {
    out.set(values.subarray(0, data.length));
  } else {
    throw wrongType(data, name, file, 'a number');
  }
  if (data.nullCount > 0) {
    const has = validity(data);
    for (let i = 0; i < out.length; i++) if (!has(i)) out[i] = missing;
  }
  return out;
}

/** A column of small integers without nulls. @throws DataError for another type */
export function uint8Column(data: Data, name: string, file: string): Uint8Array {
  const values: unknown = data.values;
  if (!(values instanceof Uint8Array) || data.nullCount > 0) throw wrongType(data, name, file, 'Uint8');
  return values.subarray(0, data.length);
}

/** A column of integers without nulls. @throws DataError for another type */
export function int32Column(data: Data, name: string, file: string): Int32Array {
  const values: unknown = data.values;
  if (!(values instanceof Int32Array) || data.nullCount > 0) throw wrongType(data, name, file, 'Int32');
  return values.subarray(0, data.length);
}

/** A column of unsigned integers without nulls. @throws DataError for another type */
export function uint32Column(data: Data, name: string, file: string): Uint32Array {
  const values: unknown = data.values;
  if (!(values instanceof Uint32Array) || data.nullCount > 0) throw wrongType(data, name, file, 'Uint32');
  return values.subarray(0, data.length);
}

/** A column of unsigned 64-bit integers without nulls, as words: the low one of row i at 2i. @throws DataError for another type */
export function uint64Column(data: Data, name: string, file: string): Uint32Array {
  const values: unknown = data.values;
  if (!(values instanceof BigUint64Array) || data.nullCount > 0) throw wrongType(data, name, file, 'Uint64');
  return new Uint32Array(values.buffer, values.byteOffset, 2 * data.length);
}

/** The child of a List column and where each row's part of it starts and ends. */
export function listColumn(data: Data, name: string, file: string): { offsets: Int32Array; child: Data } {
  const child = data.children[0];
  if (!DataType.isList(data.type) || !child) throw wrongType(data, name, file, 'a list');
  return { offsets: data.valueOffsets, child };
}

function wrongType(data: Data, name: string, file: string, expected: string): DataError {
  return new DataError(
    `${file}: column "${name}" is ${data.type}, expected ${expected}; rebuild it from its drop`,
  );
}

// Writing: columns as recordBatch takes them.

type Column = Parameters<typeof makeData>[0];

export const uint8List = (name: string): Field => listField(name, new Uint8());
export const int32List = (name: string): Field => listField(name, new Int32());
export const float64List = (name: string): Field => listField(name, new Float64());
export const uint64List = (name: string): Field => listField(name, new Uint64());
export const textList = (name: string): Field => listField(name, new Utf8());

function listField(name: string, type: DataType): Field {
  return new Field(name, new List(new Field('item', type, DataType.isUtf8(type))), false);
}

/** A List column: row i holds the child's values [offsets[i], offsets[i + 1]). */
export function listOf(field: Field, offsets: Int32Array, child: Data): Column {
  if (!DataType.isList(field.type)) throw new DataError(`${field.name} is no list`);
  // Arrow's writer joins neighbouring chunks of one buffer: the same array written twice in a row would stand once.
  const own = offsets.slice();
  const column = { type: field.type, length: offsets.length - 1, nullCount: 0, valueOffsets: own, child };
  return column;
}

/** A column of numbers without nulls. */
export function plain(type: DataType, data: Int32Array | Uint32Array) {
  return { type, length: data.length, nullCount: 0, data };
}

/** A nullable column of numbers; -Infinity stands for null. */
export function float64OrNull(values: Float64Array) {
  const data = values.slice();
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  let nullCount = 0;
  values.forEach((value, i) => {
    if (value !== Number.NEGATIVE_INFINITY) nullBitmap[i >> 3]! |= 1 << (i & 7);
    else {
      data[i] = 0;
      nullCount++;
    }
  });
  return { type: new Float64(), length: values.length, nullCount, data, nullBitmap };
}

export const uint8Data = (data: Uint8Array): Data =>
  makeData({ type: new Uint8(), length: data.length, nullCount: 0, data });
export const int32Data = (data: Int32Array): Data =>
  makeData({ type: new Int32(), length: data.length, nullCount: 0, data });
export const float64Data = (data: Float64Array): Data =>
  makeData({ type: new Float64(), length: data.length, nullCount: 0, data });

/** Unsigned 64-bit integers from words, the low one of row i at 2i: an array of its own, not a view. */
export const uint64Data = (words: Uint32Array): Data =>
  makeData({
    type: new Uint64(),
    length: words.length / 2,
    nullCount: 0,
    data: new BigUint64Array(words.buffer, words.byteOffset, words.length / 2),
  });

/** Utf8 values as a column for `recordBatch`; undefined becomes null. */
export function textOf(values: Iterable<string | undefined>, length: number) {
  const offsets = new Int32Array(length + 1);
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  let bytes = Buffer.alloc(Math.max(64, length * 8));
  let nulls = 0;
  let at = 0;
  let row = 0;
  for (const value of values) {
    if (value === undefined) nulls++;
    else {
      nullBitmap[row >> 3]! |= 1 << (row & 7);
      // A UTF-16 unit takes at most three bytes.
      if (bytes.length < at + value.length * 3) bytes = Buffer.concat([bytes], (at + value.length * 3) * 2);
      at += bytes.write(value, at);
    }
    offsets[++row] = at;
  }
  return {
    type: new Utf8(),
    length,
    nullCount: nulls,
    valueOffsets: offsets,
    data: bytes.subarray(0, at),
    ...(nulls > 0 ? { nullBitmap } : {}),
  };
}
