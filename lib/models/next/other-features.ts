import { type EventType, eventCode } from '../../data/index.ts';
import type { Best } from './best.ts';
import { eachNeighbour } from './co-occurrence.ts';
import type { UserHistory } from './history.ts';
import type { ItemTable, UnitIndex } from './item-table.ts';
import {
  OTHER_WIDTH,
  type OtherPair,
  otherUnitFeatures,
  type TogetherPair,
  writeOther,
  writeTogether,
} from './other-columns.ts';
import { isLead } from './others.ts';
import { byScore } from './pair-columns.ts';
import type { Profile, ProfileReader } from './profile.ts';

/** Half-life in days of what a user looked at last. */
const RECENT_HALF_LIFE = 7;

const { log1p, max, min } = Math;

/** Sums over units of which few are other than 0. */
class SparseSums {
  readonly sum: Float64Array;
  readonly #units: Int32Array;
  #count = 0;

  constructor(units: number) {
    this.sum = new Float64Array(units);
    this.#units = new Int32Array(units);
  }

  add(unit: number, value: number): void {
    if (!(value > 0)) return;
    if (this.sum[unit] === 0) this.#units[this.#count++] = unit;
    this.sum[unit]! += value;
  }

  /** The units with a sum, in the order they were met. */
  get units(): Int32Array {
    return this.#units.subarray(0, this.#count);
  }

  clear(): void {
    for (const unit of this.units) this.sum[unit] = 0;
    this.#count = 0;
  }
}

/** What is read of a user beside the target's type: candidates and columns, as `PairFeatures` for the target's. */
export class OtherFeatures {
  /** Units that are not barred, by the users who had to do with them in the last 7 days; and the first of them. */
  readonly #popularity: Int32Array;
  readonly #popular: Int32Array;
  readonly #mostPopular: number;
  readonly #table: ItemTable;
  readonly #units: readonly Float32Array[];
  /** Of each type: place of a unit in the user's profile; -1 for none. */
  readonly #own: readonly Int32Array[];
  readonly #pairs: readonly OtherPair[];
  readonly #together: TogetherPair = { recent: 0, all: 0, largest: { recent: 0, all: 0 }, weight: 0 };
  readonly #lead: readonly boolean[];
  /** Of the user's units: how lately, and how much. */
  readonly #lately: SparseSums;
  readonly #much: SparseSums;
  /** Of their neighbours. */
  readonly #recent: SparseSums;
  readonly #all: SparseSums;
  #profiles: readonly Profile[] = [];

