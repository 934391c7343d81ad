import { canonicalJson, parseDay } from '../data/index.ts';
import { putJson } from '../runtime/index.ts';
import { advanceStanding, type Found, lookAtDrops, notEnough, start } from './begin.ts';
import { claimKey, readClaim, type StandingClaim } from './claims.ts';
import { taskGroups } from './groups.ts';
import { tooLittleHistory } from './history.ts';
import type { DropState } from './inputs.ts';
import { buildManifest, type RunManifest, readManifest } from './manifest.ts';
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
  const { drops, ready } = look;
  const short = tooLittleHistory(args.config, drops);
  if (ready.enough && short !== undefined) {
    const { pending, missing, stale } = ready;
    return { state: 'waiting', pending, missing, stale, reason: `a past day can wait: ${short}` };
  }
  if (ready.enough) {
    return start(args, 'backfill', asOf, { ...look, drops: before(drops, asOf) }, replaced);
  }
  // What has been cleaned will not reach further back by waiting.
  return { ...notEnough(ready, asOf), state: ready.pending > 0 ? 'waiting' : 'idle' };
}

/** A finished backfill is asked for: it stands unless its inputs or settings are others by now. */
async function again(args: TickArgs, asOf: string, standing: StandingClaim, found: Found): Promise<Found> {
  const { store, config } = args;
  const look = await lookAtDrops(args, asOf);
  const drops = before(look.drops, asOf);
  const manifest = await readManifest(store, standing.claim.runId);
  const { champions, purpose } = manifest;
  const current = buildManifest({
    purpose,
    config,
    asOf,
    groups: taskGroups(config),
    drops,
    champions,
    snapshot: null,
  });
  if (material(current) === material(manifest) || tooLittleHistory(config, look.drops)) return found;
  return start(args, 'backfill', asOf, { ...look, drops }, standing);
}

const material = ({ inputs, config, groups }: RunManifest) => canonicalJson({ inputs, config, groups });

/** Without the events of the day and later ones: they belong to no feature and no closed label, and still arrive. */
function before(drops: readonly DropState[], asOf: string): DropState[] {
  return drops.filter((drop) => {
    if (drop.state !== 'done' || drop.quality.table !== 'events') return true;
    return drop.quality.minDay === null || drop.quality.minDay < parseDay(asOf);
  });
}
