import { DuckDBBlobVector } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import {
  type Data,
  type DataType,
  Field,
  Float64,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimestampMillisecond,
  Uint8,
  Uint16,
  Uint32,
  Utf8,
} from 'apache-arrow';
import { quoteIdentifier, type Sql } from './engine.ts';

/**
 * From DuckDB tables to Arrow columns without a JavaScript value per cell: fixed-width columns are copied chunk by chunk,
 * text comes as lengths and concatenated bytes.
 */

type Values = Float64Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

/** What the columns of an Arrow file may be. */
export type CellType = 'text' | 'double' | 'int64' | 'int32' | 'uint8' | 'uint16' | 'instant';

/** A whole column. `valid` has a byte per row (1 valid) where NULLs may be; text has lengths as values, and bytes. */
export interface Cells {
  readonly values: Values;
  readonly valid?: Uint8Array;
  readonly bytes?: Uint8Array;
}

export interface CellColumn {
  readonly name: string;
  readonly type: CellType | 'uint32';
  readonly nullable: boolean;
}

const WIDTH: Record<CellColumn['type'], { cast: string; make: (rows: number) => Values }> = {
  text: { cast: 'INTEGER', make: (rows) => new Int32Array(rows) },
  double: { cast: 'DOUBLE', make: (rows) => new Float64Array(rows) },
  int64: { cast: 'BIGINT', make: (rows) => new BigInt64Array(rows) },
  instant: { cast: 'BIGINT', make: (rows) => new BigInt64Array(rows) },
  int32: { cast: 'INTEGER', make: (rows) => new Int32Array(rows) },
  uint8: { cast: 'UTINYINT', make: (rows) => new Uint8Array(rows) },
  uint16: { cast: 'USMALLINT', make: (rows) => new Uint16Array(rows) },
  uint32: { cast: 'UINTEGER', make: (rows) => new Uint32Array(rows) },
};

/** Rows of a DuckDB row group: text is fetched in blocks that never cross one. */
const BLOCK = 122_880;

/** So few rows are read text by text: a second query that joins texts into blocks costs more to plan than it saves. */
const FEW_ROWS = 20_000;

/** Reads the columns of a temp table's rows [from, to) in their order. */
export async function readCells(
  sql: Sql,
  table: string,
  { from, to }: { from: number; to: number },
  columns: readonly CellColumn[],
): Promise<Map<string, Cells>> {
  const rows = to - from;
  const source = `${table} WHERE rowid >= ${from} AND rowid < ${to}`;
  const few = rows <= FEW_ROWS;
  const cells = columns.map(({ type }) => ({ values: WIDTH[type].make(rows), valid: new Uint8Array(rows) }));
  const texts = columns.map(({ type }) => (type === 'text' ? new TextBytes() : undefined));
  const list = columns.map(({ name, type }) => {
    const column = quoteIdentifier(name);
    if (type !== 'text') return `${column}::${WIDTH[type].cast}`;
    return few ? `${column}::VARCHAR` : `strlen(${column})::${WIDTH[type].cast}`;
  });
  const result = await sql.connection.stream(`SELECT ${list.join(', ')} FROM ${source}`);
  let at = 0;
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    const count = chunk.rowCount;
    for (const [index, { values, valid }] of cells.entries()) {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
      const mask = duckdb.vector_get_validity(vector, Math.ceil(count / 64) * 8);
      const text = few ? texts[index] : undefined;
      if (text && values instanceof Int32Array) text.take(vector, mask, values, at, count);
      else copyValues(duckdb.vector_get_data(vector, count * values.BYTES_PER_ELEMENT), values, at, count);
      markValid(mask, values, valid, at, count);
    }
    at += count;
  }
  const names = columns.filter(({ type }) => type === 'text').map(({ name }) => name);
  const joined = few ? undefined : await readTexts(sql, source, names);
  return new Map(
    columns.map(({ name, nullable }, index) => {
      const { values, valid } = cells[index] ?? { values: new Uint8Array(), valid: new Uint8Array() };
      const text = joined ? joined.get(name) : texts[index]?.bytes();
      return [name, { values, ...(nullable && { valid }), ...(text && { bytes: text }) }];
    }),
  );
}

