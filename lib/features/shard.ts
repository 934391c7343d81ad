import type { Config } from '../config/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { mergeDays, type UserDay } from './days.ts';
import { type DayBatch, readDayBatch, withoutReplaced } from './days-file.ts';
import { addDay } from './fold.ts';
import {
  type JoinedUser,
  joinUser,
  type MovedBatch,
  type MovedDay,
  type MovedParts,
} from './identities/index.ts';
import { Interner } from './interner.ts';
import { ShardedFiles } from './sharded-files.ts';
import { decodeSnapshot, type Snapshot } from './snapshot.ts';
import { UserState } from './state.ts';
import type { ReplacedLines } from './versions/index.ts';

/** A file of day rows. */
export interface DayFile {
  readonly key: string;
  /** Whose rows it holds, of a pack in the order of its members. Needed where lines of a drop may have been replaced. */
  readonly dropIds?: readonly string[];
  readonly minDay?: number;
  readonly maxDay?: number;
}

/** The file of one drop. */
export const dayFile = (input: Omit<DayFile, 'dropIds'> & { readonly dropId: string }): DayFile => {
  const { dropId, ...file } = input;
  return { ...file, dropIds: [dropId] };
};

export interface ReadShardOptions {
  readonly store: ObjectStore;
  readonly config: Config;
  /** Files of day rows, packs among them; those without a day in [from, before) are not opened. */
  readonly inputs: readonly DayFile[];
  readonly shard: number;
  /** A power of two. */
  readonly shards: number;
  /** First shop day that is read; default: all. */
  readonly from?: number;
  /** The first shop day that is no longer read. */
  readonly before: number;
  /** Key of the states to start from; needs `from`, the day of that snapshot. */
  readonly snapshot?: string;
  /** Lines that a newer version of their event has replaced: they are left out. */
  readonly replaced?: ReplacedLines | undefined;
  /** Rows that links of identities bring from other ids; default: every id is by itself. */
  readonly moved?: MovedParts | undefined;
  /** With `moved`: features are of this day, and ids that are another user's by then are no users. Default: as of any day. */
  readonly view?: number | undefined;
  /** Pass the same to all shards of a job. */
  readonly files?: ShardedFiles;
}

/** One user of a shard. `days` may be kept; `state` is one object for all users, valid until the next user. */
export interface ShardUser {
  readonly user: string;
  readonly hash: number;
  /**
   * Merged days in ascending order, as read: [from, before). Of all users together each event counts once: that of a device
   * counts for whom the device was when the day was over.
   */
  readonly days: readonly UserDay[];
  /** What windows are compared with: `days`, and of an id that became another user's what that one did from then on. */
  readonly outcomes: readonly UserDay[];
  /** From this day on the id is another user's; Infinity where it is none. */
  readonly joinsAt: number;
  /** Starts at the snapshot, or empty. */
  readonly state: UserState;
  /** Folds the days before `day` that the state does not hold yet, by the links that were known by then. It never goes back. */
  advance(day: number): void;
}

/** Files opened at the same time. */
const PARALLEL = 16;

/**
 * Reads one shard: every user who has a row in one of the inputs or a state in the snapshot, once, in ascending
 * order of (hash, user). The rows of the shard are held in memory, so memory falls with the number of shards.
 * @throws DataError when an input is no file of day rows, ObjectNotFound when it is gone
 */
export async function readShardDays(options: ReadShardOptions): Promise<ShardUsers> {
  const { store, config, shard, shards, before, from = Number.NEGATIVE_INFINITY } = options;
  const { files = new ShardedFiles(store, 0) } = options;
  const items = new Interner();
  const inputs = options.inputs.filter(
    ({ minDay = Number.NEGATIVE_INFINITY, maxDay = Number.POSITIVE_INFINITY }) =>
      minDay < before && maxDay >= from,
  );
  const low = (shard / shards) * 2 ** 32;
  const high = ((shard + 1) / shards) * 2 ** 32;
  const batches: (DayBatch | MovedBatch)[] = (await options.moved?.read(shard, items)) ?? [];
  for (let i = 0; i < inputs.length; i += PARALLEL) {
    const opened = inputs.slice(i, i + PARALLEL).map(async ({ key, dropIds }) => {
      return { key, dropIds, parts: await files.read(key, shard, shards) };
    });
    for (const { key, dropIds, parts } of await Promise.all(opened)) {
      for (const { batch, member } of parts) {
        const dropId = dropIds?.[member];
        const isReplaced = dropId === undefined ? undefined : options.replaced?.of(dropId);
        const rows = readDayBatch(batch, items, key, low, high);
        if (rows) batches.push(isReplaced ? withoutReplaced(rows, isReplaced) : rows);
      }
    }
  }
  const snapshot =
    options.snapshot === undefined
      ? undefined
      : decodeSnapshot(await (await store.get(options.snapshot)).bytes(), config, items, options.snapshot);
  return new ShardUsers(config, items, batches, { snapshot, from, before, view: options.view });
}