  /**
   * @param popular popular candidates at most
   * @param barred 1 for units that are nobody's candidates
   */
  constructor(table: ItemTable, popular: number, barred: Uint8Array) {
    const n = table.names.length;
    this.#table = table;
    this.#units = table.others.map((other) => otherUnitFeatures(table, other));
    this.#own = table.others.map(() => new Int32Array(n).fill(-1));
    this.#pairs = table.others.map(() => ({
      owned: false,
      lines: 0,
      short: 0,
      last: 0,
      target: 0,
      user: { units: 0, lines: 0, last: 0 },
      largest: 0,
    }));
    this.#lead = table.others.map(({ type }) => isLead(type));
    this.#lately = new SparseSums(n);
    this.#much = new SparseSums(n);
    this.#recent = new SparseSums(n);
    this.#all = new SparseSums(n);
    const leads = table.others.filter((_, t) => this.#lead[t]);
    const sum = (column: Float64Array) =>
      max(
        column.reduce((a, b) => a + b, 0),
        1,
      );
    const totals = leads.map(({ recent, short }) => ({ recent: sum(recent), short: sum(short) }));
    const share = (of: 'recent' | 'short') => (unit: number) =>
      leads.reduce((all, other, t) => all + other[of][unit]! / totals[t]![of], 0);
    this.#popularity = byScore(n, share('recent'), share('short')).filter(
      (unit) => share('short')(unit) > 0 && barred[unit] === 0,
    );
    this.#popular = this.#popularity.subarray(0, popular);
    this.#mostPopular = popular;
  }

  /** The first units by the users of late. @param barred other than 0 for those that the user may not have among them */
  popular(barred?: Uint8Array): ArrayLike<number> {
    return barred ? firstAllowed(this.#popularity, this.#mostPopular, barred) : this.#popular;
  }

  /** @param profiles of the table's other types, in their order */
  open(target: Profile, profiles: readonly Profile[]): void {
    this.#profiles.forEach(({ unit }, t) => {
      for (const j of unit) this.#own[t]![j] = -1;
    });
    this.#profiles = profiles;
    for (const sums of [this.#lately, this.#much, this.#recent, this.#all]) sums.clear();
    profiles.forEach(({ count, unit, lines, last }, t) => {
      const user = { units: count, lines: 0, last: count > 0 ? Number.POSITIVE_INFINITY : 0 };
      for (let i = 0; i < count; i++) {
        this.#own[t]![unit[i]!] = i;
        user.lines += lines[i]!;
        user.last = min(user.last, last[i]!);
      }
      this.#pairs[t]!.user = user;
      if (this.#lead[t]) this.#addOwn(profiles[t]!);
    });
    this.#addOwn(target);
    this.#together.weight = 0;
    for (const i of this.#much.units) {
      const much = log1p(this.#much.sum[i]!);
      const lately = this.#lately.sum[i]!;
      this.#together.weight += much;
      eachNeighbour(this.#table.together, i, (j, similarity) => {
        this.#recent.add(j, lately * similarity);
        this.#all.add(j, much * similarity);
      });
    }
  }

  /** Offers the user's units of types that lead to one, those of late first. */
  offerOwn(best: Best, barred: Uint8Array): void {
    for (const [t, { count, unit }] of this.#profiles.entries()) {
      if (!this.#lead[t]) continue;
      for (let i = 0; i < count; i++) {
        const j = unit[i]!;
        if (barred[j] === 0 && this.#isFirst(t, j)) best.offer(j, this.#lately.sum[j]!);
      }
    }
  }

  /** Offers what goes together with the user's units. */
  offerNeighbours(best: Best, barred: Uint8Array): void {
    for (const j of this.#recent.units) if (barred[j] === 0) best.offer(j, this.#recent.sum[j]!);
  }

  /** Finds the largest values among the user's candidates. */
  measure(candidates: Int32Array): void {
    const { largest } = this.#together;
    largest.recent = 0;
    largest.all = 0;
    for (const pair of this.#pairs) pair.largest = 0;
    for (const j of candidates) {
      largest.recent = max(largest.recent, this.#recent.sum[j]!);
      largest.all = max(largest.all, this.#all.sum[j]!);
      this.#pairs.forEach((pair, t) => {
        const own = this.#own[t]![j]!;
        if (own >= 0) pair.largest = max(pair.largest, this.#profiles[t]!.lines[own]!);
      });
    }
  }

  /**
   * Writes the columns of a candidate.
   * @param target days since the user's last target event with the unit; Infinity without one
   */
  write(unit: number, target: number, out: Float32Array, at: number): void {
    let place = at;
    this.#pairs.forEach((pair, t) => {
      const own = this.#own[t]![unit]!;
      const { lines, short, last } = this.#profiles[t]!;
      pair.owned = own >= 0;
      pair.lines = own < 0 ? 0 : lines[own]!;
      pair.short = own < 0 ? 0 : short[own]!;
      pair.last = own < 0 ? 0 : last[own]!;
      pair.target = target;
      writeOther(pair, this.#units[t]!, unit, out, place);
      place += OTHER_WIDTH;
    });
    this.#together.recent = this.#recent.sum[unit]!;
    this.#together.all = this.#all.sum[unit]!;
    if (this.#lead.includes(true)) writeTogether(this.#together, out, place);
  }

  #addOwn({ count, unit, lines, last }: Profile): void {
    for (let i = 0; i < count; i++) {
      const j = unit[i]!;
      this.#much.add(j, lines[i]!);
      this.#lately.add(j, log1p(lines[i]!) * 2 ** (-last[i]! / RECENT_HALF_LIFE));
    }
  }

  /** Is this the first of the types that the user has the unit by? */
  #isFirst(type: number, unit: number): boolean {
    for (let t = 0; t < type; t++) if (this.#lead[t] && this.#own[t]![unit]! >= 0) return false;
    return true;
  }
}

/** The first units of an order that are not barred. */
export function firstAllowed(order: Int32Array, most: number, barred: Uint8Array): number[] {
  const first: number[] = [];
  for (let i = 0; i < order.length && first.length < most; i++) {
    if (barred[order[i]!] === 0) first.push(order[i]!);
  }
  return first;
}

const NOTHING = new Float64Array(0);

/** A user's profiles by other types as of one of the history's cut-offs. */
export const otherProfiles = (
  reader: ProfileReader,
  user: UserHistory,
  cutoff: number,
  index: UnitIndex,
  others: readonly EventType[],
): Profile[] =>
  others.map((type) => reader.read(user.others[cutoff]!.get(eventCode(type)) ?? NOTHING, 0, index.of));
