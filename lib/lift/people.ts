import { type EventType, eventCode } from '../data/index.ts';
import { eachUser } from '../models/index.ts';
import type { RunUsers } from '../run/index.ts';
import type { Windows } from './windows.ts';

/** One user of an arm, and what the events say of them. */
export interface Person {
  readonly arm: number;
  /** Begin of the window, ms UTC. */
  readonly at: number;
  /** End of the past, ms UTC: neither the window nor the treatment has begun. */
  readonly before: number;
  /** Has the user an event of the past? */
  known: boolean;
  /** Events of the type that is asked about, in the window and in the last days of the past. */
  done: number;
  doneBefore: number;
  /** Minor units of purchases, in the same two times. */
  money: number;
  moneyBefore: number;
}

export const newPerson = (arm: number, at: number, before: number): Person => ({
  arm,
  at,
  before,
  known: false,
  done: 0,
  doneBefore: 0,
  money: 0,
  moneyBefore: 0,
});

interface Asked {
  readonly windows: Windows;
  readonly event: EventType;
  /** Length of the window, and of the part of the past that is counted. */
  readonly days: number;
  readonly daysBefore: number;
}

const PURCHASE = eventCode('purchase');

/**
 * Adds what users did to `people`. A window is [begin, begin + days), by the shop's clock; what several lines of one visit tell
 * of one item has the time of the first of them.
 * @param people by pseudonym; who is in the map and has no events keeps zeros
 * @param others gives a user who is not in it a place, once it is known when their first event was (ms UTC)
 */
export async function addBehaviour(
  users: RunUsers,
  people: Map<string, Person>,
  { windows, event, days, daysBefore }: Asked,
  others: (user: string, first: number) => Person | undefined = () => undefined,
): Promise<void> {
  const code = eventCode(event);
  for await (const { user } of eachUser(users, Number.POSITIVE_INFINITY)) {
    let person = people.get(user.user);
    if (!person) {
      person = others(user.user, firstTime(user.days));
      if (!person) continue;
      people.set(user.user, person);
    }
    const { at, before } = person;
    const [from, until] = [windows.shifted(before, -daysBefore), windows.shifted(at, days)];
    for (const { entries, start, end } of user.days) {
      for (let i = start; i < end; i++) {
        const time = entries.time[i]!;
        if (time < before) person.known = true;
        if (time < from || time >= until) continue;
        const lines = entries.type[i] === code ? entries.lines[i]! : 0;
        const money = entries.type[i] === PURCHASE ? entries.money[i]! : 0;
        if (time < before) {
          person.doneBefore += lines;
          person.moneyBefore += money;
        } else if (time >= at) {
          person.done += lines;
          person.money += money;
        }
      }
    }
  }
}

function firstTime(days: readonly { entries: { time: Float64Array }; start: number; end: number }[]): number {
  let first = Number.POSITIVE_INFINITY;
  const [day] = days;
  if (day) for (let i = day.start; i < day.end; i++) first = Math.min(first, day.entries.time[i]!);
  return first;
}
