import type { Config } from '../config/index.ts';
import { canonicalJson, parseDay } from '../data/index.ts';
import { putJson } from '../runtime/index.ts';
import { advanceStanding, type Found, lookAtDrops, notEnough, start } from './begin.ts';
import { claimKey, readClaim, type StandingClaim } from './claims.ts';
import { View } from './drop-index/index.ts';
import { taskGroups } from './groups.ts';
import { buildManifest } from './manifest.ts';
import { isBefore, type PlannedDrops } from './plan.ts';
import { readStored, type StoredManifest } from './stored-manifest.ts';
import type { TickArgs } from './tick-types.ts';

/**
 * A night for a past day, from what is dropped by now. Asking again is how to wait for it: the run goes on, and once it
 * is finished it is not done again before other drops of the days before it stand. A failure is told once; asked again,
 * the run submits its jobs anew. A past day has no deadline: it waits until enough of the history is cleaned by the settings
 * of now.
 */
export async function backfill(args: TickArgs, asOf: string): Promise<Found> {
  const { store } = args;
  const key = claimKey('backfill', asOf);
  const standing = await readClaim(store, key);
  if (standing) {
    const found = await advanceStanding(args, standing.claim);
    if (found.state === 'running') return found;
    if (found.state === 'failed' && !standing.claim.told) {
      await putJson(store, key, { ...standing.claim, told: true }, { ifMatch: standing.etag });
      return found;
    }
    if (found.state === 'finished') return again(args, asOf, standing, found);
  }
  return anew(args, asOf, standing);
}

async function anew(args: TickArgs, asOf: string, replaced?: StandingClaim): Promise<Found> {
  const look = await lookAtDrops(args, asOf);
  const { ready, short } = look;
  if (ready.enough && short !== undefined) {
    const { pending, missing, stale } = ready;
    return { state: 'waiting', pending, missing, stale, reason: `a past day can wait: ${short}` };
  }
  if (ready.enough) return start(args, 'backfill', asOf, look, replaced);
  // What has been cleaned will not reach further back by waiting.
  return { ...notEnough(ready, asOf), state: ready.pending > 0 ? 'waiting' : 'idle' };
}

/** A finished backfill is asked for: it stands unless its inputs or settings are others by now. */
async function again(args: TickArgs, asOf: string, standing: StandingClaim, found: Found): Promise<Found> {
  const { store, config } = args;
  const look = await lookAtDrops(args, asOf);
  if (look.short !== undefined) return found;
  const before = await readStored(store, standing.claim.runId);
  const same = await isSame(before, config, look.drops, asOf);
  return same ? found : start(args, 'backfill', asOf, look, standing);
}

/** Would a run of a past day read what an earlier one read? Events of the day and of later ones belong to neither. */
async function isSame(
  before: StoredManifest,
  config: Config,
  drops: PlannedDrops,
  asOf: string,
): Promise<boolean> {
  const groups = taskGroups(config);
  const settings =
    canonicalJson({ config, groups }) === canonicalJson({ config: before.config, groups: before.groups });
  if (!settings) return false;
  const day = parseDay(asOf);
  if (drops instanceof View) {
    // By what is read, not by how an index is cut.
    return before.index?.digests.inputs === (await drops.referred(day)).digests.inputs;
  }
  if (before.index) return false;
  const { champions, purpose } = before;
  const own = drops.filter((drop) => isBefore(drop, day));
  const now = buildManifest({ purpose, config, asOf, groups, drops: own, champions, snapshot: null });
  return canonicalJson(now.inputs) === canonicalJson(before.inputs);
}
