import { eventCode } from '../../data/index.ts';
import { AT, DAY_PARTS, TYPES, type UserState, weekdayOf } from '../../features/index.ts';

/** Parts of the day of four hours each, from midnight, in the order of their codes. */
export const PARTS_OF_DAY = [
  'night',
  'early_morning',
  'morning',
  'afternoon',
  'evening',
  'late_evening',
] as const;

/** In the order of their codes. */
export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

/** The code of a user who has none. */
export const NO_CODE = 255;

/** A message is what the shop did, not the user. */
const MESSAGE = eventCode('message');

/** The part of the day with the most lines of events, of all that was ever done; of equals the earlier part. */
export function partOfDay(state: UserState): number {
  const lines = new Float64Array(DAY_PARTS);
  for (let type = 0; type < TYPES; type++) {
    if (type === MESSAGE) continue;
    for (let part = 0; part < DAY_PARTS; part++) lines[part]! += state.get(type, AT.parts + part);
  }
  return mostOf(lines);
}

/** The weekday of the most active days within `historyDays`; of equals the earlier in the week. */
export function weekday(state: UserState, day: number): number {
  const days = new Float64Array(WEEKDAYS.length);
  let other: number | undefined;
  for (let i = state.dayEnd - 1; i >= state.dayStart; i--) {
    const of = state.dayOf[i]!;
    if (day - of > state.historyDays) break;
    if (of === other || state.dayType[i] === MESSAGE) continue;
    days[weekdayOf(of)]! += 1;
    other = of;
  }
  return mostOf(days);
}

function mostOf(counts: Float64Array): number {
  let most = NO_CODE;
  for (let i = 0; i < counts.length; i++) if (counts[i]! > (counts[most] ?? 0)) most = i;
  return most;
}
