import { Field, Int32, makeData, type RecordBatch, Uint32, Utf8 } from 'apache-arrow';
import { batchCount, encodeArrow, recordBatch } from '../data/index.ts';
import {
  columnData,
  float64Data,
  float64List,
  int32Column,
  int32Data,
  int32List,
  listColumn,
  listOf,
  numberColumn,
  plain,
  textColumn,
  textList,
  textOf,
  uint8Column,
  uint8Data,
  uint8List,
  uint64Column,
  uint64Data,
  uint64List,
} from './columns.ts';
import { type Entries, EntryBuilder, type UserDay } from './days.ts';
import { grown } from './grow.ts';
import type { Interner } from './interner.ts';

/**
 * Files of user-day rows: user, hash, day and one list column per field of an entry; row i's lists are equally long.
 * Plain Arrow lists, so that other readers (pyarrow, DuckDB) can look into them.
 */
export const DAY_FIELDS = [
  new Field('user', new Utf8(), false),
  new Field('hash', new Uint32(), false),
  new Field('day', new Int32(), false),
  uint8List('type'),
  float64List('key'),
  float64List('time'),
  uint8List('hour'),
  textList('item'),
  int32List('lines'),
  float64List('units'),
  float64List('money'),
  uint64List('id'),
];

type Columns = Parameters<typeof recordBatch>[1];

/** Collects user-day rows in ascending order of (hash, user, day) and writes them as a file. */
export class DayRows {
  readonly #items: Interner;
  readonly #users: string[] = [];
  #hash = new Uint32Array(64);
  #day = new Int32Array(64);
  #ends = new Int32Array(64);
  readonly #all = new EntryBuilder();

  constructor(items: Interner) {
    this.#items = items;
  }

  get rows(): number {
    return this.#users.length;
  }

  get entries(): number {
    return this.#all.length;
  }

  add(user: string, hash: number, { day, entries, start, end }: UserDay): void {
    for (let i = start; i < end; i++) this.#all.copy(entries, i);
    const row = this.#users.push(user) - 1;
    this.#hash = grown(this.#hash, row + 1);
    this.#day = grown(this.#day, row + 1);
    this.#ends = grown(this.#ends, row + 1);
    this.#hash[row] = hash;
    this.#day[row] = day;
    this.#ends[row] = this.#all.length;
  }

  /** The file: as many batches as its entries are worth, at most `shards`. */
  encode(shards: number): Uint8Array {
    return encodeArrow(
      DAY_FIELDS,
      this.parts(shards).map(({ columns, first, end }) => recordBatch(DAY_FIELDS, columns, end - first)),
    );
  }

