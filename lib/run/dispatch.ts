import { randomUUID } from 'node:crypto';
import { NightjarError, parseDay } from '../data/index.ts';
import {
  type Claim,
  type ClaimedPurpose,
  claimKey,
  makeClaim,
  readClaim,
  type StandingClaim,
} from './claims.ts';
import { taskGroups } from './groups.ts';
import { type DropState, listDrops } from './inputs.ts';
import { advanceClaimed, lookAfterOthers } from './look-after.ts';
import { readManifest } from './manifest.ts';
import { planRun } from './plan.ts';
import { type Readiness, readiness } from './readiness.ts';
import { resendStale } from './resend.ts';
import { type ShopTime, shopTime } from './shop-time.ts';
import type { TickArgs, TickResult } from './tick-types.ts';

/** Lists in an answer are cut here: a function's answer is limited, and nobody reads more. */
const SHOWN = 1000;

/** What a call finds out about the run it is for. */
type Found = Pick<TickResult, 'state'> &
  Partial<Pick<TickResult, 'runId' | 'pending' | 'missing' | 'stale' | 'stages' | 'reason'>> & {
    /** Nothing was ever dropped. */
    readonly empty?: boolean;
  };

/**
 * One call of the dispatch function. It looks at what stands in the store, does what can be done at once, and ends:
 * claims tonight's run when it is due, submits jobs, submits failed ones again. All it knows is in the store, so it may
 * be called at any time, by several at once, and be killed anywhere: the next call goes on.
 *
 * `tick` starts a night once nothing is pending and every expected source has arrived, at the deadline with what is
 * there. `watchdog` is a tick that also says why today's export does not stand. `finetune` trains new models on the
 * weekday of `nightly.finetune`, apart from the night. `backfill` runs a night for a past day from the drops of now.
 * Whatever the kind, every unfinished run of the last days is brought forward.
 * @throws NightjarError for a backfill without a day or of a day that has not come
 */
export async function tick(args: TickArgs): Promise<TickResult> {
  const { kind, config, now } = args;
  const clock = shopTime(config.shop.timeZone, now);
  const asOf = kind === 'backfill' ? pastDay(args.asOf, clock.today) : clock.today;
  const purpose = PURPOSES[kind];
  const others = await lookAfterOthers(args, clock.today, claimKey(purpose, asOf));
  const { empty, ...found }: Found =
    taskGroups(config).length === 0
      ? { state: 'idle', reason: 'the config has no tasks' }
      : await LOOK[purpose](args, asOf, clock);
  const { state, reason = 'the run is not finished' } = found;
  return {
    kind,
    asOf,
    pending: 0,
    stages: {},
    others,
    ...found,
    missing: (found.missing ?? []).slice(0, SHOWN),
    stale: (found.stale ?? []).slice(0, SHOWN),
    // A shop that has dropped nothing yet misses nothing.
    ...(kind === 'watchdog' && state !== 'finished' && !empty ? { exportMissing: reason } : {}),
  };
}

function pastDay(asOf: string | undefined, today: string): string {
  if (asOf === undefined) throw new NightjarError('a backfill needs a day: give asOf as YYYY-MM-DD');
  parseDay(asOf);
  if (asOf > today) {
    throw new NightjarError(
      `${asOf} has not come, today is ${today}: a backfill is for today or a day before`,
    );
  }
  return asOf;
}

const PURPOSES: Record<TickArgs['kind'], ClaimedPurpose> = {
  tick: 'night',
  watchdog: 'night',
  finetune: 'training',
  backfill: 'backfill',
};

const LOOK: Record<ClaimedPurpose, (args: TickArgs, asOf: string, clock: ShopTime) => Promise<Found>> = {
  night,
  training,
  backfill,
};