/** A place in a batch, moving from user to user. */
interface Cursor {
  readonly batch: DayBatch | MovedBatch;
  row: number;
  /** Of the user in that row. */
  hash: number;
  readonly end: number;
}

/** The users of a shard, for one walk or several. */
export class ShardUsers implements Iterable<ShardUser> {
  /** Names of the items in days and states. */
  readonly items: Interner;
  readonly #config: Config;
  readonly #batches: readonly (DayBatch | MovedBatch)[];
  readonly #snapshot: Snapshot | undefined;
  readonly #from: number;
  readonly #before: number;
  readonly #view: number | undefined;

  constructor(
    config: Config,
    items: Interner,
    batches: readonly (DayBatch | MovedBatch)[],
    read: {
      readonly snapshot?: Snapshot | undefined;
      readonly from: number;
      readonly before: number;
      readonly view?: number | undefined;
    },
  ) {
    this.#config = config;
    this.items = items;
    this.#batches = batches;
    this.#snapshot = read.snapshot;
    this.#from = read.from;
    this.#before = read.before;
    this.#view = read.view;
  }

  *[Symbol.iterator](): Iterator<ShardUser> {
    const state = new UserState(this.#config);
    const snapshot = this.#snapshot;
    let row = 0;
    for (const { user, hash, fragments, moved } of this.#users()) {
      while (snapshot && row < snapshot.rows && this.#precedes(row, hash, user)) {
        yield this.#user(snapshot.user(row), snapshot.hash[row]!, [], state, row++);
      }
      const known =
        snapshot && row < snapshot.rows && snapshot.hash[row] === hash && snapshot.user(row) === user;
      const place = known ? row++ : undefined;
      if (moved.length === 0) {
        yield this.#user(user, hash, mergeByDay(fragments, this.items), state, place);
        continue;
      }
      const joined = joinUser(fragments, moved, (all) => mergeByDay(all, this.items), this.#view, this.#from);
      if (!joined) continue;
      const held = joined.resumes ? place : undefined;
      if (joined.outcomes.length === 0 && held === undefined) continue;
      yield this.#joined(user, hash, joined, state, held);
    }
    while (snapshot && row < snapshot.rows) {
      yield this.#user(snapshot.user(row), snapshot.hash[row]!, [], state, row++);
    }
  }

  #precedes(row: number, hash: number, user: string): boolean {
    const other = this.#snapshot!.hash[row]!;
    return other < hash || (other === hash && compareText(this.#snapshot!.user(row), user) < 0);
  }

  #user(user: string, hash: number, days: UserDay[], state: UserState, row: number | undefined): ShardUser {
    if (row === undefined) state.reset();
    else this.#snapshot!.load(row, state);
    let next = 0;
    const advance = (day: number) => {
      while (next < days.length && days[next]!.day < day) addDay(state, days[next++]!);
    };
    return { user, hash, days, outcomes: days, joinsAt: Number.POSITIVE_INFINITY, state, advance };
  }

  #joined(
    user: string,
    hash: number,
    { days, outcomes, joinsAt, at }: JoinedUser,
    state: UserState,
    row: number | undefined,
  ): ShardUser {
    if (row === undefined) state.reset();
    else this.#snapshot!.load(row, state);
    let next = 0;
    let folded: number | undefined;
    const advance = (day: number) => {
      const { epoch, days: read } = at(day);
      // What a link brings lies among days that are folded already.
      if (folded !== undefined && epoch !== folded) {
        state.reset();
        next = 0;
      }
      folded = epoch;
      while (next < read.length && read[next]!.day < day) addDay(state, read[next++]!);
    };
    return { user, hash, days, outcomes, joinsAt, state, advance };
  }

  /** Merges the sorted batches by a heap of cursors, user by user. */
  *#users(): Iterable<{ user: string; hash: number; fragments: UserDay[]; moved: MovedDay[] }> {
    const heap: Cursor[] = [];
    for (const batch of this.#batches) {
      push(heap, { batch, row: batch.start, hash: batch.hash[batch.start]!, end: batch.end });
    }
    while (heap.length > 0) {
      const { batch, row } = heap[0]!;
      const hash = batch.hash[row]!;
      const fragments: UserDay[] = [];
      const moved: MovedDay[] = [];
      do {
        const cursor = heap[0]!;
        if ('kind' in cursor.batch) this.#takeMoved(cursor, cursor.batch, moved, batch, row);
        else this.#take(cursor, fragments, batch, row);
        if (cursor.row < cursor.end) {
          cursor.hash = cursor.batch.hash[cursor.row]!;
          sink(heap, 0);
        } else pop(heap);
      } while (heap.length > 0 && sameUser(batch, row, heap[0]!.batch, heap[0]!.row));
      if (fragments.length > 0 || moved.length > 0) {
        yield { user: userAt(batch, row), hash, fragments, moved };
      }
    }
  }

