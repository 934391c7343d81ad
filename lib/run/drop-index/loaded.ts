import { compareKeys, ObjectNotFound, type ObjectStore } from '../../runtime/index.ts';
import { mapParallel } from '../parallel.ts';
import type { Ref } from './head.ts';
import type { Row } from './rows.ts';
import {
  encodeSegment,
  type Members,
  monthOf,
  readMembers,
  readRows,
  type SegmentRows,
  WAITING,
} from './segments.ts';
import { type Place, Table } from './table.ts';

/** Segments that are read or written at the same time. */
const AT_ONCE = 8;
/** Rows that a call keeps as they were read; a quiet one reads few. */
const KEPT_ROWS = 50_000;

/** What was read of the segments in use, by store: they never change. */
const remembered = new WeakMap<ObjectStore, Map<string, Members>>();

/** The segments of an index as one call of the tick sees them. */
export class Loaded {
  readonly store: ObjectStore;
  readonly refs: readonly Ref[];
  readonly members: readonly Members[];
  readonly table: Table;
  /** Rows that were read, by the key of their segment. */
  readonly #rows: Map<string, SegmentRows>;

  private constructor(
    store: ObjectStore,
    refs: readonly Ref[],
    members: readonly Members[],
    rows = new Map<string, SegmentRows>(),
    table = new Table(members),
  ) {
    this.store = store;
    this.refs = refs;
    this.members = members;
    this.table = table;
    this.#rows = rows;
  }

