import { AlikeFeatures } from './alike-features.ts';
import { Best } from './best.ts';
import { eachNeighbour } from './co-occurrence.ts';
import { DIMENSIONS } from './embedding.ts';
import { embeddingWeight, type ItemTable } from './item-table.ts';
import { pairNames } from './other-columns.ts';
import { firstAllowed, OtherFeatures } from './other-features.ts';
import { byScore, PAIR_WIDTH, type Pair, TINY, unitFeatures, writePair } from './pair-columns.ts';
import type { Profile } from './profile.ts';
import type { UnitAttributes } from './unit-attributes.ts';

/**
 * Candidates of a user: units of their own, those that are popular, and those bought beside their own. Where other types
 * than the target's lead to units, half of each is chosen by them.
 */
const OWN_CANDIDATES = 200;
const POPULAR_CANDIDATES = 100;
const CO_CANDIDATES = 150;
/** Where attributes are read, so many more that few have had yet. */
const COLD_CANDIDATES = 50;
/** No user has more candidates than these. */
export const mostCandidates = (attributes: boolean): number =>
  OWN_CANDIDATES + POPULAR_CANDIDATES + CO_CANDIDATES + (attributes ? COLD_CANDIDATES : 0);

const { log1p, max, min } = Math;
const NONE: readonly number[] = [];

/** What candidates may be. */
export interface CandidateRules {
  /** 1 for units that are nobody's candidates. */
  readonly barred: Uint8Array;
  /** Popular candidates and those bought beside the user's own are new to the user: a list has places for these alone. */
  readonly apart: boolean;
}

/**
 * Candidates and pair features of users as of the table's day. One object serves many users in turn: `open` a user,
 * then `write` the pairs wanted.
 */
export class PairFeatures {
  /** Of the user last opened: candidate units, ascending, in [0, count). */
  readonly candidates: Int32Array;
  count = 0;
  /** Columns of a pair. */
  readonly width: number;
  /** Units that someone had and that are not barred, by popularity of the last 30 days: the first of them. */
  readonly popular: Int32Array;

  /** All of them. */
  readonly #popularity: Int32Array;
  readonly #apart: boolean;
  readonly #always: readonly number[];
  /** Other than 0 where a unit may be no candidate of the user's own; `BARRED_FOR_USER` for the user that is open. */
  readonly #barred: Uint8Array;
  /** The same of popular candidates and of those bought beside: the same array, unless both are apart. */
  readonly #barredAsNew: Uint8Array;
  readonly #others: OtherFeatures | undefined;
  readonly #alike: AlikeFeatures | undefined;
  /** Where the columns of attributes begin in a pair. */
  readonly #alikeAt: number;
  readonly #table: ItemTable;
  /** Columns that describe units alone, (units, columns). */
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
  readonly #affinity: Float64Array;
  readonly #taste = new Float64Array(DIMENSIONS);
  readonly #bestOwn = new Best(OWN_CANDIDATES);
  readonly #bestCo = new Best(CO_CANDIDATES);
  readonly #bestCold = new Best(COLD_CANDIDATES);
  #profile: Profile | undefined;
  /** The pair that is written: one object for all of them. */
  readonly #pair: Pair;

