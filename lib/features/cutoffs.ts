import type { AbsenceTask, EventTask, NextTask } from '../config/index.ts';
import { eventCode } from '../data/index.ts';
import type { UserDay } from './days.ts';
import { AT, type UserState } from './state.ts';

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