  /** Segments that are not there any more are left out: as long as no call came, nobody wrote them again. */
  static async open(store: ObjectStore, refs: readonly Ref[]): Promise<Loaded> {
    const known = remembered.get(store);
    const read = await mapParallel(refs, AT_ONCE, async (ref) => {
      const members = known?.get(ref.key) ?? (await unlessGone(readMembers(store, ref)));
      return members && { ref, members };
    });
    const there = read.flatMap((one) => one ?? []);
    return Loaded.#kept(
      new Loaded(
        store,
        there.map(({ ref }) => ref),
        there.map(({ members }) => members),
      ),
    );
  }

  static #kept(loaded: Loaded): Loaded {
    remembered.set(loaded.store, new Map(loaded.refs.map(({ key }, i) => [key, loaded.members[i]!])));
    return loaded;
  }

  /** The rows of the n-th segment. */
  async rowsOf(n: number): Promise<SegmentRows> {
    const { key, rows } = this.refs[n]!;
    const known = this.#rows.get(key);
    if (known) return known;
    const read = await readRows(this.store, key);
    const kept = [...this.#rows.values()].reduce((sum, { count }) => sum + count, 0);
    if (kept + rows <= KEPT_ROWS) this.#rows.set(key, read);
    return read;
  }

  /** Every row of a drop. */
  placesOf(n: number, row: number): Place[] {
    const { ids } = this.members[n]!;
    return this.table.places(ids[2 * row]!, ids[2 * row + 1]!);
  }

  /**
   * Which rows of each segment tell of drops that the scopes do not know: each such drop once, by its last row.
   * Segments of the scopes have none.
   */
  unknownTo(scopes: ReadonlySet<string>): number[][] {
    const knows = this.refs.map(({ group }) => scopes.has(group));
    return this.refs.map(({ rows }, n) => {
      const own: number[] = [];
      if (knows[n]) return own;
      for (let row = 0; row < rows; row++) {
        const places = this.placesOf(n, row);
        const known = places.some(({ segment }) => knows[segment]);
        if (!known && places.at(-1)!.segment === n) own.push(row);
      }
      return own;
    });
  }

  /**
   * The index with other rows. New segments come last.
   * @param leave rows that each segment is to have no longer
   * @param drop segments that are to go as a whole
   * @param add rows by group
   * @param cursor how far the round is: rows up to this key were passed
   */
  async change(change: {
    readonly leave?: ReadonlyMap<number, ReadonlySet<number>>;
    readonly drop?: ReadonlySet<number>;
    readonly add?: ReadonlyMap<string, readonly Row[]>;
    readonly passed?: readonly number[];
    readonly cursor: string;
    readonly now: Date;
    /** Rows of a segment at most. */
    readonly rows: number;
  }): Promise<Loaded> {
    const { leave = new Map(), drop = new Set(), add = new Map(), passed, cursor, now } = change;
    const kept: { ref: Ref; members: Members }[] = [];
    const made: { ref: Ref; members: Members }[] = [];
    const write = async (group: string, month: string, rows: readonly Row[]) => {
      const sorted = [...rows].sort((a, b) => compareKeys(a.key, b.key));
      for (let from = 0; from < sorted.length; from += change.rows) {
        const part = sorted.slice(from, from + change.rows);
        const { segment, members, bytes } = encodeSegment(group, month, part);
        await this.store.put(segment.key, bytes, { ifAbsent: true });
        const before = cursor === '' ? 0 : part.filter(({ key }) => compareKeys(key, cursor) <= 0).length;
        made.push({ ref: { ...segment, passed: before, writtenAt: now.toISOString() }, members });
      }
    };
    const passedOf = (n: number) => passed?.[n] ?? this.refs[n]!.passed;
    const rowsLeft = async (n: number) => {
      const { count, row } = await this.rowsOf(n);
      const left: Row[] = [];
      for (let i = 0; i < count; i++) {
        const one = row(i);
        // The round was here, and did not see it.
        const unseen = i >= passedOf(n) && cursor !== '' && compareKeys(one.key, cursor) <= 0;
        if (!unseen && !leave.get(n)?.has(i)) left.push(one);
      }
      return left;
    };
    const merging = this.#merging(add, new Set([...drop, ...leave.keys()]), change.rows);
    for (const [n, ref] of this.refs.entries()) {
      if (drop.has(n) || merging.has(n)) continue;
      const left = leave.get(n);
      if (!left || left.size === 0) {
        kept.push({ ref: { ...ref, passed: passedOf(n) }, members: this.members[n]! });
        continue;
      }
      await write(ref.group, ref.month, await rowsLeft(n));
    }
    for (const [group, rows] of add) {
      for (const [month, own] of byMonth(group, rows)) {
        const merged = new Map<string, Row>();
        for (const n of merging.keys()) {
          const ref = this.refs[n]!;
          if (ref.group !== group || ref.month !== month) continue;
          for (const row of await rowsLeft(n)) merged.set(row.key, row);
        }
        for (const row of own) merged.set(row.key, row);
        await write(group, month, [...merged.values()]);
      }
    }
    if (made.length === 0 && kept.length === this.refs.length) {
      if (!passed) return this;
      const refs = kept.map(({ ref }) => ref);
      return new Loaded(this.store, refs, this.members, this.#rows, this.table);
    }
    // What is written is named by its content: it may be what stood there before.
    const all = new Map([...kept, ...made].map((one) => [one.ref.key, one]));
    const refs = [...all.values()].map(({ ref }) => ref);
    const members = [...all.values()].map((one) => one.members);
    return Loaded.#kept(new Loaded(this.store, refs, members, this.#rows));
  }

  /**
   * Segments that new rows are put together with: of their group and month the smallest ones, while they are no more than
   * twice what has come together. So a row is written a few times in its life, and segments stay few.
   */
  #merging(
    add: ReadonlyMap<string, readonly Row[]>,
    gone: ReadonlySet<number>,
    most: number,
  ): ReadonlySet<number> {
    const merging: number[] = [];
    for (const [group, rows] of add) {
      for (const [month, own] of byMonth(group, rows)) {
        let together = own.length;
        const smallest = [...this.refs.entries()]
          .filter(([n, ref]) => ref.group === group && ref.month === month && !gone.has(n))
          .sort(([, a], [, b]) => a.rows - b.rows);
        for (const [n, { rows: count }] of smallest) {
          if (count > 2 * together || together + count > most) break;
          merging.push(n);
          together += count;
        }
      }
    }
    return new Set(merging.sort((a, b) => a - b));
  }
}

function byMonth(group: string, rows: readonly Row[]): Map<string, Row[]> {
  const months = new Map<string, Row[]>();
  for (const row of rows) {
    // What waits is looked through as a whole.
    const month = group === WAITING ? 'all' : monthOf(row);
    const own = months.get(month);
    if (own) own.push(row);
    else months.set(month, [row]);
  }
  return months;
}

async function unlessGone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}
