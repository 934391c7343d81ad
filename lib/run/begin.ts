import { randomUUID } from 'node:crypto';
import type { Config } from '../config/index.ts';
import { type Claim, type ClaimedPurpose, claimKey, makeClaim, type StandingClaim } from './claims.ts';
import { type DropState, dropStates, listDrops, listStore } from './inputs.ts';
import { hasRows, lastNight, lastSettings } from './last-settings.ts';
import { advanceClaimed } from './look-after.ts';
import { type RunManifest, readManifest } from './manifest.ts';
import { planRun } from './plan.ts';
import { type Readiness, readiness } from './readiness.ts';
import { resendStale } from './resend.ts';
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
  readonly drops: DropState[];
  readonly ready: Readiness;
}

/** What is dropped, and what it means for a day, by the settings of now. Lost messages are sent again on the way. */
export async function lookAtDrops(args: TickArgs, asOf: string): Promise<Look> {
  const { store, config, now } = args;
  const drops = await listDrops(store, config);
  const ready = readiness(config, drops, asOf, now);
  await resendStale(args, ready.stale);
  return { config, drops, ready };
}

/**
 * What is dropped, and what it means for a night or a training: by the settings of now, or by those of the last night while
 * these have more of the history. What is to be cleaned again goes on meanwhile, the latest days first.
 */
export async function lookForNight(args: TickArgs, asOf: string): Promise<Look> {
  const { store, config, now } = args;
  const listed = await listStore(store);
  const drops = await dropStates(listed, config);
  const last = drops.every(hasRows) ? undefined : await lastNight(store, asOf);
  const ready = readiness(config, drops, asOf, now, last && lastDaysOf(last));
  await resendStale(args, ready.stale);
  const before = last && (await lastSettings(listed, config, drops, last));
  if (!before) return { config, drops, ready };
  const earlier = readiness(before.config, before.drops, asOf, now);
  return {
    config: before.config,
    drops: before.drops,
    ready: {
      ...earlier,
      unmet: [...before.unused, ...earlier.unmet],
      missing: [...before.unused, ...earlier.missing],
      // What is cleaned is cleaned by the settings of now.
      pending: ready.pending,
      stale: ready.stale,
    },
  };
}

function lastDaysOf({ inputs }: RunManifest): Map<string, number> {
  return new Map(inputs.events.flatMap(({ drop, maxDay }) => (maxDay === undefined ? [] : [[drop, maxDay]])));
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
  { config, drops, ready }: Look,
  replaced?: StandingClaim,
): Promise<Found> {
  const { store, now, log, owner = randomUUID() } = args;
  const { runId } = await planRun({ store, config, drops, purpose, asOf, unmet: ready.unmet });
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
  const manifest = await readManifest(args.store, claim.runId);
  const { state, stages, reason } = await advanceClaimed(args, claim, manifest);
  return { state, stages, runId: claim.runId, missing: manifest.missing, ...(reason ? { reason } : {}) };
}
