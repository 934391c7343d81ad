import type { Config } from '../config/index.ts';
import { EVENT_TYPES } from '../data/index.ts';
import { grown } from './grow.ts';
import { ItemMap } from './item-map.ts';
import { VisitList } from './visit-list.ts';

export const TYPES = EVENT_TYPES.length;
/** Parts of a day of four hours each, from midnight. */
export const DAY_PARTS = 6;

/** Places of a type's numbers in its block of `UserState.numbers`. */
export const AT = {
  lines: 0,
  /** Thousandths. */
  units: 1,
  /** Minor units, signed. */
  money: 2,
  /** Distinct visit keys, summed over days. */
  visits: 3,
  activeDays: 4,
  /** ms UTC. */
  firstTime: 5,
  lastTime: 6,
  firstDay: 7,
  lastDay: 8,
  /** Gaps between successive active days, in days. */
  gaps: 9,
  gapSum: 10,
  gapSquares: 11,
  gapLast: 12,
  gapMax: 13,
  /** (item, day) pairs, and those whose item was new to the user. */
  itemDays: 14,
  newItems: 15,
  /** Lines in each part of the day. */
  parts: 16,
  /** For each half-life: lines, money (absolute value of a day's total), visits and active days, as of `lastDay`. */
  decayed: 16 + DAY_PARTS,
} as const;

/** Decayed sums per half-life, in this order. */
export const DECAYED = { lines: 0, money: 1, visits: 2, days: 3, count: 4 } as const;

/**
 * What is known of one user before a day: the fold of that user's complete days in ascending order. One object
 * serves many users in turn (`reset`).
 *
 * Decayed sums are lazy: they stand as of the type's last active day and are brought forward only when the type's
 * next day is added. A fold that goes on from a snapshot therefore performs the very operations of a fold from
 * scratch, and ends in the same bits.
 */
export class UserState {
  readonly halfLives: readonly number[];
  readonly historyDays: number;
  /** Numbers per type. */
  readonly stride: number;
  /** The last day added; -Infinity before the first. */
  day = Number.NEGATIVE_INFINITY;
  /** Per type a block of `stride` numbers, see AT. */
  readonly numbers: Float64Array;
  /** Lines by hour of day, all types. */
  readonly hours = new Float64Array(24);
  /** Recent (day, type) rows in ascending order: [dayStart, dayEnd) of the columns. */
  dayStart = 0;
  dayEnd = 0;
  dayOf = new Int32Array(64);
  dayType = new Uint8Array(64);
  dayLines = new Float64Array(64);
  dayVisits = new Float64Array(64);
  dayMoney = new Float64Array(64);
  readonly items: ItemMap;
  readonly visits: VisitList;

  constructor(config: Config) {
    this.halfLives = config.features.halfLives;
    this.historyDays = config.features.historyDays;
    this.stride = AT.decayed + DECAYED.count * this.halfLives.length;
    this.numbers = new Float64Array(TYPES * this.stride);
    this.items = new ItemMap(this.historyDays);
    this.visits = new VisitList(config.features.tokens);
  }

  /** Back to a user of whom nothing is known. */
  reset(): void {
    this.day = Number.NEGATIVE_INFINITY;
    this.numbers.fill(0);
    this.hours.fill(0);
    this.dayStart = 0;
    this.dayEnd = 0;
    this.items.reset();
    this.visits.reset();
  }

  /** A number of a type, by its place in AT. */
  get(type: number, place: number): number {
    return this.numbers[type * this.stride + place]!;
  }

  /** Has the user ever done this? */
  has(type: number): boolean {
    return this.get(type, AT.activeDays) > 0;
  }

  /** A decayed sum brought forward to a day. `halfLife` counts config.features.halfLives. */
  decayed(type: number, halfLife: number, sum: number, day: number): number {
    const value = this.get(type, AT.decayed + halfLife * DECAYED.count + sum);
    return value === 0 ? 0 : value * 2 ** (-(day - this.get(type, AT.lastDay)) / this.halfLives[halfLife]!);
  }

  /** Appends a row to the recent days. */
  pushDay(day: number, type: number, lines: number, visits: number, money: number): void {
    const at = this.dayEnd++;
    this.dayOf = grown(this.dayOf, this.dayEnd);
    this.dayType = grown(this.dayType, this.dayEnd);
    this.dayLines = grown(this.dayLines, this.dayEnd);
    this.dayVisits = grown(this.dayVisits, this.dayEnd);
    this.dayMoney = grown(this.dayMoney, this.dayEnd);
    this.dayOf[at] = day;
    this.dayType[at] = type;
    this.dayLines[at] = lines;
    this.dayVisits[at] = visits;
    this.dayMoney[at] = money;
  }

  /** Forgets daily detail older than `historyDays` before the day. */
  forgetDaysBefore(day: number): void {
    const oldest = day - this.historyDays;
    while (this.dayStart < this.dayEnd && this.dayOf[this.dayStart]! < oldest) this.dayStart++;
  }
}
