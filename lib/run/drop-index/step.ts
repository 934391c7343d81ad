import type { Config } from '../../config/index.ts';
import { DAY_MS } from '../../data/index.ts';
import { getBytes, type ObjectStore } from '../../runtime/index.ts';
import type { IndexLimits } from '../index-limits.ts';
import type { Settings } from '../inputs.ts';
import { type Ref, readHead, writeHead } from './head.ts';
import { Loaded } from './loaded.ts';
import { goRound } from './round.ts';
import { scopesOf } from './scopes.ts';
import { WAITING } from './segments.ts';
import { haveAllRows, View } from './view.ts';
import { Work } from './work.ts';

export interface StepArgs {
  readonly store: ObjectStore;
  readonly config: Config;
  readonly now: Date;
  readonly limits: IndexLimits;
  /** A round that began before tells too little. */
  readonly since: Date;
  /** Of what was sent again lately, others that are stale come first. */
  readonly lately: (key: string) => boolean;
  /** The settings of an earlier night, where they still matter. Asked for when not every drop has rows by those of now. */
  readonly earlier: () => Promise<Settings | undefined>;
}

/** What the index says after a step. */
export interface Stepped {
  readonly view: View;
  /** By the settings of an earlier night. */
  readonly earlier: View | undefined;
  /** A round that began no earlier than asked for is through: nothing that stood there then is unknown. */
  readonly whole: boolean;
}

/**
 * One step of keeping the index: a part of the round through `drop/`, a look at drops that wait, and what was found is
 * written. Only the last write, of the head on condition, makes anything of it count, so it may be killed anywhere and run
 * twice at once; of two the one that is too late has found out the same things for itself.
 * @returns undefined where there is no index
 */
export async function stepIndex(args: StepArgs): Promise<Stepped | undefined> {
  const { store, config, now, limits } = args;
  // Where clocks show a time twice, the later one may not have come.
  const since = new Date(Math.min(args.since.getTime(), now.getTime()));
  const standing = await readHead(store);
  if (!standing) return undefined;
  const { head, etag } = standing;
  const opened = await Loaded.open(store, head.refs);
  // Drops of a segment that is gone are found by a round from the beginning.
  const lapsed = opened.refs.length < head.refs.length;
  const before = lapsed ? { round: { ...head.round, cursor: '' }, whole: null } : head;
  const { fresh, gone, passed, round, whole } = await goRound(opened, before, {
    keys: limits.keys,
    since,
    now,
  });
  const { cursor } = round;
  const rest = { cursor, now, rows: limits.rows };
  let loaded = await opened.change({ leave: gone, passed, ...rest });
  const scopes = scopesOf(config);
  let unknown = loaded.unknownTo(scopes.all);
  const waits = unknown.reduce((sum, rows) => sum + rows.length, fresh.length);
  const few = waits <= limits.few;
  if (!few && fresh.length > 0) {
    loaded = await loaded.change({ add: new Map([[WAITING, fresh.splice(0)]]), ...rest });
    unknown = loaded.unknownTo(scopes.all);
  }
  const settled = waits === 0 && haveAllRows(loaded, scopes);
  const earlier = settled ? undefined : await args.earlier();
  const { name } = scopes;
  const settings = head.settings.name === name ? head.settings : { name, since: now.toISOString() };
  const work = new Work({ loaded, config, earlier, limits });
  const wanted = await work.wanted(unknown, new Date(settings.since));
  const next = few
    ? { looked: await work.lookAtFew(fresh, wanted, head.looked), slice: 0 }
    : { looked: '', slice: await work.lookAtSlices(wanted, head.slice) };
  const drop = await work.compact(unknown);
  loaded = await loaded.change({ add: work.add, drop, ...rest });
  const refs = await refreshed(store, loaded.refs, now);
  await writeHead(store, { format: 1, refs, round, whole, settings, ...next }, etag);
  return {
    view: await View.open(loaded, { config }, now, args.lately),
    earlier: earlier && (await View.open(loaded, earlier, now, args.lately)),
    whole: whole !== null && new Date(whole) >= since,
  };
}

/** The bucket's rule takes away what was written so long ago and more: see `dataRules` in lib/infra. */
const WRITTEN_AGAIN_DAYS = 30;
/** In one call. */
const MOST_WRITTEN_AGAIN = 4;

/** Writes segments in use again before they lapse. What no head has named for as long is forgotten so. */
async function refreshed(store: ObjectStore, refs: readonly Ref[], now: Date): Promise<Ref[]> {
  const due = refs
    .filter(({ writtenAt }) => now.getTime() - Date.parse(writtenAt) > WRITTEN_AGAIN_DAYS * DAY_MS)
    .slice(0, MOST_WRITTEN_AGAIN);
  for (const { key } of due) {
    const bytes = await getBytes(store, key);
    if (bytes) await store.put(key, bytes);
  }
  return refs.map((ref) => (due.includes(ref) ? { ...ref, writtenAt: now.toISOString() } : ref));
}
