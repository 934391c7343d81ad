import { DAY_MS, shopClock } from '../data/index.ts';

/**
 * The instant at which a shop day begins, ms UTC. Where the clocks skip midnight it is the first instant of the day.
 * @param day shop day, see parseDay
 */
export function dayStart(timeZone: string, day: number): number {
  const clock = shopClock(timeZone);
  // Zones lie within 15 hours of UTC; the day of an instant never falls as time goes on.
  let low = day * DAY_MS - 15 * 3_600_000;
  let high = day * DAY_MS + 15 * 3_600_000;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (clock(middle).day < day) low = middle + 1;
    else high = middle;
  }
  return low;
}
