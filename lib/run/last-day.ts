import type { Config } from '../config/index.ts';
import { DataError, formatDay, shopClock } from '../data/index.ts';
import { dayStart, daysKey, readShardDays, ShardedFiles } from '../features/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { unlabelledOf } from './groups.ts';
import { copiesAmong, type DropState } from './inputs.ts';

/** What the dropped events say about the last days there are. */
export interface LastDays {
  /** Shop days of the first and the last event in earnest. */
  readonly first: number;
  readonly last: number;
  /** The last day that is over and told to its end. */
  readonly complete: number;
  /** Why that one, in words. */
  readonly why: string;
  /** The longest stretch of days without events that the shop has had in the last year. */
  readonly quiet: number;
}

/** Days behind the last one that are looked at. */
const LOOKED = 400;
/** A tail of days behind a longer gap than this that holds fewer rows than this share of all is one of wrong dates. */
const STRAY_GAP = 30;
const STRAY_SHARE = 0.005;
/** A day whose events end this much earlier than on every one of the days before it is not told to its end. */
const EARLIER_MS = 2 * 3_600_000;
const COMPARED = 28;
const FEWEST_COMPARED = 7;

/** A drop of events, with canonical rows. */
type EventDrop = DropState & { readonly state: 'done'; readonly clean: string };

/** A shop day as the events tell it: how many there are, and the time of the last one. */
interface Told {
  rows: number;
  latest: number;
}

/**
 * Finds the last complete day in what was dropped; no clock is asked. A day is over when a drop with events of it came
 * after its end (a drop at noon tells half a day), and it is told to its end unless its events stop hours before those
 * of every day in the weeks before it (a file that was written at noon and dropped later). Where the config expects
 * sources (`nightly.expect`), each of them must reach the day.
 * @returns undefined without events
 */
export async function lastDays(
  store: ObjectStore,
  config: Config,
  all: readonly DropState[],
): Promise<LastDays | undefined> {
  const copies = copiesAmong(all);
  const drops = all.flatMap((drop): EventDrop[] => {
    if (copies.has(drop.key) || drop.state !== 'done' || drop.quality.table !== 'events') return [];
    const { clean } = drop;
    return clean === undefined ? [] : [{ ...drop, clean }];
  });
  if (drops.length === 0) return undefined;
  const { expect } = config.nightly;
  const sources = expect.filter((name) => drops.some(({ quality }) => quality.source === name));
  // The source that lags behind the others decides, where all of them are expected.
  const reaches = sources.map((name) => ({
    name,
    reach: latestOf(drops.filter(({ quality }) => quality.source === name)),
  }));
  const slowest = reaches.sort((a, b) => a.reach - b.reach)[0];
  const relevant =
    slowest === undefined ? drops : drops.filter(({ quality }) => quality.source === slowest.name);
  const { last, days } = await lastInEarnest(store, config, relevant);
  const first = Math.min(...drops.map(({ quality }) => quality.minDay!));
  return { first, last, ...completeDay(config, relevant, days, last), quiet: longestGap(days, last) };
}

/**
 * The last shop day of the rows without a label that the tasks of a config answer: where no task is about users it says which day
 * a night is of.
 * @returns undefined where none has come, or no task answers them
 */
export function lastUnlabelledDay(
  { tasks }: Pick<Config, 'tasks'>,
  drops: readonly DropState[],
): number | undefined {
  const answered = new Set(Object.keys(tasks).map((name) => unlabelledOf({ tasks }, name)?.source));
  const days = drops.flatMap((drop) =>
    drop.state === 'done' && drop.quality.table === 'unlabelled' && answered.has(drop.quality.source!)
      ? (drop.quality.maxDay ?? [])
      : [],
  );
  return days.length === 0 ? undefined : days.reduce((most, day) => Math.max(most, day));
}

const latestOf = (drops: readonly EventDrop[]): number =>
  Math.max(...drops.map(({ quality }) => quality.maxDay!));

/** The last day with events, wrong dates aside, and what is told of the days up to it. */
async function lastInEarnest(
  store: ObjectStore,
  config: Config,
  drops: readonly EventDrop[],
): Promise<{ last: number; days: Map<number, Told> }> {
  const rows = drops.reduce((sum, { quality }) => sum + quality.clean, 0);
  const latest = latestOf(drops);
  for (let ceiling = latest; ; ) {
    const days = await readDays(store, config, drops, ceiling - LOOKED, ceiling + 1);
    while (days.size > 0) {
      const tail = lastStretch(days);
      const told = tail.reduce((sum, day) => sum + days.get(day)!.rows, 0);
      if (told >= STRAY_SHARE * rows) return { last: tail[0]!, days };
      for (const day of tail) days.delete(day);
    }
    const older = drops.flatMap(({ quality }) =>
      quality.maxDay! < ceiling - LOOKED ? [quality.maxDay!] : [],
    );
    if (older.length === 0) {
      return { last: latest, days: await readDays(store, config, drops, latest - LOOKED, latest + 1) };
    }
    ceiling = Math.max(...older);
  }
}

