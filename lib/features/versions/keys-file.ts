import { Field, Float64, Int32, type RecordBatch, Uint8, Uint32, Uint64 } from 'apache-arrow';
import { encodeArrow, readBatches, recordBatch, streamArrow } from '../../data/index.ts';
import { byteSource, ObjectNotFound, type ObjectStore } from '../../runtime/index.ts';
import {
  columnData,
  float64OrNull,
  int32Column,
  numberColumn,
  optionalColumn,
  plain,
  textColumn,
  uint8Column,
  uint8Data,
  uint32Column,
  uint64Column,
  uint64Data,
} from '../columns.ts';
import { grown } from '../grow.ts';
import type { ShardedFiles } from '../sharded-files.ts';
import { daysSpec } from '../spec.ts';
import { parseEventId } from './event-ids.ts';
import { picked, rangesOf } from './ranges.ts';
import type { KeyedDrop } from './types.ts';

/**
 * Key files: one row for each clean line of a drop that has an identity, and for each line that its source's `where` leaves
 * out and that is the version of an event all the same ("withdrawn"). A sharded Arrow file, cut by the top bits of the
 * identity where day rows are cut by the user's hash: a reader fetches one range of identities of every drop.
 */

const FIELDS = [
  new Field('id', new Uint64(), false),
  new Field('hash', new Uint32(), false),
  new Field('day', new Int32(), false),
];
/** Only where a line has one: half of a file it would be else. */
const VERSION = new Field('version', new Float64(), true);
/** 1 for lines that `where` leaves out; only where there are any. */
const WITHDRAWN = new Field('withdrawn', new Uint8(), false);

/** A batch of about 800 KB is worth a request, and a range that is cut finer than a batch is read as often. */
const MOST_ROWS = 1 << 15;
/** A larger file is written batch by batch. */
const ROWS_IN_MEMORY = 1 << 20;

/** One version of a drop. */
type DropVersion = Pick<KeyedDrop, 'dropId' | 'revision'>;

/** Where the identities of a drop's lines stand. */
export function keysKey({ dropId, revision }: DropVersion): string {
  return `keys/${daysSpec()}/${dropId}/${revision}.arrow`;
}

/** Lines with an identity, column by column. */
export interface KeyColumns {
  /** Words, the low one of row i at 2i. */
  readonly id: Uint32Array;
  readonly hash: Uint32Array;
  readonly day: Int32Array;
  /** What `newestBy` gives; -Infinity where it gives nothing. Absent where no line has one. */
  readonly version?: Float64Array;
  /** 1 where the line is withdrawn: a version of the event in which it does not exist. Absent where none is. */
  readonly withdrawn?: Uint8Array;
}

/** Collects the lines of one drop that have an identity. Memory: 16 to 24 bytes a line. */
export class KeyRows {
  #rows = 0;
  #id = new Uint32Array(512);
  #hash = new Uint32Array(256);
  #day = new Int32Array(256);
  #version: Float64Array | undefined;
  /** Lines from here on are withdrawn. */
  #clean: number | undefined;

  get rows(): number {
    return this.#rows;
  }

