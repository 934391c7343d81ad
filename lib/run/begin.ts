import { randomUUID } from 'node:crypto';
import { type Claim, type ClaimedPurpose, claimKey, makeClaim, type StandingClaim } from './claims.ts';
import { type DropState, listDrops } from './inputs.ts';
import { advanceClaimed } from './look-after.ts';
import { readManifest } from './manifest.ts';
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

/** What is dropped, and what it means for a day. Lost messages are sent again on the way. */
export async function lookAtDrops(
  args: TickArgs,
  asOf: string,
): Promise<{ drops: DropState[]; ready: Readiness }> {
  const { store, config, now } = args;
  const drops = await listDrops(store, config);
  const ready = readiness(config, drops, asOf, now);
  await resendStale(args, ready.stale);
  return { drops, ready };
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
  drops: readonly DropState[],
  ready: Readiness,
  replaced?: StandingClaim,
): Promise<Found> {
  const { store, config, now, log, owner = randomUUID() } = args;
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