async function night(args: TickArgs, asOf: string, { time }: ShopTime): Promise<Found> {
  const { from, deadline, onMissing } = args.config.nightly;
  const standing = await readClaim(args.store, claimKey('night', asOf));
  if (standing) return advanceStanding(args, standing.claim);
  if (time < from) return { state: 'idle', reason: `the night begins at ${from}` };
  const { drops, ready } = await lookAtDrops(args, asOf);
  if (!ready.enough) return notEnough(ready, asOf);
  const { pending, missing, stale } = ready;
  const late = missing.filter(({ kind }) => kind !== 'refused');
  if (late.length > 0 && (time < deadline || onMissing === 'hold')) {
    const more = late.length > 1 ? ` and ${late.length - 1} more` : '';
    const reason = `${late[0]!.key}: ${late[0]!.why}${more}`;
    return { state: time < deadline ? 'waiting' : 'held', pending, missing, stale, reason };
  }
  return { ...(await start(args, 'night', asOf, drops, ready)), stale };
}

function notEnough({ pending, missing, stale, empty }: Readiness, asOf: string): Found {
  const what = empty
    ? 'nothing was dropped yet'
    : `no labels, and no events of two days before ${asOf}, are there`;
  return { state: 'waiting', pending, missing, stale, empty, reason: `nothing to learn from: ${what}` };
}

async function training(args: TickArgs, asOf: string, { weekday }: ShopTime): Promise<Found> {
  const { finetune } = args.config.nightly;
  const standing = await readClaim(args.store, claimKey('training', asOf));
  if (standing) return advanceStanding(args, standing.claim);
  if (finetune !== weekday) {
    return { state: 'idle', reason: `new models are trained on ${finetune}, today is ${weekday}` };
  }
  return startNow(args, 'training', asOf);
}

/** A night for a past day. Asked for again, it goes on; once that is over, it starts anew with what was dropped since. */
async function backfill(args: TickArgs, asOf: string): Promise<Found> {
  const standing = await readClaim(args.store, claimKey('backfill', asOf));
  if (!standing) return startNow(args, 'backfill', asOf);
  const progress = await advanceStanding(args, standing.claim);
  return progress.state === 'running' ? progress : startNow(args, 'backfill', asOf, standing);
}

/** Starts with what is there. */
async function startNow(
  args: TickArgs,
  purpose: ClaimedPurpose,
  asOf: string,
  replaced?: StandingClaim,
): Promise<Found> {
  const { drops, ready } = await lookAtDrops(args, asOf);
  if (!ready.enough) return notEnough(ready, asOf);
  return { ...(await start(args, purpose, asOf, drops, ready, replaced)), stale: ready.stale };
}

/** Writes the manifest, then the claim, then submits. Whoever's claim stands decides the run. */
async function start(
  args: TickArgs,
  purpose: ClaimedPurpose,
  asOf: string,
  drops: readonly DropState[],
  ready: Readiness,
  replaced?: StandingClaim,
): Promise<Found> {
  const { store, config, now, log, owner = randomUUID() } = args;
  const unmet = purpose === 'night' ? ready.unmet : [];
  const { runId } = await planRun({ store, config, drops, purpose, asOf, unmet });
  const before = replaced?.claim;
  // What is finished and asked for again is the same run; what failed may submit its jobs anew.
  const round = before?.runId === runId ? before.round + 1 : 1;
  const made: Claim = { runId, owner, claimedAt: now.toISOString(), round };
  const claim = await makeClaim(store, claimKey(purpose, asOf), made, replaced);
  const ours = claim.owner === owner;
  log?.(JSON.stringify({ asOf, claim: claim.runId, purpose, ours }));
  const found = await advanceStanding(args, claim);
  return ours && found.state === 'running' ? { ...found, state: 'started' } : found;
}

async function advanceStanding(args: TickArgs, claim: Claim): Promise<Found> {
  const manifest = await readManifest(args.store, claim.runId);
  const { state, stages, reason } = await advanceClaimed(args, claim, manifest);
  return { state, stages, runId: claim.runId, missing: manifest.missing, ...(reason ? { reason } : {}) };
}

async function lookAtDrops(args: TickArgs, asOf: string): Promise<{ drops: DropState[]; ready: Readiness }> {
  const { store, config, now } = args;
  const drops = await listDrops(store, config);
  const ready = readiness(config, drops, asOf, now);
  await resendStale(args, ready.stale);
  return { drops, ready };
}
