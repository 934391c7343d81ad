import { formatDay } from '../data/index.ts';
import { type DayTotal, type DayTotals, medianPrice, noTotal, typeName, WATCHED_DAYS } from './day-totals.ts';

/** A day that is unlike such days before it. */
export interface Unusual {
  /** Shop day, 'YYYY-MM-DD'. */
  readonly day: string;
  readonly type: string;
  readonly measure: MeasureName;
  /** What it was, and what the same weekdays before let expect. */
  readonly value: number;
  readonly expected: number;
  /** In a sentence. */
  readonly said: string;
}

interface Measure {
  readonly words: string;
  /** On a logarithmic scale; undefined where it does not exist on that day. */
  readonly of: (total: DayTotal) => number | undefined;
  /** Spread that is taken for ordinary where the weeks before were calmer, as a logarithm. */
  readonly floor: number;
  /** Factor that it must differ by, whatever the spread. */
  readonly factor: number;
  /** Rises and falls with the season: is judged beside the days just before. */
  readonly moves: boolean;
}

const MEASURES = {
  lines: {
    words: 'lines',
    of: ({ lines }) => Math.log1p(lines),
    floor: 0.19,
    factor: 1.8,
    moves: true,
  },
  users: {
    words: 'users',
    of: ({ users }) => Math.log1p(users),
    floor: 0.19,
    factor: 1.8,
    moves: true,
  },
  linesOfUser: {
    words: 'lines a user',
    of: ({ lines, users }) => (users > 0 ? Math.log(lines / users) : undefined),
    floor: 0.15,
    factor: 1.8,
    moves: false,
  },
  visitsOfUser: {
    words: 'visits a user',
    of: ({ visits, users }) => (users > 0 && visits > 0 ? Math.log(visits / users) : undefined),
    floor: 0.15,
    factor: 1.8,
    moves: false,
  },
  price: {
    words: 'money of a line, in the middle,',
    of: (total) => {
      const price = medianPrice(total);
      return price === undefined ? undefined : Math.log(price);
    },
    floor: 0.2,
    factor: 2,
    moves: false,
  },
  priced: {
    words: 'share of users with money',
    of: ({ prices, users }) => {
      let priced = 0;
      for (const count of prices.values()) priced += count;
      return users > 0 ? Math.log((priced + 1) / (users + 1)) : undefined;
    },
    floor: 0.1,
    factor: 1.8,
    moves: false,
  },
} as const satisfies Readonly<Record<string, Measure>>;

export type MeasureName = keyof typeof MEASURES;

/** Same weekdays that are looked at, and how many of them must have been there. */
const WEEKS = 8;
const FEWEST_WEEKS = 4;
/** Days just before, by which the level of the season is judged. */
const RECENT = 6;
/** With fewer lines on such days chance alone makes every factor. */
const FEWEST_LINES = 100;
/** Robust deviations beyond which a day is unusual, and where lines and users are it together. */
const BEYOND = 3.5;
const BEYOND_TOGETHER = 3;
/** Of a normal distribution: standard deviations a median absolute deviation. */
const MAD = 1.4826;

/**
 * Is a day unlike the same weekdays before it? By robust z-scores on logarithms: the distance from their median, over their
 * median absolute deviation (Iglewicz & Hoaglin, "How to detect and handle outliers", 1993). What moves with the season is
 * compared with the days just before it, too: only what they did not do themselves counts. A day without any event is not told:
 * shops close; that something expected is missing is told elsewhere (`nightly.expect`).
 * @param day before the as-of day of the totals
 * @param first day from which on there are events at all
 */
export function unusualOn(totals: DayTotals, day: number, first: number): Unusual[] {
  return totals.types().flatMap((type) => {
    const days = totals.of(type)!;
    const seen = Math.max(first, totals.day - WATCHED_DAYS);
    const open = (one: number) => one >= seen && days.has(one);
    const before = (one: number) => Array.from({ length: WEEKS }, (_, k) => one - 7 * (k + 1)).filter(open);
    const past = before(day);
    if (past.length < FEWEST_WEEKS || !totals.types().some((any) => totals.of(any)!.has(day))) return [];
    const usual = median(past.map((one) => days.get(one)!.lines));
    const total = days.get(day) ?? noTotal();
    if (usual < FEWEST_LINES) return [];
    const judged = Object.entries(MEASURES).flatMap(([name, measure]: [string, Measure]) => {
      const value = measure.of(total);
      const known = valuesOf(days, past, measure);
      if (value === undefined || known.length < FEWEST_WEEKS) return [];
      const residual = (one: number) => {
        const own = measure.of(days.get(one)!);
        const others = valuesOf(days, before(one), measure);
        return own === undefined || others.length < FEWEST_WEEKS ? undefined : own - median(others);
      };
      const recent = measure.moves
        ? Array.from({ length: RECENT }, (_, k) => day - k - 1).flatMap((one) =>
            open(one) ? (residual(one) ?? []) : [],
          )
        : [];
      const expected = median(known) + (recent.length > 0 ? median(recent) : 0);
      const middle = median(known);
      const seenSpread = MAD * median(known.map((one) => Math.abs(one - middle)));
      // What chance alone makes of so few users: the variance of a logarithm of a count is one over the count, and that
      // of a mean over them about a quarter of it.
      const users = median(past.map((one) => days.get(one)!.users));
      const chance = (measure.moves ? 1 : 0.5) / Math.sqrt(Math.max(1, users));
      const off = value - expected;
      const score = off / Math.hypot(Math.max(seenSpread, measure.floor), chance);
      return Math.abs(off) < Math.log(measure.factor)
        ? []
        : [{ score, moves: measure.moves, ...told(day, type, name as MeasureName, value, expected) }];
    });
    const together =
      judged.filter(({ moves, score }) => moves && Math.abs(score) >= BEYOND_TOGETHER).length > 1;
    return judged
      .filter(({ moves, score }) => Math.abs(score) >= (together && moves ? BEYOND_TOGETHER : BEYOND))
      .map(({ score: _, moves: __, ...unusual }) => unusual);
  });
}

const valuesOf = (days: ReadonlyMap<number, DayTotal>, of: readonly number[], measure: Measure): number[] =>
  of.flatMap((one) => measure.of(days.get(one)!) ?? []);

function told(day: number, type: number, measure: MeasureName, value: number, expected: number): Unusual {
  const [is, was] = [Math.exp(value), Math.exp(expected)];
  const { words } = MEASURES[measure];
  return {
    ...{ day: formatDay(day), type: typeName(type), measure, value: rounded(is), expected: rounded(was) },
    said: `${typeName(type)} on ${formatDay(day)}: ${words} ${rounded(is)}, where ${rounded(was)} were to be expected`,
  };
}

const rounded = (value: number): number => Number(value.toPrecision(3));

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
