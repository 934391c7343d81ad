import { DataError } from './errors.ts';
import { offsetAt, zoneRules } from './zones.ts';

/** Milliseconds of a day without a change of clocks. */
export const DAY_MS = 86_400_000;

/** Shop days are counted from 1970-01-01 = 0, each from one shop midnight to the next. */
export function parseDay(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || formatDay(ms / DAY_MS) !== text) {
    throw new DataError(`"${text}" is no day: write it as YYYY-MM-DD, for example 2011-09-10`);
  }
  return ms / DAY_MS;
}

/** 'YYYY-MM-DD' of a shop day. */
export function formatDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Shop day and hour of an instant in a zone. @throws DataError for a text that is no zone */
export function shopClock(timeZone: string): (ms: number) => { day: number; hour: number } {
  const rules = zoneRules(timeZone);
  return (ms) => {
    const local = ms + offsetAt(rules, ms);
    const day = Math.floor(local / DAY_MS);
    return { day, hour: Math.floor((local - day * DAY_MS) / 3_600_000) };
  };
}
