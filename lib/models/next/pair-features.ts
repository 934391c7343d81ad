import { Best } from './best.ts';
import type { Neighbours } from './co-occurrence.ts';
import { DIMENSIONS } from './embedding.ts';
import { embeddingWeight, type ItemTable } from './item-table.ts';
import type { Profile } from './profile.ts';

/** Candidates of a user: units of their own, those that are popular, and those bought beside their own. */
const OWN_CANDIDATES = 200;
export const POPULAR_CANDIDATES = 100;
const CO_CANDIDATES = 150;
/** No user has more candidates than these. */
export const MAX_CANDIDATES = OWN_CANDIDATES + POPULAR_CANDIDATES + CO_CANDIDATES;

/** What the ranker reads of a pair of user and unit, in order. */
export const PAIR_FEATURES = [
  // The user's own history with the unit.
  'own',
  'own lines',
  'own lines 30d',
  'own lines 90d',
  'own share 30d',
  'own lines per active day',
  'own share',
  'own lines relative',
  'own lines 90d relative',
  'own last',
  'own first',
  'repeated',
  'gap',
  'overdue',
  'due',
  'in last basket',
  'own rate',
  // The unit.
  'popularity 7d',
  'popularity 30d',
  'popularity 90d',
  'popularity decayed',
  'trend 30d over 90d',
  'trend 7d over 30d',
  'popularity rank',
  'age',
  'repeaters',
  'lines per user',
  // Co-occurrence with the user's units: among users, among baskets.
  'shared users',
  'shared users sum',
  'shared users relative',
  'shared baskets recent',
  'shared baskets recent relative',
  'shared baskets',
  'shared baskets sum',
  'shared users by lines',
  'shared users by lines relative',
  // Embeddings.
  'affinity',
  'affinity relative',
  // The user.
  'user active days',
  'user lines per active day',
  'user repeats',
  'user last',
  'user first',
  'user units',
] as const;
export const PAIR_WIDTH = PAIR_FEATURES.length;

const { exp, log, log1p, max, min, abs, sign } = Math;
/** Features that describe the unit alone stand together. */
const UNIT_FEATURES = 10;
const TINY = 1e-9;

/**
 * Candidates and pair features of users as of the table's day. One object serves many users in turn: `open` a user,
 * then `write` the pairs wanted.
 */
export class PairFeatures {
  /** Of the user last opened: candidate units, ascending, in [0, count). */
  readonly candidates = new Int32Array(MAX_CANDIDATES);
  count = 0;
  /** Units by popularity of the last 30 days. */
  readonly popular: Int32Array;

  readonly #table: ItemTable;
  readonly #horizon: number;
  /** (units, UNIT_FEATURES). */
  readonly #unit: Float32Array;
  /** Sums over the user's units by unit; those touched are listed. */
  readonly #shared: Float64Array;
  readonly #sharedLines: Float64Array;
  readonly #recent: Float64Array;
  readonly #baskets: Float64Array;
  readonly #touched: Int32Array;
  readonly #isTouched: Uint8Array;
  readonly #isCandidate: Uint8Array;
  /** Place of a unit in the user's profile; -1 for none. */
  readonly #own: Int32Array;
  readonly #affinity = new Float64Array(MAX_CANDIDATES);
  readonly #taste = new Float64Array(DIMENSIONS);
  readonly #bestOwn = new Best(OWN_CANDIDATES);
  readonly #bestCo = new Best(CO_CANDIDATES);
  #profile: Profile | undefined;
  #user = { lines: 0, weight: 0, short: 0, last: 0, first: 0 };
  /** Largest value among the candidates. */
  #largest = { lines: 0, long: 0, shared: 0, sharedLines: 0, recent: 0, affinity: 0 };

  constructor(table: ItemTable, horizonDays: number) {
    const n = table.names.length;
    this.#table = table;
    this.#horizon = horizonDays;
    this.#unit = unitFeatures(table);
    this.#shared = new Float64Array(n);
    this.#sharedLines = new Float64Array(n);
    this.#recent = new Float64Array(n);
    this.#baskets = new Float64Array(n);
    this.#touched = new Int32Array(n);
    this.#isTouched = new Uint8Array(n);
    this.#isCandidate = new Uint8Array(n);
    this.#own = new Int32Array(n).fill(-1);
    this.popular = byScore(
      n,
      (a) => table.last30[a]!,
      (a) => table.decayed[a]!,
    ).subarray(0, POPULAR_CANDIDATES);
  }