/** The bytes of texts one after the other, as they stand in DuckDB: nothing reads them as strings on the way. */
class TextBytes {
  #bytes = Buffer.alloc(1024);
  #length = 0;

  /** Appends a vector's texts and notes their lengths. A text is 16 bytes: its length, and itself or a pointer to it. */
  take(vector: duckdb.Vector, mask: Uint8Array | null, lengths: Int32Array, at: number, count: number): void {
    const data = duckdb.vector_get_data(vector, count * TEXT);
    const memory = data.buffer;
    if (!(memory instanceof ArrayBuffer)) throw new TypeError('DuckDB gave memory that is shared');
    const view = new DataView(memory, data.byteOffset, data.byteLength);
    for (let row = 0; row < count; row++) {
      if (mask && !(((mask[row >> 3] ?? 0) >> (row & 7)) & 1)) continue;
      const length = view.getUint32(row * TEXT, true);
      const start = row * TEXT + 4;
      const text =
        length <= INLINE
          ? data.subarray(start, start + length)
          : duckdb.get_data_from_pointer(memory, data.byteOffset + start + 4, length);
      if (this.#length + length > this.#bytes.length) {
        const larger = Buffer.alloc(Math.max(this.#length + length, this.#bytes.length * 2));
        this.#bytes.copy(larger);
        this.#bytes = larger;
      }
      this.#bytes.set(text, this.#length);
      this.#length += length;
      lengths[at + row] = length;
    }
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.#length));
  }
}

const TEXT = 16;
const INLINE = 12;

function copyValues(source: Uint8Array, target: Values, at: number, count: number): void {
  const width = target.BYTES_PER_ELEMENT;
  new Uint8Array(target.buffer, target.byteOffset + at * width, count * width).set(source);
}

/** What stands under a NULL is arbitrary: zero it, so that equal rows are equal bytes. */
function markValid(
  mask: Uint8Array | null,
  values: Values,
  valid: Uint8Array,
  at: number,
  count: number,
): void {
  if (!mask) {
    valid.fill(1, at, at + count);
    return;
  }
  for (let row = 0; row < count; row++) {
    if (((mask[row >> 3] ?? 0) >> (row & 7)) & 1) valid[at + row] = 1;
    else if (values instanceof BigInt64Array) values[at + row] = 0n;
    else values[at + row] = 0;
  }
}

async function readTexts(
  sql: Sql,
  source: string,
  names: readonly string[],
): Promise<Map<string, Uint8Array>> {
  if (names.length === 0) return new Map();
  const joined = names.map((name) => `encode(string_agg(${quoteIdentifier(name)}, '' ORDER BY rowid))`);
  const result = await sql.run(
    `SELECT ${joined.join(', ')} FROM ${source} GROUP BY rowid // ${BLOCK} ORDER BY rowid // ${BLOCK}`,
  );
  const blocks = names.map((): Uint8Array[] => []);
  for (let k = 0; k < result.chunkCount; k++) {
    const chunk = result.getChunk(k);
    for (const [index, list] of blocks.entries()) {
      const vector = chunk.getColumnVector(index);
      if (!(vector instanceof DuckDBBlobVector)) continue;
      for (let row = 0; row < chunk.rowCount; row++) {
        const bytes = vector.getItemBytes(row);
        if (bytes) list.push(Uint8Array.from(bytes));
      }
    }
  }
  return new Map(names.map((name, index) => [name, joinBytes(blocks[index] ?? [])]));
}

function joinBytes(blocks: readonly Uint8Array[]): Uint8Array {
  return blocks.length === 1 ? (blocks[0] ?? new Uint8Array()) : new Uint8Array(Buffer.concat(blocks));
}

/** The Arrow field of a column. @param metadata for example its kind */
export function arrowField(column: CellColumn, metadata: Record<string, string> = {}): Field<DataType> {
  return new Field(column.name, arrowType(column.type), column.nullable, new Map(Object.entries(metadata)));
}

/** Record batches of whole columns cut at the given rows: batch i has the rows from `cuts[i]` up to `cuts[i + 1]`. */
export function cutBatches(
  fields: Field<DataType>[],
  columns: readonly Cells[],
  cuts: readonly number[],
): RecordBatch[] {
  const schema = new Schema(fields);
  const starts = columns.map(() => 0);
  return cuts.slice(1).map((end, batch) => {
    const start = cuts[batch] ?? 0;
    const children = columns.map((cells, index) => {
      const field = fields[index];
      const slice = sliceCells(cells, field?.type ?? new Utf8(), start, end, starts[index] ?? 0);
      starts[index] = slice.nextByte;
      return slice.data;
    });
    const data = makeData({ type: new Struct(fields), length: end - start, nullCount: 0, children });
    return new RecordBatch(schema, data);
  });
}

function sliceCells(
  cells: Cells,
  type: DataType,
  start: number,
  end: number,
  firstByte: number,
): { data: Data; nextByte: number } {
  const length = end - start;
  const nulls = cells.valid ? packBits(cells.valid.subarray(start, end)) : undefined;
  const shared = {
    length,
    nullCount: nulls?.nullCount ?? 0,
    ...(nulls?.bitmap && { nullBitmap: nulls.bitmap }),
  };
  const values = cells.values.slice(start, end);
  if (type instanceof Utf8) {
    const valueOffsets = new Int32Array(length + 1);
    for (let row = 0; row < length; row++) {
      valueOffsets[row + 1] = (valueOffsets[row] ?? 0) + Number(values[row]);
    }
    const nextByte = firstByte + (valueOffsets[length] ?? 0);
    const data = (cells.bytes ?? new Uint8Array()).slice(firstByte, nextByte);
    return { data: makeData({ type, ...shared, valueOffsets, data }), nextByte };
  }
  return { data: fixedData(type, values, shared), nextByte: 0 };
}

function fixedData(
  type: DataType,
  data: Values,
  shared: { length: number; nullCount: number; nullBitmap?: Uint8Array },
): Data {
  if (type instanceof TimestampMillisecond && data instanceof BigInt64Array)
    return makeData({ type, ...shared, data });
  if (type instanceof Int64 && data instanceof BigInt64Array) return makeData({ type, ...shared, data });
  if (type instanceof Float64 && data instanceof Float64Array) return makeData({ type, ...shared, data });
  if (type instanceof Int32 && data instanceof Int32Array) return makeData({ type, ...shared, data });
  if (type instanceof Uint32 && data instanceof Uint32Array) return makeData({ type, ...shared, data });
  if (type instanceof Uint16 && data instanceof Uint16Array) return makeData({ type, ...shared, data });
  if (type instanceof Uint8 && data instanceof Uint8Array) return makeData({ type, ...shared, data });
  throw new RangeError(`no Arrow ${type} from ${data.constructor.name}`);
}

/** Arrow's validity bitmap (least significant bit first), absent where nothing is null. */
function packBits(valid: Uint8Array): { nullCount: number; bitmap?: Uint8Array } {
  let nullCount = 0;
  for (const bit of valid) if (!bit) nullCount++;
  if (nullCount === 0) return { nullCount };
  const bitmap = new Uint8Array(Math.ceil(valid.length / 64) * 8);
  for (let row = 0; row < valid.length; row++) {
    if (valid[row]) bitmap[row >> 3] = (bitmap[row >> 3] ?? 0) | (1 << (row & 7));
  }
  return { nullCount, bitmap };
}

function arrowType(type: CellColumn['type']): DataType {
  switch (type) {
    case 'text':
      return new Utf8();
    case 'double':
      return new Float64();
    case 'int64':
      return new Int64();
    case 'int32':
      return new Int32();
    case 'uint8':
      return new Uint8();
    case 'uint16':
      return new Uint16();
    case 'uint32':
      return new Uint32();
    case 'instant':
      return new TimestampMillisecond('UTC');
  }
}
