import { AT, type UserState } from '../../features/index.ts';

/** Places of a history in a row, as models of a customer base take it; all 0 of who never had the event. */
export const HISTORY = { days: 0, last: 1, age: 2, mean: 3, size: 4 } as const;

/** A user's history with the task's event. A day with it counts as one transaction. */
export interface History {
  /** Days with the event. */
  readonly days: number;
  /** Days from the first of them to the last, and to the as-of day. */
  readonly last: number;
  readonly age: number;
  /** What such a day came to, in the mean. */
  readonly mean: number;
}

/** @param sum what all days came to, in the unit of the predictions */
export function writeHistory(
  state: UserState,
  type: number,
  day: number,
  sum: number,
  out: Float32Array,
  at: number,
): void {
  const days = state.get(type, AT.activeDays);
  const first = state.get(type, AT.firstDay);
  out[at + HISTORY.days] = days;
  out[at + HISTORY.last] = days > 0 ? state.get(type, AT.lastDay) - first : 0;
  out[at + HISTORY.age] = days > 0 ? day - first : 0;
  out[at + HISTORY.mean] = days > 0 ? sum / days : 0;
}

/** @param at where the row's history begins */
export const readHistory = (rows: Float32Array, at: number): History => ({
  days: rows[at + HISTORY.days]!,
  last: rows[at + HISTORY.last]!,
  age: rows[at + HISTORY.age]!,
  mean: rows[at + HISTORY.mean]!,
});
