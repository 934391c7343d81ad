import { Field, Int32, type RecordBatch, Uint8 } from 'apache-arrow';
import { encodeArrow, recordBatch } from '../../data/index.ts';
import { columnData, int32Column, plain, uint8Column, uint8Data } from '../columns.ts';
import { EntryBuilder, type UserDay } from '../days.ts';
import { DAY_FIELDS, type DayBatch, DayRows, readDayBatch } from '../days-file.ts';
import type { Interner } from '../interner.ts';
import type { Move } from './joins.ts';

/**
 * Moved rows: day rows of one id that concern another one, filed by the hash of the latter. A file of day rows with three columns
 * more, so that a reader of a shard merges it with the rows that its users have themselves.
 */

const FIELDS = [
  ...DAY_FIELDS,
  new Field('since', new Int32(), false),
  new Field('until', new Int32(), false),
  new Field('kind', new Uint8(), false),
];

/** A batch of moved rows: `since`, `until` and `kind` of each, as in `Move`. */
export interface MovedBatch extends DayBatch {
  readonly since: Int32Array;
  readonly until: Int32Array;
  readonly kind: Uint8Array;
}

interface Row extends Move {
  readonly day: number;
  readonly start: number;
  readonly end: number;
}

/** Collects moved rows in any order, and writes them as a file. */
export class MovedRows {
  readonly #items: Interner;
  readonly #entries = new EntryBuilder();
  readonly #rows: Row[] = [];

  constructor(items: Interner) {
    this.#items = items;
  }

  get rows(): number {
    return this.#rows.length;
  }

  add(moves: readonly Move[], { day, entries, start, end }: UserDay): void {
    if (moves.length === 0) return;
    const from = this.#entries.length;
    for (let i = start; i < end; i++) this.#entries.copy(entries, i);
    for (const move of moves) this.#rows.push({ ...move, day, start: from, end: this.#entries.length });
  }

  /** Adds a mark, which has no day. */
  mark(move: Move): void {
    this.#rows.push({ ...move, day: 0, start: 0, end: 0 });
  }

  encode(shards: number): Uint8Array {
    const rows = this.#rows.sort(
      (a, b) => a.hash - b.hash || (a.user < b.user ? -1 : a.user > b.user ? 1 : 0) || a.day - b.day,
    );
    const days = new DayRows(this.#items);
    const { entries } = this.#entries;
    for (const { user, hash, day, start, end } of rows) days.add(user, hash, { day, entries, start, end });
    const batches = days.parts(shards).map(({ columns, first, end }) => {
      const own = rows.slice(first, end);
      const more = [
        plain(
          new Int32(),
          Int32Array.from(own, ({ since }) => since),
        ),
        plain(
          new Int32(),
          Int32Array.from(own, ({ until }) => until),
        ),
        uint8Data(Uint8Array.from(own, ({ kind }) => kind)),
      ];
      return recordBatch(FIELDS, [...columns, ...more], own.length);
    });
    return encodeArrow(FIELDS, batches);
  }
}

/** Opens a batch of moved rows for the users with low <= hash < high; undefined when it holds none of them. */
export function readMovedBatch(
  batch: RecordBatch,
  items: Interner,
  file: string,
  low: number,
  high: number,
): MovedBatch | undefined {
  const days = readDayBatch(batch, items, file, low, high);
  if (!days) return undefined;
  const column = (name: string) => columnData(batch, name, file);
  return {
    ...days,
    since: int32Column(column('since'), 'since', file),
    until: int32Column(column('until'), 'until', file),
    kind: uint8Column(column('kind'), 'kind', file),
  };
}
