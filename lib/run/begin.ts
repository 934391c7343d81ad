import { randomUUID } from 'node:crypto';
import type { Config } from '../config/index.ts';
import { parseDay } from '../data/index.ts';
import { type Claim, type ClaimedPurpose, claimKey, makeClaim, type StandingClaim } from './claims.ts';
import { beginIndex, type Stepped, sizesBefore, stepIndex, type View } from './drop-index/index.ts';
import { historyOf, tooLittleHistory } from './history.ts';
import { LIMITS } from './index-limits.ts';
import { type DropState, dropStates, hasRows, listDrops, listStore } from './inputs.ts';
import { bytesBefore, lastNight, settingsBefore, unusedSettings } from './last-settings.ts';
import { advanceClaimed } from './look-after.ts';
import type { Missing } from './manifest.ts';
import { type PlannedDrops, planTick } from './plan.ts';
import { type Readiness, readiness, toldBy } from './readiness.ts';
import { resendStale, sentLately } from './resend.ts';
import { readRunHead, type StoredManifest } from './stored-manifest.ts';
import type { TickArgs, TickResult } from './tick-types.ts';

/** What a call finds out about the run it is for. */
export type Found = Pick<TickResult, 'state'> &
  Partial<Pick<TickResult, 'runId' | 'pending' | 'missing' | 'stale' | 'stages' | 'reason'>> & {
    /** Nothing was ever dropped. */
    readonly empty?: boolean;
  };

/** What a run of a day would read. */
export interface Look {
  readonly config: Config;
  readonly drops: PlannedDrops;
  readonly ready: Readiness;
  /** Why it would know too little of the history for its models to serve later nights. */
  readonly short: string | undefined;
  /** Where drops are looked at a part at a time: not all of them were since the night began. */
  readonly underWay: boolean;
}

/** What is dropped, and what it means for a day, by the settings of now. Lost messages are sent again on the way. */
export async function lookAtDrops(args: TickArgs, asOf: string): Promise<Look> {
  const { store, config, now } = args;
  const stepped = await step(args, new Date(0), asOf);
  if (stepped) {
    await resendStale(args, stepped.view.told.stale, false);
    return byIndex(stepped, stepped.view, asOf);
  }
  const drops = await listDrops(store, config);
  const told = toldBy(drops, now);
  await resendStale(args, told.stale);
  return byListing(config, drops, readiness(config, told, asOf));
}

/**
 * What is dropped, and what it means for a night or a training: by the settings of now, or by those of the last night while
 * these have more of the history. What is to be cleaned again goes on meanwhile, the latest days first.
 * @param since of drops that are looked at a part at a time all must have been since then
 */
export async function lookForNight(args: TickArgs, asOf: string, since = new Date(0)): Promise<Look> {
  const { store, config, now, limits = LIMITS } = args;
  const stepped = await step(args, since, asOf);
  if (stepped) return lookByIndex(args, stepped, asOf);
  const listed = await listStore(store, undefined, JUMP * limits.from);
  if (!listed) {
    await beginIndex({ store, dropped: [], others: [] }, [], { config, now, limits });
    return lookForNight(args, asOf, since);
  }
  const drops = await dropStates(listed, config);
  if (drops.length > limits.from) await beginIndex(listed, drops, { config, now, limits });
  const last = drops.every(hasRows) ? undefined : await lastNight(store, asOf);
  const told = toldBy(drops, now, last && lastDaysOf(last));
  const ready = readiness(config, told, asOf);
  await resendStale(args, ready.stale);
  const before = last && settingsBefore(config, last);
  if (!before) return byListing(config, drops, ready);
  const earlier = await dropStates(listed, before.config, before.earlier);
  const unused = unusedSettings(config, last, bytesBefore(config, drops, before.config, earlier));
  if (unused.length === 0) return byListing(config, drops, ready);
  const then = readiness(before.config, toldBy(earlier, now), asOf);
  return byListing(before.config, earlier, withUnused(then, ready, unused));
}

