import type { DemandTask } from '../../config/index.ts';
import { formatDay } from '../../data/index.ts';
import { intervalOf } from '../../engine/forecast/index.ts';
import type { Validation } from '../../engine/metrics/index.ts';
import type { DemandAssessment } from '../description.ts';
import type { DemandOutcomes } from '../family.ts';
import { assessDemand, LARGEST } from './assess.ts';
import type { DailyUnits } from './daily-units.ts';
import type { DemandModel } from './manifest.ts';
import { MEMBERS } from './members.ts';
import {
  type BlendedWindow,
  blendedWindows,
  pastWindow,
  spreadOf,
  weightsOf,
  windowStarts,
} from './windows.ts';

/** The interval of a forecast holds what comes with this chance. */
export const SHARE = 0.8;

/**
 * Learns how to forecast a task from the past windows that are over: weights of the members, and how far the blend was off when its
 * weights knew nothing of the window.
 * @param daily at least one past window long
 */
export function learnDemand(
  task: string,
  { horizonDays }: Pick<DemandTask, 'horizonDays'>,
  daily: DailyUnits,
): DemandModel {
  const starts = windowStarts(daily.days, horizonDays);
  const windows = starts.map((start) => pastWindow(daily, start, horizonDays));
  const weights = weightsOf(windows, MEMBERS.length);
  const blended = blendedWindows(windows, horizonDays);
  const validation = validationOf(daily, blended, horizonDays);
  return {
    task,
    blend: MEMBERS.flatMap(({ name }, m) => (weights[m]! > 0 ? [{ member: name, weight: weights[m]! }] : [])),
    spread: spreadOf(blended),
    windows: starts.map((start) => formatDay(daily.firstDay + start)),
    ...(validation ? { validation } : {}),
  };
}

/** What the blend did on windows that neither weights nor intervals knew, the largest items of each day; undefined without one. */
function validationOf(
  daily: DailyUnits,
  blended: readonly BlendedWindow[],
  horizon: number,
): Validation<DemandAssessment> | undefined {
  const judged = blended.flatMap((one) => {
    const before = blended.filter(({ window }) => window.start + horizon <= one.window.start);
    return before.length > 0 ? [{ ...one, spread: spreadOf(before) }] : [];
  });
  const [first, last] = [judged[0], judged.at(-1)];
  if (!first || !last) return undefined;
  const all: Omit<DemandOutcomes, 'kind' | 'stockout'> = {
    ...{ ids: [], past: [], real: [], units: [], low: [], high: [], naive: [], average: [] },
  };
  for (const { window, units, spread } of judged) {
    const past = daily.rows.map((row) => row.subarray(0, window.start).reduce((sum, one) => sum + one, 0));
    const largest = [...window.items].sort((a, b) => past[b]! - past[a]! || a - b).slice(0, LARGEST);
    for (const item of largest) {
      const { low, high } = intervalOf(spread, units[item]!, SHARE);
      all.ids.push(daily.names[item]!);
      all.past.push(past[item]!);
      all.real.push(window.came[item]!);
      all.units.push(units[item]!);
      all.low.push(low);
      all.high.push(high);
      all.naive.push(window.naive[item]!);
      all.average.push(window.average[item]!);
    }
  }
  const dayOf = ({ window }: BlendedWindow) => formatDay(daily.firstDay + window.start);
  return {
    by: 'day',
    days: [dayOf(first), dayOf(last)],
    assessment: assessDemand(all, all.ids.length),
  };
}