  /** All rows as one batch. */
  batch(): RecordBatch {
    return recordBatch(DAY_FIELDS, this.#columns(0, this.rows), this.rows);
  }

  /** The columns of each batch of the file, and the rows [first, end) that they hold. */
  parts(shards: number): { columns: Columns; first: number; end: number }[] {
    const count = batchCount(this.#all.length, shards);
    let row = 0;
    return Array.from({ length: count }, (_, batch) => {
      const limit = ((batch + 1) / count) * 2 ** 32;
      const first = row;
      while (row < this.rows && this.#hash[row]! < limit) row++;
      return { columns: this.#columns(first, row), first, end: row };
    });
  }

  #columns(first: number, end: number): Columns {
    const from = first === 0 ? 0 : this.#ends[first - 1]!;
    const to = end === first ? from : this.#ends[end - 1]!;
    const rows = end - first;
    const offsets = new Int32Array(rows + 1);
    for (let i = 0; i < rows; i++) offsets[i + 1] = this.#ends[first + i]! - from;
    const e = this.#all.entries;
    const names = Array.from(e.item.subarray(from, to), (id) => (id < 0 ? undefined : this.#items.text(id)));
    const children = [
      uint8Data(e.type.slice(from, to)),
      float64Data(e.key.slice(from, to)),
      float64Data(e.time.slice(from, to)),
      uint8Data(e.hour.slice(from, to)),
      makeData(textOf(names, names.length)),
      int32Data(e.lines.slice(from, to)),
      float64Data(e.units.slice(from, to)),
      float64Data(e.money.slice(from, to)),
      uint64Data(e.id.slice(2 * from, 2 * to)),
    ];
    return [
      textOf(this.#users.slice(first, end), rows),
      plain(new Uint32(), this.#hash.slice(first, end)),
      plain(new Int32(), this.#day.slice(first, end)),
      ...children.map((child, i) => listOf(DAY_FIELDS[i + 3]!, offsets, child)),
    ];
  }
}

/** One batch of day rows as typed arrays; the entries of row i are [offsets[i], offsets[i + 1]). */
export interface DayBatch {
  /** The rows [start, end) lie within the range of hashes that was asked for; of others the items are not known. */
  readonly start: number;
  readonly end: number;
  readonly hash: Float64Array;
  readonly day: Int32Array;
  readonly userOffsets: Int32Array;
  readonly userBytes: Buffer;
  readonly offsets: Int32Array;
  readonly entries: Entries;
}

/**
 * Opens a batch for the users with low <= hash < high; undefined when it holds none of them.
 * @throws DataError when the file holds no day rows
 */
export function readDayBatch(
  batch: RecordBatch,
  items: Interner,
  file: string,
  low: number,
  high: number,
): DayBatch | undefined {
  const column = (name: string) => columnData(batch, name, file);
  const list = (name: string) => listColumn(column(name), name, file);
  const values = (name: string) => numberColumn(list(name).child, name, file);
  const hash = numberColumn(column('hash'), 'hash', file);
  const start = lowerBound(hash, low);
  const end = lowerBound(hash, high);
  if (start === end) return undefined;
  const user = textColumn(column('user'), 'user', file);
  const { offsets, child: type } = list('type');
  const text = textColumn(list('item').child, 'item', file);
  const item = new Int32Array(type.length);
  for (let i = offsets[start]!; i < offsets[end]!; i++) {
    const from = text.offsets[i]!;
    const to = text.offsets[i + 1]!;
    item[i] = to > from ? items.intern(text.bytes, from, to) : -1;
  }
  return {
    start,
    end,
    hash,
    day: int32Column(column('day'), 'day', file),
    userOffsets: user.offsets,
    userBytes: Buffer.from(user.bytes.buffer, user.bytes.byteOffset, user.bytes.byteLength),
    offsets,
    entries: {
      type: uint8Column(type, 'type', file),
      key: values('key'),
      time: values('time'),
      hour: uint8Column(list('hour').child, 'hour', file),
      item,
      lines: int32Column(list('lines').child, 'lines', file),
      units: values('units'),
      money: values('money'),
      id: uint64Column(list('id').child, 'id', file),
    },
  };
}

/** The batch without the entries that no longer count; a day on which none is left has none. */
export function withoutReplaced(batch: DayBatch, replaced: (low: number, high: number) => boolean): DayBatch {
  const { start, end, offsets, entries } = batch;
  const { id } = entries;
  const isReplaced = (i: number) =>
    (id[2 * i] !== 0 || id[2 * i + 1] !== 0) && replaced(id[2 * i]!, id[2 * i + 1]!);
  let first = offsets[start]!;
  while (first < offsets[end]! && !isReplaced(first)) first++;
  if (first === offsets[end]) return batch;
  const kept = new EntryBuilder();
  const ends = new Int32Array(offsets.length);
  for (let row = start; row < end; row++) {
    for (let i = offsets[row]!; i < offsets[row + 1]!; i++) {
      if (i < first || !isReplaced(i)) kept.copy(entries, i);
    }
    ends[row + 1] = kept.length;
  }
  return { ...batch, offsets: ends, entries: kept.entries };
}

/** Place of the first number that is not below a value. */
export function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
