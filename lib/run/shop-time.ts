import { DAY_MS, formatDay, instantOfLocal, parseDay, shopClock, zoneRules } from '../data/index.ts';

/** What the clocks of a shop show. */
export interface ShopTime {
  /** 'YYYY-MM-DD': the as-of day of a night that starts now. */
  readonly today: string;
  /** 'HH:MM'. Where clocks are set forward some times never show, so compare with "at or after". */
  readonly time: string;
  /** 'sunday' … */
  readonly weekday: string;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

export function shopTime(timeZone: string, now: Date): ShopTime {
  const { day } = shopClock(timeZone)(now.getTime());
  const time = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(now);
  // 1970-01-01 was a Thursday.
  return { today: formatDay(day), time, weekday: WEEKDAYS[(((day + 4) % 7) + 7) % 7]! };
}

/** The instant at which the clocks of a shop show a time. @param day 'YYYY-MM-DD' @param time 'HH:MM' */
export function shopInstant(timeZone: string, day: string, time: string): Date {
  return new Date(instantOfLocal(zoneRules(timeZone), parseDay(day) * DAY_MS + minutesOf(time) * 60_000));
}

/** Minutes since midnight. */
export function minutesOf(time: string): number {
  const [hours = '0', minutes = '0'] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}