  /** Moves a cursor over all rows of its user and keeps the days in range. */
  #take(cursor: Cursor, fragments: UserDay[], of: DayBatch, row: number): void {
    const { batch } = cursor;
    const from = this.#from;
    const before = this.#before;
    do {
      const day = batch.day[cursor.row]!;
      if (day >= from && day < before) {
        const start = batch.offsets[cursor.row]!;
        const end = batch.offsets[cursor.row + 1]!;
        // All that was told of the day may have been replaced.
        if (end > start) fragments.push({ day, entries: batch.entries, start, end });
      }
      cursor.row++;
    } while (cursor.row < cursor.end && sameUser(batch, cursor.row, of, row));
  }

  /** The same for rows from other ids, whose days are chosen when they are joined, and for marks. */
  #takeMoved(cursor: Cursor, batch: MovedBatch, moved: MovedDay[], of: DayBatch, row: number): void {
    do {
      const at = cursor.row++;
      const day = batch.day[at]!;
      const start = batch.offsets[at]!;
      const end = batch.offsets[at + 1]!;
      if (end > start && day >= this.#before) continue;
      const told = { since: batch.since[at]!, until: batch.until[at]!, kind: batch.kind[at]! };
      moved.push({ day, entries: batch.entries, start, end, ...told });
    } while (cursor.row < cursor.end && sameUser(batch, cursor.row, of, row));
  }
}

function mergeByDay(fragments: UserDay[], items: Interner): UserDay[] {
  let ascending = true;
  for (let i = 1; i < fragments.length && ascending; i++)
    ascending = fragments[i - 1]!.day < fragments[i]!.day;
  if (ascending) return fragments;
  fragments.sort((a, b) => a.day - b.day);
  const days: UserDay[] = [];
  for (let i = 0; i < fragments.length; ) {
    let end = i + 1;
    while (end < fragments.length && fragments[end]!.day === fragments[i]!.day) end++;
    days.push(mergeDays(fragments.slice(i, end), items));
    i = end;
  }
  return days;
}

function userAt(batch: DayBatch, row: number): string {
  return batch.userBytes.toString('utf8', batch.userOffsets[row]!, batch.userOffsets[row + 1]!);
}

function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The order of two users of one hash. */
function compareNames(a: DayBatch, i: number, b: DayBatch, j: number): number {
  // Pseudonyms are short: a loop here is cheaper than a call into Buffer.compare, which the merge would make per row.
  const x = a.userBytes;
  const y = b.userBytes;
  const from = a.userOffsets[i]!;
  const other = b.userOffsets[j]!;
  const length = a.userOffsets[i + 1]! - from;
  const otherLength = b.userOffsets[j + 1]! - other;
  const shared = Math.min(length, otherLength);
  for (let k = 0; k < shared; k++) {
    const difference = x[from + k]! - y[other + k]!;
    if (difference !== 0) return difference;
  }
  return length - otherLength;
}

function sameUser(a: DayBatch, i: number, b: DayBatch, j: number): boolean {
  return a.hash[i] === b.hash[j] && compareNames(a, i, b, j) === 0;
}

const less = (a: Cursor, b: Cursor) =>
  a.hash < b.hash || (a.hash === b.hash && compareNames(a.batch, a.row, b.batch, b.row) < 0);

function push(heap: Cursor[], cursor: Cursor): void {
  let at = heap.push(cursor) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!less(heap[at]!, heap[parent]!)) return;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

function pop(heap: Cursor[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  heap[0] = last;
  sink(heap, 0);
}

function sink(heap: Cursor[], from: number): void {
  let at = from;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && less(heap[right]!, heap[left]!) ? right : left;
    if (!less(heap[child]!, heap[at]!)) return;
    [heap[at], heap[child]] = [heap[child]!, heap[at]!];
    at = child;
  }
}