  /**
   * @param attributes what is said of the table's units, where that is read
   * @param always units that are candidates of every user beside those chosen
   */
  constructor(
    table: ItemTable,
    horizonDays: number,
    rules?: CandidateRules,
    attributes?: UnitAttributes,
    always: readonly number[] = NONE,
  ) {
    const n = table.names.length;
    const most = mostCandidates(attributes !== undefined) + always.length;
    this.#always = always;
    this.candidates = new Int32Array(most);
    this.#affinity = new Float64Array(most);
    this.#alike = attributes && new AlikeFeatures(table, attributes);
    const others = table.others.map(({ type }) => type);
    this.#alikeAt = pairNames(others).length;
    this.width = pairNames(others, attributes !== undefined).length;
    this.#table = table;
    this.#apart = rules?.apart ?? false;
    this.#barred = rules ? rules.barred.slice() : new Uint8Array(n);
    this.#barredAsNew = this.#apart ? this.#barred.slice() : this.#barred;
    this.#pair = {
      owned: false,
      lines: 0,
      short: 0,
      long: 0,
      last: 0,
      first: 0,
      shared: 0,
      sharedLines: 0,
      recent: 0,
      baskets: 0,
      affinity: 0,
      horizon: horizonDays,
      activeDays: 0,
      units: 0,
      user: { lines: 0, weight: 0, short: 0, last: 0, first: 0 },
      largest: { lines: 0, long: 0, shared: 0, sharedLines: 0, recent: 0, affinity: 0 },
    };
    this.#unit = unitFeatures(table);
    this.#shared = new Float64Array(n);
    this.#sharedLines = new Float64Array(n);
    this.#recent = new Float64Array(n);
    this.#baskets = new Float64Array(n);
    this.#touched = new Int32Array(n);
    this.#isTouched = new Uint8Array(n);
    this.#isCandidate = new Uint8Array(n);
    this.#own = new Int32Array(n).fill(-1);
    this.#popularity = byScore(
      n,
      (a) => table.last30[a]!,
      (a) => table.decayed[a]!,
    ).filter((unit) => table.decayed[unit]! > 0 && this.#barred[unit] === 0);
    this.popular = this.#popularity.subarray(0, POPULAR_CANDIDATES);
    if (table.others.length > 0) {
      this.#others = new OtherFeatures(table, POPULAR_CANDIDATES, this.#barred);
    }
  }

  /** The first of what is popular without some units. */
  popularWithout(excluded: readonly number[]): ArrayLike<number> {
    if (excluded.length === 0) return this.popular;
    bar(this.#barred, excluded);
    const first = firstAllowed(this.#popularity, POPULAR_CANDIDATES, this.#barred);
    unbar(this.#barred, excluded);
    return first;
  }

  /** Has the user last opened had candidate number `c`, by the target's type? */
  isOwn(c: number): boolean {
    return this.#own[this.candidates[c]!]! >= 0;
  }

  /**
   * Chooses the candidates of a user who has at least one unit, by the target's type or by one that leads to it.
   * @param others the user's profiles by the table's other types, in their order
   * @param excluded units that may not be candidates of this user
   */
  open(profile: Profile, others: readonly Profile[], excluded: readonly number[] = NONE): void {
    if (this.#profile) for (const unit of this.#profile.unit) this.#own[unit] = -1;
    this.#profile = profile;
    this.#others?.open(profile, others);
    this.#alike?.open(profile, others);
    const touched = this.#sumNeighbours(profile);
    const had = this.#apart ? profile.unit : NONE;
    bar(this.#barred, excluded);
    if (this.#apart) bar(this.#barredAsNew, [...excluded, ...had]);
    const narrowed = excluded.length > 0 || had.length > 0;
    this.#choose(profile, touched, narrowed);
    unbar(this.#barred, excluded);
    if (this.#apart) unbar(this.#barredAsNew, [...excluded, ...had]);
    this.#measure(profile);
    for (let k = 0; k < touched; k++) this.#isTouched[this.#touched[k]!] = 0;
  }

  /** Writes the features of candidate number `c`. */
  write(c: number, out: Float32Array, offset: number): void {
    const unit = this.candidates[c]!;
    const { lines, short, long, last, first } = this.#profile!;
    const own = this.#own[unit]!;
    const pair = this.#pair;
    pair.owned = own >= 0;
    pair.lines = own < 0 ? 0 : lines[own]!;
    pair.short = own < 0 ? 0 : short[own]!;
    pair.long = own < 0 ? 0 : long[own]!;
    pair.last = own < 0 ? 0 : last[own]!;
    pair.first = own < 0 ? 0 : first[own]!;
    pair.shared = this.#shared[unit]!;
    pair.sharedLines = this.#sharedLines[unit]!;
    pair.recent = this.#recent[unit]!;
    pair.baskets = this.#baskets[unit]!;
    pair.affinity = this.#affinity[c]!;
    writePair(pair, this.#unit, unit, out, offset);
    const target = own < 0 ? Number.POSITIVE_INFINITY : last[own]!;
    this.#others?.write(unit, target, out, offset + PAIR_WIDTH);
    this.#alike?.write(unit, out, offset + this.#alikeAt);
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
      eachNeighbour(byUser, unit[i]!, (j, similarity) => {
        touch(j);
        this.#shared[j]! += weight * similarity;
        this.#sharedLines[j]! += lines[i]! * similarity;
      });
      eachNeighbour(byBasket, unit[i]!, (j, similarity) => {
        touch(j);
        this.#recent[j]! += recentWeight * similarity;
        this.#baskets[j]! += weight * similarity;
      });
    }
    return touched;
  }

  /** @param narrowed something is barred for this user alone */
  #choose({ count, unit, long }: Profile, touched: number, narrowed: boolean): void {
    const [barred, barredAsNew] = [this.#barred, this.#barredAsNew];
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
      if (score > 0 && barredAsNew[j] === 0) this.#bestCo.offer(j, score);
    }
    for (let i = 0; i < count; i++) {
      if (barred[unit[i]!] === 0) this.#bestOwn.offer(unit[i]!, long[i]!);
    }
    this.count = 0;
    const own = this.#bestOwn.take();
    const co = this.#bestCo.take();
    this.#others?.offerOwn(this.#bestOwn, barred);
    this.#others?.offerNeighbours(this.#bestCo, barredAsNew);
    const popular = narrowed ? firstAllowed(this.#popularity, POPULAR_CANDIDATES, barredAsNew) : this.popular;
    const otherPopular = this.#others?.popular(narrowed ? barredAsNew : undefined) ?? [];
    this.#take(OWN_CANDIDATES, own, this.#bestOwn.take());
    this.#take(POPULAR_CANDIDATES, popular, otherPopular);
    this.#take(CO_CANDIDATES, co, this.#bestCo.take());
    if (this.#alike) {
      this.#alike.offerCold(this.#bestCold, barredAsNew);
      this.#take(COLD_CANDIDATES, this.#bestCold.take(), []);
    }
    this.#take(this.#always.length, this.#always, []);
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

  /** Takes so many new ones: half of them from the second list, more from either where the other has no more. */
  #take(places: number, first: ArrayLike<number>, second: ArrayLike<number>): void {
    const take = (list: ArrayLike<number>, from: number, until: number): number => {
      let at = from;
      for (; at < list.length && this.count < until; at++) {
        const j = list[at]!;
        if (this.#isCandidate[j] === 1) continue;
        this.#isCandidate[j] = 1;
        this.candidates[this.count++] = j;
      }
      return at;
    };
    const end = this.count + places;
    const atFirst = take(first, 0, second.length > 0 ? this.count + places / 2 : end);
    take(second, 0, end);
    take(first, atFirst, end);
  }

  /** Totals of the user and the largest values among the candidates. */
  #measure(profile: Profile): void {
    const { count, unit } = profile;
    const { embedding, users } = this.#table;
    const u = { lines: 0, weight: 0, short: 0, last: count > 0 ? Number.POSITIVE_INFINITY : 0, first: 0 };
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
    this.#pair.user = u;
    this.#pair.activeDays = profile.activeDays;
    this.#pair.units = count;
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
    this.#pair.largest = largest;
    this.#others?.measure(this.candidates.subarray(0, this.count));
    this.#alike?.measure(this.candidates.subarray(0, this.count));
  }
}

const BARRED_FOR_USER = 2;

function bar(barred: Uint8Array, units: ArrayLike<number>): void {
  for (let i = 0; i < units.length; i++) if (barred[units[i]!] === 0) barred[units[i]!] = BARRED_FOR_USER;
}

function unbar(barred: Uint8Array, units: ArrayLike<number>): void {
  for (let i = 0; i < units.length; i++) if (barred[units[i]!] === BARRED_FOR_USER) barred[units[i]!] = 0;
}