  /** Adds those of a batch of clean events. @throws DataError when it holds none, or an identity of another form */
  add(batch: RecordBatch, file: string): void {
    const data = optionalColumn(batch, 'id');
    if (!data || batch.numRows === 0 || data.nullCount === data.length) return;
    const id = textColumn(data, 'id', file);
    const hash = numberColumn(columnData(batch, 'hash', file), 'hash', file);
    const day = numberColumn(columnData(batch, 'day', file), 'day', file);
    const versions = optionalColumn(batch, 'version');
    const version =
      versions && versions.nullCount < versions.length
        ? numberColumn(versions, 'version', file, Number.NEGATIVE_INFINITY)
        : undefined;
    for (let row = 0; row < batch.numRows; row++) {
      if (!id.has(row)) continue;
      const at = this.#next();
      parseEventId(id.bytes, id.offsets[row]!, id.offsets[row + 1]!, this.#id, 2 * at, file);
      this.#hash[at] = hash[row]!;
      this.#day[at] = day[row]!;
      if (version) this.#versions()[at] = version[row]!;
    }
  }

  /** Adds the withdrawn lines of a drop, behind all of its clean ones. */
  async addWithdrawn(store: ObjectStore, { dropId, revision }: DropVersion): Promise<void> {
    this.#clean ??= this.#rows;
    const file = `clean/withdrawn/${dropId}/${revision}.arrow`;
    // Most drops have none.
    if (!(await store.head(file))) return;
    const { batches } = await readBatches(await byteSource(store, file));
    for await (const batch of batches) this.add(batch, file);
  }

  /** The file. */
  encode(): Uint8Array | AsyncIterable<Uint8Array> {
    let count = 1;
    while (this.#rows / count > MOST_ROWS) count *= 2;
    const fields = [
      ...FIELDS,
      ...(this.#version ? [VERSION] : []),
      ...(this.#withdrawn() ? [WITHDRAWN] : []),
    ];
    const batches = this.#batches(fields, count);
    return this.#rows <= ROWS_IN_MEMORY
      ? encodeArrow(fields, [...batches])
      : streamArrow(fields, batches, count);
  }

  /** The lines as they are. */
  columns(): KeyColumns {
    const rows = this.#rows;
    const withdrawn = this.#withdrawn();
    return {
      id: this.#id.subarray(0, 2 * rows),
      hash: this.#hash.subarray(0, rows),
      day: this.#day.subarray(0, rows),
      ...(this.#version ? { version: this.#versions().subarray(0, rows) } : {}),
      ...(withdrawn ? { withdrawn } : {}),
    };
  }

  *#batches(fields: Field[], count: number): Generator<RecordBatch> {
    const { order, ends } = rangesOf(this.#id, { rows: this.#rows, stride: 2, offset: 1 }, count);
    const version = this.#version && this.#versions();
    const withdrawn = this.#withdrawn();
    for (let range = 0, start = 0; range < count; start = ends[range++]!) {
      const own = order.subarray(start, ends[range]!);
      const columns = [
        uint64Data(picked(this.#id, own, 2)),
        plain(new Uint32(), picked(this.#hash, own)),
        plain(new Int32(), picked(this.#day, own)),
        ...(version ? [float64OrNull(picked(version, own))] : []),
        ...(withdrawn ? [uint8Data(picked(withdrawn, own))] : []),
      ];
      yield recordBatch(fields, columns, own.length);
    }
  }

  #withdrawn(): Uint8Array | undefined {
    const clean = this.#clean ?? this.#rows;
    return clean < this.#rows ? new Uint8Array(this.#rows).fill(1, clean) : undefined;
  }

  #next(): number {
    const at = this.#rows++;
    this.#id = grown(this.#id, 2 * this.#rows);
    this.#hash = grown(this.#hash, this.#rows);
    this.#day = grown(this.#day, this.#rows);
    return at;
  }

  /** As long as the rows; lines before the first version have none. */
  #versions(): Float64Array {
    const known = this.#version?.length ?? 0;
    if (!this.#version || known < this.#rows) {
      const longer = new Float64Array(this.#hash.length).fill(Number.NEGATIVE_INFINITY, known);
      longer.set(this.#version ?? []);
      this.#version = longer;
    }
    return this.#version;
  }
}

/**
 * The lines of a drop whose identity lies in one of equal ranges, or more: filter by identity.
 * @throws DataError when the file is no key file
 */
export async function readKeys(args: {
  store: ObjectStore;
  files: ShardedFiles;
  drop: DropVersion & Pick<KeyedDrop, 'withdrawn'>;
  range: number;
  ranges: number;
}): Promise<KeyColumns[]> {
  const { store, files, drop, range, ranges } = args;
  if (drop.withdrawn) return [await keysWithout(store, drop)];
  const key = keysKey(drop);
  try {
    return (await files.read(key, range, ranges)).map(({ batch }) => readKeyBatch(batch, key));
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error;
    return [await keysOfClean(store, drop)];
  }
}

/** Where a key file is not there (somebody deleted it, or no source had a key when the day rows were built), the clean rows know. */
async function keysOfClean(store: ObjectStore, { dropId, revision }: DropVersion): Promise<KeyColumns> {
  const file = `clean/events/${dropId}/${revision}.arrow`;
  const rows = new KeyRows();
  const { batches } = await readBatches(await byteSource(store, file));
  for await (const batch of batches) rows.add(batch, file);
  await rows.addWithdrawn(store, { dropId, revision });
  return rows.columns();
}

/** A drop without clean rows has no day rows, and so nobody wrote a key file: its withdrawn lines are all there is. */
async function keysWithout(store: ObjectStore, drop: DropVersion): Promise<KeyColumns> {
  const rows = new KeyRows();
  await rows.addWithdrawn(store, drop);
  return rows.columns();
}

/** The lines of a batch of a key file. @throws DataError when it is none */
export function readKeyBatch(batch: RecordBatch, file: string): KeyColumns {
  const column = (name: string) => columnData(batch, name, file);
  const version = optionalColumn(batch, 'version');
  const withdrawn = optionalColumn(batch, 'withdrawn');
  return {
    id: uint64Column(column('id'), 'id', file),
    hash: uint32Column(column('hash'), 'hash', file),
    day: int32Column(column('day'), 'day', file),
    ...(version ? { version: numberColumn(version, 'version', file, Number.NEGATIVE_INFINITY) } : {}),
    ...(withdrawn ? { withdrawn: uint8Column(withdrawn, 'withdrawn', file) } : {}),
  };
}