async function lookByIndex(args: TickArgs, stepped: Stepped, asOf: string): Promise<Look> {
  const { config, store } = args;
  const { view, earlier } = stepped;
  await resendStale(args, view.told.stale, false);
  const now = byIndex(stepped, view, asOf);
  const last = earlier && (await lastNight(store, asOf));
  if (!earlier || !last) return now;
  const unused = unusedSettings(config, last, await sizesBefore(view, earlier));
  if (unused.length === 0) return now;
  const then = byIndex(stepped, earlier, asOf);
  return { ...then, ready: withUnused(then.ready, now.ready, unused) };
}

/** With many more drops than an index is begun for, it is begun without a look at all of them at once. */
const JUMP = 4;

function step(args: TickArgs, since: Date, asOf: string): Promise<Stepped | undefined> {
  const { store, config, now, limits = LIMITS } = args;
  const earlier = async () => {
    const last = await lastNight(store, asOf);
    return last && settingsBefore(config, last);
  };
  return stepIndex({ store, config, now, limits, since, earlier, lately: sentLately(store, now) });
}

function byListing(config: Config, drops: DropState[], ready: Readiness): Look {
  const short = tooLittleHistory(config, historyOf(config, drops));
  return { config, drops, ready, short, underWay: false };
}

function byIndex({ whole }: Stepped, view: View, asOf: string): Look {
  const { config } = view.settings;
  const short = tooLittleHistory(config, view.history);
  return { config, drops: view, ready: readiness(config, view.told, asOf), short, underWay: !whole };
}

/** What a night says that goes by the settings of the one before it. */
function withUnused(then: Readiness, now: Readiness, unused: readonly Missing[]): Readiness {
  return {
    ...then,
    unmet: [...unused, ...then.unmet],
    missing: [...unused, ...then.missing],
    // What is cleaned is cleaned by the settings of now.
    pending: now.pending,
    stale: now.stale,
  };
}

function lastDaysOf(last: StoredManifest): Map<string, number> {
  // An index keeps the days of its drops itself.
  if (last.index) return new Map();
  return new Map(
    last.inputs.events.flatMap(({ drop, maxDay }) => (maxDay === undefined ? [] : [[drop, maxDay]])),
  );
}

export function notEnough({ pending, missing, stale, empty }: Readiness, asOf: string): Found {
  const what = empty
    ? 'nothing was dropped yet'
    : `no labels, and no events of two days before ${asOf}, are there`;
  return { state: 'waiting', pending, missing, stale, empty, reason: `nothing to learn from: ${what}` };
}

/**
 * Starts a run with what is there: writes the manifest, then the claim, then submits. Whoever's claim stands decides
 * which run it is.
 * @param replaced the claim of an earlier run of the day that is over
 */
export async function start(
  args: TickArgs,
  purpose: ClaimedPurpose,
  asOf: string,
  { config, drops, ready }: Pick<Look, 'config' | 'drops' | 'ready'>,
  replaced?: StandingClaim,
): Promise<Found> {
  const { store, now, log, owner = randomUUID() } = args;
  const { runId } = await planTick({
    store,
    config,
    drops,
    purpose,
    asOf,
    ready,
    // Events of a past day and of later ones belong to no feature and no closed label, and still arrive.
    ...(purpose === 'backfill' ? { before: parseDay(asOf) } : {}),
  });
  const before = replaced?.claim;
  const round = before?.runId === runId ? before.round + 1 : 1;
  const made: Claim = { runId, owner, claimedAt: now.toISOString(), round };
  const claim = await makeClaim(store, claimKey(purpose, asOf), made, replaced);
  const ours = claim.owner === owner;
  log?.(JSON.stringify({ asOf, claim: claim.runId, purpose, ours }));
  const found = await advanceStanding(args, claim);
  const state = ours && found.state === 'running' ? 'started' : found.state;
  return { ...found, state, stale: ready.stale };
}

/** Brings the run of a claim forward. */
export async function advanceStanding(args: TickArgs, claim: Claim): Promise<Found> {
  const manifest = await readRunHead(args.store, claim.runId);
  const { state, stages, reason } = await advanceClaimed(args, claim, manifest);
  return { state, stages, runId: claim.runId, missing: manifest.missing, ...(reason ? { reason } : {}) };
}
