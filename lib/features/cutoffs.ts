import type { AbsenceTask, EventTask, NextTask, ValueTask } from '../config/index.ts';
import { eventCode } from '../data/index.ts';
import type { UserDay } from './days.ts';
import { AT, TYPES, type UserState } from './state.ts';

/** Days within which somebody without the event must have done anything to be asked, where the task names none. */
const KNOWN_DAYS = 90;

/** When a user last did what a population goes by, as shop days; undefined: never. */
interface LastDays {
  readonly event: number | undefined;
  readonly anything: number | undefined;
}

/** A task over users. */
export type UserTask = EventTask | AbsenceTask | NextTask | ValueTask;

/** Who is asked by a task, and since when they must have done something. */
export type Population =
  | { readonly who: 'buyers' }
  | { readonly who: 'where'; readonly condition: string; readonly days?: number }
  | { readonly who: 'active' | 'known' | 'prospects'; readonly days: number };

/**
 * Whom a task asks. `buyers` have had its event at any time before, `active` users within some days; `known` users have
 * done anything within some days, and `prospects` are those of them who never had the event. A condition is asked of those who
 * have done anything, at any time before or within some days.
 */
export function populationOf(task: UserTask): Population {
  if (task.kind === 'absence') return { who: 'active', days: task.activeDays };
  if (task.kind === 'next' || !task.population || task.population === 'buyers') return { who: 'buyers' };
  const { population, knownDays } = task;
  if (typeof population === 'string') return { who: population, days: knownDays ?? KNOWN_DAYS };
  return {
    who: 'where',
    condition: population.where,
    ...(knownDays === undefined ? {} : { days: knownDays }),
  };
}

/** Is a user asked who last did these things before `day`? Of a condition: is the user one of those whom it is asked of? */
export function isAsked(population: Population, { event, anything }: LastDays, day: number): boolean {
  if (population.who === 'buyers') return event !== undefined;
  const since = population.days === undefined ? Number.NEGATIVE_INFINITY : day - population.days;
  if (population.who === 'active') return event !== undefined && event >= since;
  if (population.who === 'prospects' && event !== undefined) return false;
  return anything !== undefined && anything >= since;
}

/**
 * Is the user one of those a task asks about at a day? A condition is judged elsewhere, for many users at once.
 * @param state the fold of the days before `day`
 */
export function inPopulation(task: UserTask, state: UserState, day: number): boolean {
  const type = eventCode(task.event);
  const event = state.has(type) ? state.get(type, AT.lastDay) : undefined;
  return isAsked(populationOf(task), { event, anything: lastDayOf(state) }, day);
}

/** The last day on which anything was done. */
function lastDayOf(state: UserState): number | undefined {
  let last: number | undefined;
  for (let type = 0; type < TYPES; type++) {
    if (!state.has(type)) continue;
    const day = state.get(type, AT.lastDay);
    if (last === undefined || day > last) last = day;
  }
  return last;
}

/** Does the user do this within the window [day, day + horizonDays)? */
export function happens(days: readonly UserDay[], day: number, horizonDays: number, type: number): boolean {
  for (let i = firstDayFrom(days, day); i < days.length && days[i]!.day < day + horizonDays; i++) {
    const { entries, start, end } = days[i]!;
    for (let j = start; j < end; j++) if (entries.type[j] === type) return true;
  }
  return false;
}

/**
 * What a user's events of a value task come to within the window [day, day + horizonDays): minor units of money, orders, or
 * thousandths of units. An order is a visit with such an event: a session, or an instant without one.
 */
export function amountWithin(days: readonly UserDay[], day: number, task: ValueTask): number {
  const type = eventCode(task.event);
  const visits = new Set<number>();
  let sum = 0;
  const end = day + task.horizonDays;
  for (let i = firstDayFrom(days, day); i < days.length && days[i]!.day < end; i++) {
    const { entries, start, end: behind } = days[i]!;
    visits.clear();
    for (let j = start; j < behind; j++) {
      if (entries.type[j] !== type) continue;
      if (task.of === 'orders') visits.add(entries.key[j]!);
      else sum += task.of === 'money' ? entries.money[j]! : entries.units[j]!;
    }
    sum += visits.size;
  }
  // Money given back by events of the type itself is no value below nothing.
  return Math.max(0, sum);
}

function firstDayFrom(days: readonly UserDay[], day: number): number {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (days[middle]!.day < day) low = middle + 1;
    else high = middle;
  }
  return low;
}
