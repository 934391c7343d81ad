import { shardOf } from '../../data/index.ts';
import { grown } from '../grow.ts';
import type { KeyColumns } from './keys-file.ts';
import { radixSort } from './ranges.ts';
import type { KeyedDrop, Question } from './types.ts';

/**
 * Which drop's version of an event counts. Of the lines with one identity and a day before a bound the newest decides, and
 * its drop keeps its lines; those of other drops are replaced. As the bound is the as-of day for most readers and the end
 * of a label window for others, the answer is kept as steps: from the day on that a line joins, this drop wins. Mostly all
 * versions are of one day, and there is one step.
 *
 * A withdrawn line (left out by `where`) is a version like any other. There are no day rows behind it, so where its drop wins
 * nothing is left of the event, or only the lines that the same drop has of it.
 */

/** Lines of one source, of all its drops, with identities of one range. */
export class Lines {
  length = 0;
  id = new Uint32Array(32);
  hash = new Uint32Array(16);
  day = new Int32Array(16);
  /** Number of the drop. */
  drop = new Int32Array(16);
  version: Float64Array | undefined;
  /** 1 where the line is withdrawn: it stands for a version and counts as no row. */
  withdrawn = new Uint8Array(16);

  /** Appends a line of a drop. */
  push({ id, hash, day, version, withdrawn }: KeyColumns, row: number, drop: number): void {
    const at = this.length++;
    if (this.length > this.hash.length) {
      this.id = grown(this.id, 2 * this.length);
      this.hash = grown(this.hash, this.length);
      this.day = grown(this.day, this.length);
      this.drop = grown(this.drop, this.length);
      this.withdrawn = grown(this.withdrawn, this.length);
    }
    this.id[2 * at] = id[2 * row]!;
    this.id[2 * at + 1] = id[2 * row + 1]!;
    this.hash[at] = hash[row]!;
    this.day[at] = day[row]!;
    this.drop[at] = drop;
    if (version) this.#versions(at)[at] = version[row]!;
    this.withdrawn[at] = withdrawn?.[row] ?? 0;
  }

  versionOf(row: number): number {
    return this.version && row < this.version.length ? this.version[row]! : Number.NEGATIVE_INFINITY;
  }

  #versions(row: number): Float64Array {
    const known = this.version?.length ?? 0;
    if (!this.version || row >= known) {
      const longer = new Float64Array(this.hash.length).fill(Number.NEGATIVE_INFINITY, known);
      longer.set(this.version ?? []);
      this.version = longer;
    }
    return this.version;
  }
}

/** The winners of identities that several drops tell of, column by column. */
export class WinnerRows {
  length = 0;
  /** Of a user who has lines with the identity: one row for each, should there be several. */
  hash = new Uint32Array(256);
  id = new Uint32Array(512);
  /** For bounds later than this day, up to the next row of the identity … */
  day = new Int32Array(256);
  /** … this drop's lines count, and no other's. */
  drop = new Int32Array(256);

  push(hash: number, low: number, high: number, day: number, drop: number): void {
    const at = this.length++;
    if (this.length > this.hash.length) {
      this.hash = grown(this.hash, this.length);
      this.id = grown(this.id, 2 * this.length);
      this.day = grown(this.day, this.length);
      this.drop = grown(this.drop, this.length);
    }
    this.hash[at] = hash;
    this.id[2 * at] = low;
    this.id[2 * at + 1] = high;
    this.day[at] = day;
    this.drop[at] = drop;
  }
}

/** What deciding found out besides. */
export interface Tally {
  /** Lines of days before the as-of day that a newer version has replaced, by source. */
  readonly replaced: Record<string, number>;
  /** Shards of which the run's snapshot holds other lines than the run counts, ascending. */
  readonly stale: number[];
}

/** Decides over lines for one question, source by source and range by range. */
export class Decider {
  readonly winners = new WinnerRows();
  readonly replaced: Record<string, number> = {};
  readonly stale = new Set<number>();
  readonly #question: Question;
  readonly #times: Float64Array;
  readonly #ranks: Int32Array;

  constructor(question: Question) {
    this.#question = question;
    this.#times = Float64Array.from(question.drops, ({ droppedAt }) => droppedAt);
    this.#ranks = rankedDrops(question.drops);
  }

  /** Decides over all lines that a source has with some identities. */
  decide(source: string, lines: Lines): void {
    const { id, drop, withdrawn } = lines;
    const order = sortedByIdAndDay(lines);
    const isNewer = this.#orderOf(source, lines);
    let replaced = 0;
    for (let start = 0, end = 0; start < order.length; start = end) {
      const first = order[start]!;
      let several = false;
      let counted = false;
      do {
        counted ||= withdrawn[order[end]!] === 0;
        several ||= drop[order[end]!] !== drop[first];
        end++;
      } while (end < order.length && sameId(id, first, order[end]!));
      // What is withdrawn in every version, night after night, is nothing to decide about.
      if (several && counted) replaced += this.#decideOne(lines, order.subarray(start, end), isNewer);
    }
    if (replaced > 0) this.replaced[source] = (this.replaced[source] ?? 0) + replaced;
  }

