import { NightjarError, parseDay } from '../data/index.ts';
import { backfill } from './backfill.ts';
import { advanceStanding, type Found, lookForNight, notEnough, start } from './begin.ts';
import { type ClaimedPurpose, claimKey, readClaim } from './claims.ts';
import { taskGroups } from './groups.ts';
import { heldBack } from './held.ts';
import { lastNight } from './last-settings.ts';
import { lookAfterOthers } from './look-after.ts';
import { type ShopTime, shopInstant, shopTime } from './shop-time.ts';
import type { TickArgs, TickResult } from './tick-types.ts';

/** Lists in an answer are cut here: a function's answer is limited, and nobody reads more. */
const SHOWN = 1000;

/**
 * One call of the dispatch function. It looks at what stands in the store, does what can be done at once, and ends:
 * claims tonight's run when it is due, submits jobs, submits failed ones again. All it knows is in the store, so it may
 * be called at any time, by several at once, and be killed anywhere: the next call goes on.
 *
 * `tick` starts a night once nothing is pending and every expected source has arrived, at the deadline with what is
 * there; while settings that were changed have too little of the history, by those of the night before. `watchdog` is a
 * tick that also says why today's export does not stand. `finetune` trains new models on the weekday of
 * `nightly.finetune`, apart from the night. `heartbeat` begins nothing: at any hour it sends the messages of drops that
 * wait, as thousands do after a change of settings. `backfill` runs a night for a past day from the drops of now.
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
  const { state, runId, reason = 'the run is not finished' } = found;
  const held =
    state === 'finished' && runId !== undefined && purpose === 'night'
      ? await heldBack(args.store, asOf, runId)
      : undefined;
  const missing = held
    ? `it is held back: ${held.reasons.join('; ')}`
    : state !== 'finished'
      ? reason
      : undefined;
  return {
    kind,
    asOf,
    pending: 0,
    stages: {},
    others,
    ...found,
    missing: (found.missing ?? []).slice(0, SHOWN),
    stale: (found.stale ?? []).slice(0, SHOWN),
    ...(kind === 'tick' ? { nightBefore: (await lastNight(args.store, asOf)) !== undefined } : {}),
    // A shop that has dropped nothing yet misses nothing.
    ...(kind === 'watchdog' && missing !== undefined && !empty ? { exportMissing: missing } : {}),
    ...(held ? { exportHeld: held.reasons } : {}),
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
  heartbeat: 'night',
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
  if (standing) {
    const found = await advanceStanding(args, standing.claim);
    // What the night goes without is cleaned for the next one.
    if (found.missing?.some(({ kind }) => kind === 'pending' || kind === 'settings')) {
      await lookForNight(args, asOf);
    }
    return found;
  }
  const idle = { state: 'idle', reason: `the night begins at ${from}` } as const;
  if (args.kind === 'heartbeat') {
    const { pending, stale } = (await lookForNight(args, asOf)).ready;
    return { ...idle, pending, stale };
  }
  if (time < from) return idle;
  const look = await lookForNight(args, asOf, shopInstant(args.config.shop.timeZone, asOf, from));
  const { ready, underWay } = look;
  const waits = time < deadline ? 'waiting' : onMissing === 'hold' ? 'held' : undefined;
  const { pending, missing, stale } = ready;
  if (underWay && waits) {
    const reason = `the drops are looked at a part at a time, and not all have been since ${from}`;
    return { state: waits, pending, missing, stale, reason };
  }
  if (!ready.enough) return notEnough(ready, asOf);
  const late = missing.filter(({ kind }) => kind !== 'refused');
  if (late.length > 0 && waits) {
    const more = late.length > 1 ? ` and ${late.length - 1} more` : '';
    const reason = `${late[0]!.key}: ${late[0]!.why}${more}`;
    return { state: waits, pending, missing, stale, reason };
  }
  return start(args, 'night', asOf, look);
}

async function training(args: TickArgs, asOf: string, { weekday }: ShopTime): Promise<Found> {
  const { finetune } = args.config.nightly;
  const standing = await readClaim(args.store, claimKey('training', asOf));
  if (standing) return advanceStanding(args, standing.claim);
  if (finetune !== weekday) {
    return { state: 'idle', reason: `new models are trained on ${finetune}, today is ${weekday}` };
  }
  const look = await lookForNight(args, asOf);
  return look.ready.enough ? start(args, 'training', asOf, look) : notEnough(look.ready, asOf);
}
