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

/** The columns whose texts are read one by one, in the first pass: those that stand in DuckDB's vectors as a whole. */
async function shortTexts(
  sql: Sql,
  source: string,
  rows: number,
  columns: readonly CellColumn[],
): Promise<ReadonlySet<string>> {
  const names = columns.filter(({ type }) => type === 'text').map(({ name }) => name);
  if (names.length === 0 || rows <= FEW_ROWS) return new Set(names);
  const lengths = names.map((name) => `max(strlen(${quoteIdentifier(name)}))`);
  const [longest = []] = await sql.rows(`SELECT ${lengths.join(', ')} FROM ${source}`);
  return new Set(names.filter((_, i) => Number(longest[i]) <= INLINE));
}

/** Reads the columns of a temp table's rows [from, to) in their order. */
export async function readCells(
  sql: Sql,
  table: string,
  { from, to }: { from: number; to: number },
  columns: readonly CellColumn[],
): Promise<Map<string, Cells>> {
  const rows = to - from;
  const source = `${table} WHERE rowid >= ${from} AND rowid < ${to}`;
  const short = await shortTexts(sql, source, rows, columns);
  const cells = columns.map(({ type, nullable }) => ({
    values: WIDTH[type].make(rows),
    ...(nullable && { valid: new Uint8Array(rows) }),
  }));
  const texts = columns.map(({ name }) => (short.has(name) ? new TextBytes() : undefined));
  const list = columns.map(({ name, type }) => {
    const column = quoteIdentifier(name);
    if (type !== 'text') return `${column}::${WIDTH[type].cast}`;
    return short.has(name) ? `${column}::VARCHAR` : `strlen(${column})::${WIDTH[type].cast}`;
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
      const text = texts[index];
      if (text && values instanceof Int32Array) text.take(vector, mask, values, at, count);
      else copyValues(duckdb.vector_get_data(vector, count * values.BYTES_PER_ELEMENT), values, at, count);
      if (valid) markValid(mask, values, valid, at, count);
    }
    at += count;
  }
  const long = columns.filter(({ name, type }) => type === 'text' && !short.has(name));
  const joined = await readTexts(sql, source, long);
  return new Map(
    columns.map(({ name }, index) => {
      const text = joined.get(name) ?? texts[index]?.bytes();
      return [name, { ...(cells[index] ?? { values: new Uint8Array() }), ...(text && { bytes: text }) }];
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
    const lengthsOf = new DataView(memory, data.byteOffset, data.byteLength);
    for (let row = 0; row < count; row++) {
      if (mask && !((mask[row >> 3]! >> (row & 7)) & 1)) continue;
      const length = lengthsOf.getUint32(row * TEXT, true);
      const start = row * TEXT + 4;
      if (this.#length + length > this.#bytes.length) this.#grow(length);
      const bytes = this.#bytes;
      // A call for so few bytes costs more than they do.
      if (length <= INLINE) for (let i = 0; i < length; i++) bytes[this.#length + i] = data[start + i]!;
      else bytes.set(duckdb.get_data_from_pointer(memory, data.byteOffset + start + 4, length), this.#length);
      this.#length += length;
      lengths[at + row] = length;
    }
  }

  #grow(by: number): void {
    const larger = Buffer.alloc(Math.max(this.#length + by, this.#bytes.length * 2));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
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
  columns: readonly CellColumn[],
): Promise<Map<string, Uint8Array>> {
  if (columns.length === 0) return new Map();
  const joined = columns.map(({ name }) => `encode(string_agg(${quoteIdentifier(name)}, '' ORDER BY rowid))`);
  const result = await sql.run(
    `SELECT ${joined.join(', ')} FROM ${source} GROUP BY rowid // ${BLOCK} ORDER BY rowid // ${BLOCK}`,
  );
  const blocks = columns.map((): Uint8Array[] => []);
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
  return new Map(columns.map(({ name }, index) => [name, joinBytes(blocks[index] ?? [])]));
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
  const values = cells.values.subarray(start, end);
  if (type instanceof Utf8 && values instanceof Int32Array) {
    const valueOffsets = new Int32Array(length + 1);
    let offset = 0;
    for (let row = 0; row < length; row++) valueOffsets[row + 1] = offset += values[row]!;
    const nextByte = firstByte + offset;
    const data = (cells.bytes ?? new Uint8Array()).subarray(firstByte, nextByte);
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