  /** Decides between the versions of one event, whose lines come by their days. @returns lines that are replaced */
  #decideOne(lines: Lines, versions: Uint32Array, isNewer: (a: number, b: number) => boolean): number {
    const { id, day, drop, withdrawn } = lines;
    const { asOf } = this.#question;
    const first = versions[0]!;
    const users = usersOf(lines, versions);
    let best = first;
    let last = -1;
    let winner = -1;
    for (let i = 0; i < versions.length; i++) {
      const row = versions[i]!;
      if (isNewer(row, best)) best = row;
      if (day[row]! < asOf) winner = drop[best]!;
      const isLastOfDay = i + 1 === versions.length || day[versions[i + 1]!] !== day[row];
      if (!isLastOfDay || drop[best] === last) continue;
      last = drop[best]!;
      for (const user of users) this.winners.push(user, id[2 * first]!, id[2 * first + 1]!, day[row]!, last);
    }
    let replaced = 0;
    for (const row of versions) {
      if (day[row]! < asOf && drop[row] !== winner && withdrawn[row] === 0) replaced++;
    }
    this.#markStale(lines, versions, winner, isNewer);
    return replaced;
  }

  /**
   * A snapshot holds the lines that counted when it was made: those of the newest version that its run knew of. Where
   * another version wins by now, and either of them has a line of a day that the snapshot holds, it no longer serves the
   * shards of these lines' users.
   */
  #markStale(
    { day, drop, hash, withdrawn }: Lines,
    versions: Uint32Array,
    winner: number,
    isNewer: (a: number, b: number) => boolean,
  ): void {
    const { snapshot, shards } = this.#question;
    if (!snapshot) return;
    let held = -1;
    for (const row of versions) {
      if (!snapshot.held.has(drop[row]!) || day[row]! >= snapshot.asOf) continue;
      if (held < 0 || isNewer(row, held)) held = row;
    }
    const before = held < 0 ? -1 : drop[held]!;
    if (before === winner) return;
    for (const row of versions) {
      const counted = withdrawn[row] === 0 && (drop[row] === before || drop[row] === winner);
      if (counted && day[row]! < snapshot.day) this.stale.add(shardOf(hash[row]!, shards));
    }
  }

  /** Is line `a` of a newer version than line `b`? Between lines of different drops one always is. */
  #orderOf(source: string, lines: Lines): (a: number, b: number) => boolean {
    const terms = this.#question.newestBy[source] ?? ['drop'];
    const times = this.#times;
    const ranks = this.#ranks;
    const { drop } = lines;
    return (a, b) => {
      for (const term of terms) {
        const own = term === 'drop' ? times[drop[a]!]! : lines.versionOf(a);
        const other = term === 'drop' ? times[drop[b]!]! : lines.versionOf(b);
        if (own !== other) return own > other;
      }
      return ranks[drop[a]!]! > ranks[drop[b]!]!;
    };
  }
}

/** Drops of one time are ordered by their keys, as files are mostly named by day or number. */
function rankedDrops(drops: readonly KeyedDrop[]): Int32Array {
  const ranks = new Int32Array(drops.length);
  drops
    .map((_, i) => i)
    .sort((a, b) => drops[a]!.droppedAt - drops[b]!.droppedAt || (drops[a]!.drop < drops[b]!.drop ? -1 : 1))
    .forEach((drop, rank) => {
      ranks[drop] = rank;
    });
  return ranks;
}

function sortedByIdAndDay({ id, day, length }: Lines): Uint32Array {
  let first = Number.POSITIVE_INFINITY;
  for (let row = 0; row < length; row++) if (day[row]! < first) first = day[row]!;
  const age = new Uint32Array(length);
  const order = new Uint32Array(length);
  for (let row = 0; row < length; row++) {
    age[row] = day[row]! - first;
    order[row] = row;
  }
  const byDay = radixSort(order, new Uint32Array(length), age);
  const byLow = radixSort(byDay.sorted, byDay.spare, id, 2, 0);
  return radixSort(byLow.sorted, byLow.spare, id, 2, 1).sorted;
}

const sameId = (id: Uint32Array, a: number, b: number): boolean =>
  id[2 * a] === id[2 * b] && id[2 * a + 1] === id[2 * b + 1];

/** Hashes of the users of some lines: mostly one. */
function usersOf({ hash }: Lines, rows: Uint32Array): Iterable<number> {
  const first = hash[rows[0]!]!;
  for (const row of rows) if (hash[row] !== first) return new Set(Array.from(rows, (own) => hash[own]!));
  return [first];
}
