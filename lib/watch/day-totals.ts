import { EVENT_TYPES } from '../data/index.ts';
import type { UserState } from '../features/index.ts';

/** Days before the as-of day that are added up. */
export const WATCHED_DAYS = 70;

/** Money of a line falls into buckets of a quarter of an octave: 1 minor unit is bucket 0. */
const BUCKETS_AN_OCTAVE = 4;

/** What users did on a shop day, of one type of event. */
export interface DayTotal {
  lines: number;
  /** Users who did it on that day, one by one, and their visits. */
  users: number;
  visits: number;
  /** User-days by the bucket of their money a line; those without money are in none. */
  readonly prices: Map<number, number>;
}

/** Nothing happened. */
export const noTotal = (): DayTotal => ({ lines: 0, users: 0, visits: 0, prices: new Map() });

/**
 * What happened on each of the last days before an as-of day, by type of event. Sums of integers: neither the order of users nor
 * the cut into shards shows.
 */
export class DayTotals {
  /** The as-of day. */
  readonly day: number;
  readonly #byType = new Map<number, Map<number, DayTotal>>();

  constructor(day: number) {
    this.day = day;
  }

  /** Adds a user. @param state holds the days before the as-of day */
  add({ dayStart, dayEnd, dayOf, dayType, dayLines, dayVisits, dayMoney }: UserState): void {
    for (let i = dayEnd - 1; i >= dayStart; i--) {
      const day = dayOf[i]!;
      if (day < this.day - WATCHED_DAYS) break;
      const total = this.#of(dayType[i]!, day);
      const lines = dayLines[i]!;
      total.lines += lines;
      total.users += 1;
      total.visits += dayVisits[i]!;
      const money = Math.abs(dayMoney[i]!);
      if (money > 0) {
        const bucket = Math.round(BUCKETS_AN_OCTAVE * Math.log2(money / lines));
        total.prices.set(bucket, (total.prices.get(bucket) ?? 0) + 1);
      }
    }
  }

  #of(type: number, day: number): DayTotal {
    let days = this.#byType.get(type);
    if (!days) this.#byType.set(type, (days = new Map()));
    let total = days.get(day);
    if (!total) days.set(day, (total = noTotal()));
    return total;
  }

  /** The days of a type that anything happened on; undefined where it never did. */
  of(type: number): ReadonlyMap<number, DayTotal> | undefined {
    return this.#byType.get(type);
  }

  /** Types that happened, in the order of their codes. */
  types(): number[] {
    return [...this.#byType.keys()].sort((a, b) => a - b);
  }

  /** As text, for a file. */
  encode(): string {
    const rows = this.types().flatMap((type) =>
      [...this.#byType.get(type)!]
        .sort(([a], [b]) => a - b)
        .map(([day, { lines, users, visits, prices }]) => [
          ...[type, this.day - day, lines, users, visits],
          ...[...prices].sort(([a], [b]) => a - b).flat(),
        ]),
    );
    return JSON.stringify({ day: this.day, rows });
  }

  /** Adds what `encode` wrote of other users, of the same day. */
  merge(text: string): void {
    const { rows }: { rows: number[][] } = JSON.parse(text);
    for (const [type, back, lines, users, visits, ...prices] of rows) {
      const total = this.#of(type!, this.day - back!);
      total.lines += lines!;
      total.users += users!;
      total.visits += visits!;
      for (let i = 0; i < prices.length; i += 2) {
        total.prices.set(prices[i]!, (total.prices.get(prices[i]!) ?? 0) + prices[i + 1]!);
      }
    }
  }
}

/** Money of a line of the user-day in the middle, in minor units, to a quarter of an octave; undefined without any. */
export function medianPrice({ prices }: DayTotal): number | undefined {
  let all = 0;
  for (const count of prices.values()) all += count;
  let below = 0;
  for (const [bucket, count] of [...prices].sort(([a], [b]) => a - b)) {
    below += count;
    if (2 * below >= all) return 2 ** (bucket / BUCKETS_AN_OCTAVE);
  }
  return undefined;
}

/** 'purchase', … */
export const typeName = (type: number): string => EVENT_TYPES[type]!;