/** The days up to the last one that no long gap parts from it, descending. */
function lastStretch(days: ReadonlyMap<number, Told>): number[] {
  const known = [...days.keys()].sort((a, b) => b - a);
  const gap = known.findIndex((day, i) => i > 0 && known[i - 1]! - day > STRAY_GAP);
  return gap < 0 ? known : known.slice(0, gap);
}

/** Rows and last event of the shop days [from, before). */
async function readDays(
  store: ObjectStore,
  config: Config,
  drops: readonly EventDrop[],
  from: number,
  before: number,
): Promise<Map<number, Told>> {
  const days = new Map<number, Told>();
  const files = new ShardedFiles(store);
  const inputs = drops.map(({ clean, quality }) => ({
    key: daysKey(config, clean),
    minDay: quality.minDay!,
    maxDay: quality.maxDay!,
  }));
  const { shards } = config;
  for (let shard = 0; shard < shards; shard++) {
    const users = await readShardDays({ store, config, inputs, shard, shards, from, before, files });
    for (const user of users) {
      for (const { day, entries, start, end } of user.days) {
        let told = days.get(day);
        if (!told) days.set(day, (told = { rows: 0, latest: Number.NEGATIVE_INFINITY }));
        for (let i = start; i < end; i++) {
          told.rows += entries.lines[i]!;
          told.latest = Math.max(told.latest, entries.time[i]!);
        }
      }
    }
  }
  return days;
}

function completeDay(
  { shop: { timeZone } }: Config,
  drops: readonly EventDrop[],
  days: ReadonlyMap<number, Told>,
  last: number,
): { complete: number; why: string } {
  const clock = shopClock(timeZone);
  const at = (ms: number) => shopTimeText(timeZone, ms);
  const ends = days.has(last) ? at(days.get(last)!.latest) : formatDay(last);
  // The day of the clock when a drop came was not over: what it tells of that day and of later ones is a part.
  const over = (drop: EventDrop) => Math.min(drop.quality.maxDay!, clock(drop.droppedAt.getTime()).day - 1);
  const told = Math.min(last, Math.max(...drops.map(over)));
  if (told < last) {
    const latest = drops.reduce((a, b) => (b.droppedAt > a.droppedAt ? b : a));
    return {
      complete: told,
      why: `events go on to ${ends}, but that day was not over when ${latest.key} was dropped (${at(latest.droppedAt.getTime())})`,
    };
  }
  const sinceMidnight = (day: number) => days.get(day)!.latest - dayStart(timeZone, day);
  const before = [...days.keys()]
    .filter((day) => day < last && day >= last - COMPARED)
    .map((day) => ({ day, ms: sinceMidnight(day) }));
  if (days.has(last) && before.length >= FEWEST_COMPARED) {
    const earliest = before.reduce((a, b) => (b.ms < a.ms ? b : a));
    if (sinceMidnight(last) + EARLIER_MS < earliest.ms) {
      return {
        complete: last - 1,
        why: `events end at ${ends}, hours before those of any of the ${before.length} days before it (the earliest: ${at(days.get(earliest.day)!.latest)}), so that day seems to be incomplete`,
      };
    }
  }
  return { complete: last, why: `events end at ${ends}` };
}

/** '2011-09-09 17:41', by the shop's clock. */
function shopTimeText(timeZone: string, ms: number): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  return format.format(ms).replace(',', '');
}

function longestGap(days: ReadonlyMap<number, Told>, last: number): number {
  const known = [...days.keys()].filter((day) => day <= last).sort((a, b) => a - b);
  return known.reduce((most, day, i) => (i === 0 ? most : Math.max(most, day - known[i - 1]! - 1)), 0);
}

/**
 * Refuses a day that the events do not reach. A gap that is no longer than one the shop has had before is none: shops
 * close on weekends and holidays.
 * @throws DataError
 */
export function checkAsOf(asOf: number, { first, last, quiet }: LastDays): void {
  if (asOf <= first) {
    throw new DataError(
      `--as-of ${formatDay(asOf)}: there are no events before that day, they begin on ${formatDay(first)}: choose a later day`,
    );
  }
  const missing = asOf - 1 - last;
  if (missing <= quiet) return;
  throw new DataError(
    `--as-of ${formatDay(asOf)} is beyond the data: events end on ${formatDay(last)}, and ` +
      `${missing === 1 ? 'one day is' : `${missing.toLocaleString('en-GB')} days are`} missing before the as-of day. ` +
      `Choose ${formatDay(last + 1)} or an earlier ` +
      'day (without --as-of it is the day after the last complete one), or drop the later days first',
  );
}
