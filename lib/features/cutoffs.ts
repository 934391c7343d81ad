import type { AbsenceTask, EventTask, NextTask } from '../config/index.ts';
import { DataError, eventCode } from '../data/index.ts';
import type { UserDay } from './days.ts';
import { AT, type UserState } from './state.ts';

/**
 * The cut-offs whose label windows are closed by the as-of day, newest first: c + horizon <= asOf, every `everyDays`
 * days back from the newest, each with at least one day of history before it.
 * @param firstDay first shop day with an event
 * @throws DataError for a horizon or a step below one day
 */
export function usableCutoffs(args: {
  firstDay: number;
  asOf: number;
  horizonDays: number;
  everyDays: number;
  max: number;
}): number[] {
  const { firstDay, asOf, horizonDays, everyDays, max } = args;
  if (horizonDays < 1 || everyDays < 1) {
    throw new DataError(
      `cut-offs need a horizon and a step of at least one day, given ${horizonDays} and ${everyDays}`,
    );
  }
  const cutoffs: number[] = [];
  for (let c = asOf - horizonDays; c > firstDay && cutoffs.length < max; c -= everyDays) cutoffs.push(c);
  return cutoffs;
}

/**
 * Is the user one of those a task asks about at a day? `event` and `next`: has done it before. `absence`: has done
 * it in the `activeDays` days before.
 * @param state the fold of the days before `day`
 */
export function inPopulation(
  task: EventTask | AbsenceTask | NextTask,
  state: UserState,
  day: number,
): boolean {
  const type = eventCode(task.event);
  if (!state.has(type)) return false;
  return task.kind !== 'absence' || state.get(type, AT.lastDay) >= day - task.activeDays;
}

/** Does the user do this within the window [day, day + horizonDays)? */
export function happens(days: readonly UserDay[], day: number, horizonDays: number, type: number): boolean {
  for (let i = firstDayFrom(days, day); i < days.length && days[i]!.day < day + horizonDays; i++) {
    const { entries, start, end } = days[i]!;
    for (let j = start; j < end; j++) if (entries.type[j] === type) return true;
  }
  return false;
}

/** 1 or 0: what a task's head is to predict at a day. */
export function taskLabel(task: EventTask | AbsenceTask, days: readonly UserDay[], day: number): 0 | 1 {
  const done = happens(days, day, task.horizonDays, eventCode(task.event));
  return done === (task.kind === 'event') ? 1 : 0;
}

/** The distinct items (interned) of a type within [day, day + horizonDays), in the order of their first day. */
export function nextItems(
  days: readonly UserDay[],
  day: number,
  horizonDays: number,
  type: number,
): number[] {
  const items = new Set<number>();
  for (let i = firstDayFrom(days, day); i < days.length && days[i]!.day < day + horizonDays; i++) {
    const { entries, start, end } = days[i]!;
    for (let j = start; j < end; j++) {
      if (entries.type[j] === type && entries.item[j]! >= 0) items.add(entries.item[j]!);
    }
  }
  return [...items];
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
