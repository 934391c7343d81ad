import type { ProfileSettings } from '../../config/index.ts';
import { eventCode } from '../../data/index.ts';
import { AT, type UserState } from '../../features/index.ts';

/** Where a user stands as a customer, in the order of their codes. */
export const LIFECYCLES = ['prospect', 'new', 'active', 'lapsing', 'lost', 'won_back'] as const;
export type Lifecycle = (typeof LIFECYCLES)[number];

const PURCHASE = eventCode('purchase');

/**
 * Days that are expected between two purchase days of a user: the mean gap, one more gap of `gapDays` counted in. NaN for a
 * user who never bought.
 */
export function expectedGap(state: UserState, { gapDays }: ProfileSettings): number {
  if (!state.has(PURCHASE)) return Number.NaN;
  return shrunkGap(state.get(PURCHASE, AT.gapSum), state.get(PURCHASE, AT.gaps), gapDays);
}

/**
 * The rule, the first that holds:
 *
 * - `prospect`: never bought;
 * - `lost`, `lapsing`: the last purchase is more than `lostAfter`, `lapsingAfter` expected gaps ago;
 * - `new`: the first purchase is at most `newDays` ago;
 * - `won_back`: was lost at some time, and came back at most `wonBackDays` ago;
 * - `active`.
 *
 * A short expected gap is taken for `leastDays / lapsingAfter`, so that nobody lapses within `leastDays`.
 * @param state holds the days before `day`, the shop day that is asked about
 */
export function lifecycleOf(state: UserState, day: number, settings: ProfileSettings): Lifecycle {
  if (!state.has(PURCHASE)) return 'prospect';
  const quiet = day - state.get(PURCHASE, AT.lastDay);
  const gap = patience(expectedGap(state, settings), settings);
  if (quiet > settings.lostAfter * gap) return 'lost';
  if (quiet > settings.lapsingAfter * gap) return 'lapsing';
  if (day - state.get(PURCHASE, AT.firstDay) <= settings.newDays) return 'new';
  return cameBack(state, day, settings) ? 'won_back' : 'active';
}

const shrunkGap = (sum: number, gaps: number, gapDays: number): number => (sum + gapDays) / (gaps + 1);

const patience = (gap: number, { leastDays, lapsingAfter }: ProfileSettings): number =>
  Math.max(gap, leastDays / lapsingAfter);

/** Did a purchase of the last days end a gap in which the user was lost, by the gaps that were known until then? */
function cameBack(state: UserState, day: number, settings: ProfileSettings): boolean {
  let sum = state.get(PURCHASE, AT.gapSum);
  let gaps = state.get(PURCHASE, AT.gaps);
  const wasLost = (gap: number) => {
    sum -= gap;
    gaps -= 1;
    const expected = patience(shrunkGap(sum, gaps, settings.gapDays), settings);
    return gap > settings.lostAfter * expected;
  };
  let later: number | undefined;
  for (let i = state.dayEnd - 1; i >= state.dayStart; i--) {
    if (state.dayType[i] !== PURCHASE) continue;
    const earlier = state.dayOf[i]!;
    if (later !== undefined && wasLost(later - earlier)) return true;
    if (day - earlier > settings.wonBackDays) return false;
    later = earlier;
  }
  if (later === undefined || gaps === 0) return false;
  // The purchase day before is forgotten. The last gap is known, and an only one; of another only that it reaches back
  // beyond the daily detail.
  if (gaps === 1) return wasLost(sum);
  const isLast = later === state.get(PURCHASE, AT.lastDay);
  return wasLost(isLast ? state.get(PURCHASE, AT.gapLast) : later - (state.day - state.historyDays));
}
