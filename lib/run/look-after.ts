import { type ObjectStore, putJson } from '../runtime/index.ts';
import { advanceRun, type RunProgress } from './advance.ts';
import { SUBMITS } from './attempts.ts';
import { type Claim, readClaim, recentClaims } from './claims.ts';
import type { RunHead } from './manifest.ts';
import { readRunHead } from './stored-manifest.ts';
import type { OtherRun, TickArgs } from './tick-types.ts';
import { windowLasts } from './window.ts';

/** Claims whose runs were seen finished, by key and etag: they need not be looked at again by this process. */
const finished = new WeakMap<ObjectStore, Set<string>>();

/** How often the stages of a claimed run may fail, and whether what is away counts: see AdvanceArgs. */
export function patienceWith(
  manifest: RunHead,
  claim: Claim,
  now: Date,
): { submits: number; spared: boolean } {
  return { submits: SUBMITS * claim.round, spared: windowLasts(manifest, claim, now) };
}

/** Brings the run of a claim forward. */
export function advanceClaimed(args: TickArgs, claim: Claim, manifest: RunHead): Promise<RunProgress> {
  const { store, batch, deploy, now, log } = args;
  return advanceRun({
    store,
    batch,
    runId: claim.runId,
    manifest,
    children: deploy.scoreChildren,
    now,
    ...patienceWith(manifest, claim, now),
    // A backfill is to be what readers see; a night may have been followed by one.
    mustBeCurrent: manifest.purpose === 'backfill',
    log,
  });
}

/**
 * Brings every claimed run of the last days forward but the one that the call is for. One that cannot be brought
 * forward does not stop the others: it is told, and the next call tries again.
 * @returns those that are not finished
 */
export async function lookAfterOthers(args: TickArgs, today: string, own: string): Promise<OtherRun[]> {
  const { store, now, log } = args;
  let seen = finished.get(store);
  if (!seen) finished.set(store, (seen = new Set()));
  const others: OtherRun[] = [];
  for (const { key, etag } of await recentClaims(store, today, now)) {
    const version = `${key} ${etag}`;
    if (key === own || seen.has(version)) continue;
    const standing = await readClaim(store, key);
    if (!standing) continue;
    const { claim } = standing;
    const { runId } = claim;
    try {
      const manifest = await readRunHead(store, runId);
      const { state, reason } = await advanceClaimed(args, claim, manifest);
      if (state === 'finished') seen.add(version);
      else if (state !== 'failed' || manifest.purpose === 'backfill') {
        others.push({ runId, state, ...(reason ? { reason } : {}) });
      } else if (!claim.told) {
        // Told once: an alarm that rings for a week cannot ring for the next failure.
        await putJson(store, key, { ...claim, told: true }, { ifMatch: standing.etag });
        others.push({ runId, state, ...(reason ? { reason } : {}) });
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log?.(JSON.stringify({ runId, error: reason }));
      others.push({ runId, state: 'running', reason });
    }
  }
  return others;
}
