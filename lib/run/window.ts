import { HOURS_AFTER_DEADLINE } from '../config/index.ts';
import { DAY_MS, parseDay } from '../data/index.ts';
import type { Claim } from './claims.ts';
import type { RunHead } from './manifest.ts';
import { minutesOf, shopTime } from './shop-time.ts';

const DAY_MINUTES = 24 * 60;
/** Trainings and backfills are brought forward by the ticks of the next night. */
const ASKED_MS = DAY_MS;

/**
 * Does the window of a run last: is what it needs waited for, when it is away? A night's is over two hours after the
 * deadline of its day, when the watchdog asks for its export; of what was asked for, a day later.
 */
export function windowLasts(manifest: RunHead, claim: Pick<Claim, 'claimedAt'>, now: Date): boolean {
  const { purpose, asOf, config } = manifest;
  if (purpose !== 'night' || asOf === null) return now.getTime() - Date.parse(claim.claimedAt) < ASKED_MS;
  const { today, time } = shopTime(config.shop.timeZone, now);
  const minutes = (parseDay(today) - parseDay(asOf)) * DAY_MINUTES + minutesOf(time);
  return minutes < minutesOf(config.nightly.deadline) + HOURS_AFTER_DEADLINE * 60;
}
