import { shardOf } from '../../data/index.ts';
import { grown } from '../grow.ts';
import type { KeyColumns } from './keys-file.ts';
import { radixSort } from './ranges.ts';
import type { KeyedDrop, Question } from './types.ts';

/**
 * Which drop's version of an event counts. Of the lines with one identity and a day before a bound the newest decides, and
 * its drop keeps its lines; those of other drops are replaced. As readers ask for different bounds (the as-of day, the
 * cut-off that candidates are compared on, the end of a label window), the answer is kept as steps: from the day on that
 * a line joins, this drop wins. Mostly all versions are of one day, and there is one step.
 */

/** Lines of one source in a range of identities, of all its drops. */
export class Lines {
  length = 0;
  id = new Uint32Array(512);
  hash = new Uint32Array(256);
  day = new Int32Array(256);
  /** Number of the drop. */
  drop = new Int32Array(256);
  version: Float64Array | undefined;

  /** Adds the lines whose identity begins with a number in [low, high). */
  add({ id, hash, day, version }: KeyColumns, drop: number, low: number, high: number): void {
    for (let row = 0; row < hash.length; row++) {
      const word = id[2 * row + 1]!;
      if (word < low || word >= high) continue;
      const at = this.length++;
      this.id = grown(this.id, 2 * this.length);
      this.hash = grown(this.hash, this.length);
      this.day = grown(this.day, this.length);
      this.drop = grown(this.drop, this.length);
      this.id[2 * at] = id[2 * row]!;
      this.id[2 * at + 1] = word;
      this.hash[at] = hash[row]!;
      this.day[at] = day[row]!;
      this.drop[at] = drop;
      if (version) this.#versions(at)[at] = version[row]!;
    }
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
    this.hash = grown(this.hash, this.length);
    this.id = grown(this.id, 2 * this.length);
    this.day = grown(this.day, this.length);
    this.drop = grown(this.drop, this.length);
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

/** Decides for the lines of one source; adds to `winners` and to `replaced` and `stale`. */
export function decide(
  source: string,
  lines: Lines,
  question: Question,
  winners: WinnerRows,
  tally: { replaced: Record<string, number>; stale: Set<number> },
): void {
  const newer = orderOf(source, lines, question);
  const { id, day, drop } = lines;
  const order = sortedByIdAndDay(lines);
  let replaced = 0;
  for (let start = 0, end = 0; start < order.length; start = end) {
    const first = order[start]!;
    let several = false;
    do {
      several ||= drop[order[end]!] !== drop[first];
      end++;
    } while (end < order.length && sameId(id, first, order[end]!));
    if (!several) continue;
    const versions = order.subarray(start, end);
    const steps: { day: number; drop: number }[] = [];
    let best = -1;
    versions.forEach((row, i) => {
      if (best < 0 || newer(row, best)) best = row;
      const next = versions[i + 1];
      const lastOfDay = next === undefined || day[next] !== day[row];
      if (lastOfDay && steps.at(-1)?.drop !== drop[best]) steps.push({ day: day[row]!, drop: drop[best]! });
    });
    for (const hash of usersOf(lines, versions)) {
      for (const step of steps) winners.push(hash, id[2 * first]!, id[2 * first + 1]!, step.day, step.drop);
    }
    const winner = steps.findLast((step) => step.day < question.asOf)?.drop;
    for (const row of versions) if (day[row]! < question.asOf && drop[row] !== winner) replaced++;
    markStale(lines, versions, winner, newer, question, tally.stale);
  }
  if (replaced > 0) tally.replaced[source] = (tally.replaced[source] ?? 0) + replaced;
}

/**
 * A snapshot holds the lines that counted when it was made: those of the newest version that its run knew of. Where
 * another version wins by now, and either of them has a line of a day that the snapshot holds, it no longer serves the
 * shards of these lines' users.
 */
function markStale(
  lines: Lines,
  versions: Uint32Array,
  winner: number | undefined,
  newer: (a: number, b: number) => boolean,
  { snapshot, shards }: Question,
  stale: Set<number>,
): void {
  if (!snapshot) return;
  const { day, drop, hash } = lines;
  let held = -1;
  for (const row of versions) {
    if (!snapshot.held.has(drop[row]!) || day[row]! >= snapshot.asOf) continue;
    if (held < 0 || newer(row, held)) held = row;
  }
  const before = held < 0 ? undefined : drop[held];
  if (before === winner) return;
  for (const row of versions) {
    const counted = drop[row] === before || drop[row] === winner;
    if (counted && day[row]! < snapshot.day) stale.add(shardOf(hash[row]!, shards));
  }
}

/** Is line `a` of a newer version than line `b`? Between two lines of different drops one always is. */
function orderOf(source: string, lines: Lines, { drops, newestBy }: Question) {
  const time = drops.map(({ droppedAt }) => droppedAt);
  const ranks = rankedDrops(drops);
  const terms = newestBy[source] ?? ['drop'];
  const { drop } = lines;
  return (a: number, b: number): boolean => {
    for (const term of terms) {
      const [own, other] =
        term === 'drop' ? [time[drop[a]!]!, time[drop[b]!]!] : [lines.versionOf(a), lines.versionOf(b)];
      if (own !== other) return own > other;
    }
    return ranks[drop[a]!]! > ranks[drop[b]!]!;
  };
}

/** Drops of one time are ordered by their keys, as files are mostly named by day or number. */
function rankedDrops(drops: readonly KeyedDrop[]): number[] {
  const ranks: number[] = new Array(drops.length);
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
  const age = Uint32Array.from({ length }, (_, row) => day[row]! - first);
  let sorted: Uint32Array = Uint32Array.from({ length }, (_, row) => row);
  let spare: Uint32Array = new Uint32Array(length);
  ({ sorted, spare } = radixSort(sorted, spare, age));
  ({ sorted, spare } = radixSort(sorted, spare, id, 2, 0));
  return radixSort(sorted, spare, id, 2, 1).sorted;
}

const sameId = (id: Uint32Array, a: number, b: number): boolean =>
  id[2 * a] === id[2 * b] && id[2 * a + 1] === id[2 * b + 1];

/** Hashes of the users of some lines: mostly one. */
function usersOf({ hash }: Lines, rows: Uint32Array): Iterable<number> {
  const first = hash[rows[0]!]!;
  return rows.every((row) => hash[row] === first) ? [first] : new Set(rows.map((row) => hash[row]!));
}
