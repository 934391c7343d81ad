import { DAY_MS, parseDay } from '../data/index.ts';
import { type ObjectStore, putJson, readVersion } from '../runtime/index.ts';
import type { RunManifest } from './manifest.ts';

/**
 * Which run is the night of a day. It is written once, on condition, by whichever call comes first; the others take up
 * what it names. It is no lock: nobody waits for its owner, every call goes on with the run.
 */
export interface Claim {
  readonly runId: string;
  /** Names the call that made the claim: it tells its own write from another's, even where an SDK wrote twice. */
  readonly owner: string;
  readonly claimedAt: string;
  /** How many times the run was asked for; each time its jobs may be submitted anew. */
  readonly round: number;
  /** That it failed was told: to whoever asked for a backfill, and by a later day's call for other runs. */
  readonly told?: boolean;
}

export interface StandingClaim {
  readonly claim: Claim;
  readonly etag: string;
}

export type ClaimedPurpose = Exclude<RunManifest['purpose'], 'backtest'>;

const CLAIMS = 'runs/nights/';
/** Unfinished runs are looked after for so long. */
const LOOKED_AFTER_DAYS = 7;

/** Where the claim of a day stands. Trainings and backfills have claims of their own. */
export const claimKey = (purpose: ClaimedPurpose, asOf: string): string =>
  `${CLAIMS}${purpose === 'night' ? '' : `${purpose}-`}as_of=${asOf}.json`;

export async function readClaim(store: ObjectStore, key: string): Promise<StandingClaim | undefined> {
  const found = await readVersion<Claim>(store, key);
  return found && { claim: found.value, etag: found.etag };
}

/**
 * Claims a day for a run.
 * @param replaced the claim that this one is to replace; without it nothing may stand there
 * @returns the claim that stands now, whoever made it
 */
export async function makeClaim(
  store: ObjectStore,
  key: string,
  claim: Claim,
  replaced?: StandingClaim,
): Promise<Claim> {
  for (;;) {
    const condition = replaced ? { ifMatch: replaced.etag } : { ifAbsent: true };
    if ((await putJson(store, key, claim, condition)).written) return claim;
    const standing = await readClaim(store, key);
    if (standing) return standing.claim;
    replaced = undefined;
  }
}

/** Keys of the claims of nights before a day, the latest first. */
export async function nightsBefore(store: ObjectStore, asOf: string): Promise<string[]> {
  const own = claimKey('night', asOf);
  const keys: string[] = [];
  for await (const { key } of store.list(`${CLAIMS}as_of=`)) if (key < own) keys.push(key);
  return keys.reverse();
}

/** Claims that may have unfinished runs, oldest first: made, or of a day, within the last week. */
export async function recentClaims(
  store: ObjectStore,
  today: string,
  now: Date,
): Promise<{ key: string; etag: string }[]> {
  const claims: { key: string; etag: string }[] = [];
  for await (const { key, etag, lastModified } of store.list(CLAIMS)) {
    const asOf = /as_of=(\d{4}-\d{2}-\d{2})\.json$/.exec(key)?.[1];
    if (asOf === undefined) continue;
    const recent =
      parseDay(asOf) >= parseDay(today) - LOOKED_AFTER_DAYS ||
      lastModified.getTime() >= now.getTime() - LOOKED_AFTER_DAYS * DAY_MS;
    if (recent) claims.push({ key, etag });
  }
  return claims;
}
