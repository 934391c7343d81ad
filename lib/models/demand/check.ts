import { formatDay, parseDay } from '../../data/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import { type LeftOut, openUnits } from '../shared/index.ts';
import { readDailyUnits } from './daily-units.ts';
import { demandTask } from './demand-task.ts';
import { windowStarts } from './windows.ts';

/** Items that the past windows have at least, each window for itself: intervals are of as many errors. */
const FEWEST_FORECASTS = 20;

/** Is a past window over that can be forecast from what was sold before it, and are there items enough? */
export async function checkDemand({ store, manifest, group, users }: CheckContext): Promise<GroupCheck> {
  const tasks: string[] = [];
  const leftOut: LeftOut[] = [];
  const before = parseDay(manifest.asOf!);
  for (const name of group.tasks) {
    const task = demandTask(manifest, name);
    const unitOf = (await openUnits(store, manifest, task)).at(before);
    const daily = await readDailyUnits({ users: await users(), task, unitOf, before });
    const why = daily ? whyNot(daily, task.horizonDays) : `nothing was sold before ${manifest.asOf}`;
    if (why === undefined) tasks.push(name);
    else leftOut.push({ task: name, why });
  }
  return { tasks, leftOut, warnings: [] };
}

function whyNot(
  { since, firstDay, days }: { since: Int32Array; firstDay: number; days: number },
  horizon: number,
): string | undefined {
  const starts = windowStarts(days, horizon);
  if (starts.length === 0) {
    const first = formatDay(firstDay);
    return `sales begin on ${first}, ${days} days before the as-of day: that is too short to hold out a window of ${horizon} days and learn from four weeks before it`;
  }
  const forecasts = starts.reduce((sum, start) => sum + since.filter((first) => first < start).length, 0);
  if (forecasts >= FEWEST_FORECASTS) return undefined;
  return `past windows have ${forecasts} forecasts of items together; at least ${FEWEST_FORECASTS} are needed to tell how far forecasts are off`;
}