  /** Chooses the candidates of a user who has at least one unit. */
  open(profile: Profile): void {
    if (this.#profile) for (const unit of this.#profile.unit) this.#own[unit] = -1;
    this.#profile = profile;
    const touched = this.#sumNeighbours(profile);
    this.#choose(profile, touched);
    this.#measure(profile);
    for (let k = 0; k < touched; k++) this.#isTouched[this.#touched[k]!] = 0;
  }

  /** Writes the features of candidate number `c`. */
  write(c: number, out: Float32Array, offset: number): void {
    const unit = this.candidates[c]!;
    const p = this.#profile!;
    const u = this.#user;
    const largest = this.#largest;
    const own = this.#own[unit]!;
    const lines = own < 0 ? 0 : p.lines[own]!;
    const short = own < 0 ? 0 : p.short[own]!;
    const long = own < 0 ? 0 : p.long[own]!;
    const last = own < 0 ? 0 : p.last[own]!;
    const first = own < 0 ? 0 : p.first[own]!;
    const repeated = lines > 1 && first > last;
    const gap = repeated ? max((first - last) / max(lines - 1, 1), TINY) : 1;
    let at = offset;
    out[at++] = own < 0 ? 0 : 1;
    out[at++] = log1p(lines);
    out[at++] = log1p(short);
    out[at++] = log1p(long);
    out[at++] = short / max(u.short, 0.05);
    out[at++] = min(lines / max(p.activeDays, 1), 3);
    out[at++] = lines / u.lines;
    out[at++] = lines / max(largest.lines, TINY);
    out[at++] = long / max(largest.long, TINY);
    out[at++] = log1p(last);
    out[at++] = log1p(first);
    out[at++] = repeated ? 1 : 0;
    out[at++] = repeated ? log1p(gap) : 0;
    out[at++] = repeated ? log1p(last / max(gap, 1)) : 0;
    out[at++] = repeated ? exp(-abs(log((last + this.#horizon / 2) / max(gap, 1)))) : 0;
    out[at++] = own >= 0 && last === u.last ? 1 : 0;
    out[at++] = own < 0 ? 0 : log1p((lines * this.#horizon) / (first + this.#horizon));
    for (let f = 0; f < UNIT_FEATURES; f++) out[at++] = this.#unit[unit * UNIT_FEATURES + f]!;
    const shared = this.#shared[unit]!;
    const recent = this.#recent[unit]!;
    const baskets = this.#baskets[unit]!;
    const sharedLines = this.#sharedLines[unit]!;
    out[at++] = log1p((100 * shared) / u.weight);
    out[at++] = log1p(shared);
    out[at++] = shared / max(largest.shared, TINY);
    out[at++] = log1p(10 * recent);
    out[at++] = recent / max(largest.recent, TINY);
    out[at++] = log1p((100 * baskets) / u.weight);
    out[at++] = log1p(baskets);
    out[at++] = log1p((100 * sharedLines) / u.lines);
    out[at++] = sharedLines / max(largest.sharedLines, TINY);
    const affinity = this.#affinity[c]!;
    out[at++] = sign(affinity) * log1p(10 * abs(affinity));
    out[at++] = max(affinity, 0) / max(largest.affinity, TINY);
    const days = max(p.activeDays, 1);
    out[at++] = log1p(days);
    out[at++] = log1p(u.lines / days);
    out[at++] = 1 - p.count / u.lines;
    out[at++] = log1p(u.last);
    out[at++] = log1p(u.first);
    out[at] = log1p(p.count);
  }

  /** Sums similarities over the user's units. @returns how many units were touched */
  #sumNeighbours({ count, unit, lines, short }: Profile): number {
    const { byUser, byBasket } = this.#table;
    let touched = 0;
    const touch = (j: number) => {
      if (this.#isTouched[j] === 1) return;
      this.#isTouched[j] = 1;
      this.#touched[touched++] = j;
      this.#shared[j] = 0;
      this.#sharedLines[j] = 0;
      this.#recent[j] = 0;
      this.#baskets[j] = 0;
    };
    for (let i = 0; i < count; i++) {
      const weight = log1p(lines[i]!);
      const recentWeight = log1p(short[i]!);
      each(byUser, unit[i]!, (j, similarity) => {
        touch(j);
        this.#shared[j]! += weight * similarity;
        this.#sharedLines[j]! += lines[i]! * similarity;
      });
      each(byBasket, unit[i]!, (j, similarity) => {
        touch(j);
        this.#recent[j]! += recentWeight * similarity;
        this.#baskets[j]! += weight * similarity;
      });
    }
    return touched;
  }

  #choose({ count, unit, long }: Profile, touched: number): void {
    let largestShared = TINY;
    let largestRecent = TINY;
    for (let k = 0; k < touched; k++) {
      const j = this.#touched[k]!;
      largestShared = max(largestShared, this.#shared[j]!);
      largestRecent = max(largestRecent, this.#recent[j]!);
    }
    for (let k = 0; k < touched; k++) {
      const j = this.#touched[k]!;
      const score = this.#shared[j]! / largestShared + this.#recent[j]! / largestRecent;
      if (score > 0) this.#bestCo.offer(j, score);
    }
    for (let i = 0; i < count; i++) this.#bestOwn.offer(unit[i]!, long[i]!);
    this.count = 0;
    const take = (j: number) => {
      if (this.#isCandidate[j] === 1) return;
      this.#isCandidate[j] = 1;
      this.candidates[this.count++] = j;
    };
    this.#bestOwn.take().forEach(take);
    this.popular.forEach(take);
    this.#bestCo.take().forEach(take);
    this.candidates.subarray(0, this.count).sort();
    for (let c = 0; c < this.count; c++) {
      const j = this.candidates[c]!;
      this.#isCandidate[j] = 0;
      if (this.#isTouched[j] === 0) {
        this.#shared[j] = 0;
        this.#sharedLines[j] = 0;
        this.#recent[j] = 0;
        this.#baskets[j] = 0;
      }
    }
  }

  /** Totals of the user and the largest values among the candidates. */
  #measure(profile: Profile): void {
    const { count, unit } = profile;
    const { embedding, users } = this.#table;
    const u = { lines: 0, weight: 0, short: 0, last: Number.POSITIVE_INFINITY, first: 0 };
    const taste = this.#taste.fill(0);
    for (let i = 0; i < count; i++) {
      const j = unit[i]!;
      this.#own[j] = i;
      const lines = profile.lines[i]!;
      u.lines += lines;
      u.weight += log1p(lines);
      u.short += profile.short[i]!;
      u.last = min(u.last, profile.last[i]!);
      u.first = max(u.first, profile.first[i]!);
      const weight = embeddingWeight(lines, users[j]!);
      for (let f = 0; f < DIMENSIONS; f++) taste[f]! += weight * embedding[j * DIMENSIONS + f]!;
    }
    this.#user = u;
    const largest = { lines: 0, long: 0, shared: 0, sharedLines: 0, recent: 0, affinity: 0 };
    for (let c = 0; c < this.count; c++) {
      const j = this.candidates[c]!;
      let affinity = 0;
      for (let f = 0; f < DIMENSIONS; f++) affinity += taste[f]! * embedding[j * DIMENSIONS + f]!;
      this.#affinity[c] = affinity;
      const own = this.#own[j]!;
      if (own >= 0) {
        largest.lines = max(largest.lines, profile.lines[own]!);
        largest.long = max(largest.long, profile.long[own]!);
      }
      largest.shared = max(largest.shared, this.#shared[j]!);
      largest.sharedLines = max(largest.sharedLines, this.#sharedLines[j]!);
      largest.recent = max(largest.recent, this.#recent[j]!);
      largest.affinity = max(largest.affinity, affinity);
    }
    this.#largest = largest;
  }
}

function each(
  { start, unit, similarity }: Neighbours,
  of: number,
  on: (j: number, similarity: number) => void,
): void {
  for (let k = start[of]!; k < start[of + 1]!; k++) on(unit[k]!, similarity[k]!);
}

/** Units in descending order of a first and a second score, then by name. */
function byScore(
  units: number,
  first: (unit: number) => number,
  second: (unit: number) => number,
): Int32Array {
  const order = Int32Array.from({ length: units }, (_, i) => i);
  return order.sort((a, b) => first(b) - first(a) || second(b) - second(a) || a - b);
}

function unitFeatures(table: ItemTable): Float32Array {
  const n = table.names.length;
  const total = (column: Float64Array) => column.reduce((sum, x) => sum + x, 0);
  /** Times the mean unit, logged. */
  const relative = (column: Float64Array) => {
    const mean = max(total(column) / n, TINY);
    return column.map((x) => log1p(x / mean));
  };
  const [p7, p30, p90, decayed] = [table.last7, table.last30, table.last90, table.decayed].map(relative);
  const rank = new Float64Array(n);
  byScore(
    n,
    (a) => table.decayed[a]!,
    () => 0,
  ).forEach((unit, i) => {
    rank[unit] = i;
  });
  const repeatRate = total(table.repeaters) / max(total(table.users), 1);
  const out = new Float32Array(n * UNIT_FEATURES);
  for (let i = 0; i < n; i++) {
    const values = [
      p7![i]!,
      p30![i]!,
      p90![i]!,
      decayed![i]!,
      p30![i]! - p90![i]!,
      p7![i]! - p30![i]!,
      log1p(rank[i]!),
      log1p(table.age[i]!),
      (table.repeaters[i]! + 2 * repeatRate) / (table.users[i]! + 2),
      log1p(table.lines[i]! / max(table.users[i]!, 1)),
    ];
    out.set(values, i * UNIT_FEATURES);
  }
  return out;
}
