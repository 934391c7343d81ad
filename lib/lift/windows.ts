import {
  DAY_MS,
  DataError,
  formatDay,
  instantOfLocal,
  offsetAt,
  shopClock,
  zoneRules,
} from '../data/index.ts';

/** The clock of a shop, for windows of so many of its days. */
export interface Windows {
  /** Shop day of an instant. */
  dayOf(at: number): number;
  /** The same time of the clock so many days later, ms UTC; earlier where `days` is below zero. */
  shifted(at: number, days: number): number;
  /** First instant of a shop day. */
  midnight(day: number): number;
}

export function windowsOf(timeZone: string): Windows {
  const rules = zoneRules(timeZone);
  const clock = shopClock(timeZone);
  return {
    dayOf: (at) => clock(at).day,
    shifted: (at, days) => instantOfLocal(rules, at + offsetAt(rules, at) + days * DAY_MS),
    midnight: (day) => instantOfLocal(rules, day * DAY_MS),
  };
}

/**
 * @param latest begin of the last window, ms UTC
 * @param complete the last shop day of which all events are known
 * @throws DataError where a window is not over by then; it says when it is
 */
export function checkOver(windows: Windows, latest: number, days: number, complete: number): void {
  const last = windows.dayOf(windows.shifted(latest, days) - 1);
  if (last <= complete) return;
  const shorter = days - (last - complete);
  throw new DataError(
    `the last window begins on ${formatDay(windows.dayOf(latest))} and ends with ${formatDay(last)}, but all events are ` +
      `known only until ${formatDay(complete)}: ask again once the events of ${formatDay(last)} are dropped` +
      `${shorter > 0 ? `, or take a shorter window (--days ${shorter})` : ''}`,
  );
}
