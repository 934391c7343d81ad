import { parseDay } from '../../data/index.ts';
import { openIds } from '../../run/index.ts';
import type { DemandOutcomes, EvaluateContext, Outcomes, ShardScores } from '../family.ts';
import { openUnits } from '../shared/index.ts';
import { readDailyUnits, unitsWithin } from './daily-units.ts';
import { demandTask } from './demand-task.ts';
import { yardsticks } from './members.ts';

/** Expected units beside what was wanted in the window, and what yardsticks would have said. Items that were new then have no forecast. */
export async function demandOutcomes(
  { store, manifest, later, tasks }: EvaluateContext,
  { users: items, forecasts }: ShardScores,
): Promise<Record<string, Outcomes>> {
  const before = parseDay(manifest.asOf!);
  const outcomes: Record<string, Outcomes> = {};
  for (const name of tasks) {
    const task = demandTask(manifest, name);
    const unitOf = (await openUnits(store, manifest, task)).at(before);
    const daily = await readDailyUnits({ users: openIds(store, manifest), task, unitOf, before });
    const into: DemandOutcomes = {
      kind: 'demand',
      ...{ ids: [], past: [], real: [], units: [], low: [], high: [], stockout: [], naive: [], average: [] },
    };
    outcomes[name] = into;
    const said = forecasts?.[name];
    if (!daily || !said) continue;
    const until = before + task.horizonDays;
    const sales = { users: openIds(store, later), task, unitOf, from: before, before: until };
    const real = await unitsWithin(sales, daily.names);
    const { naive, average } = yardsticks(daily, daily.days, task.horizonDays);
    const place = new Map(items.map((item, i) => [item, i]));
    for (const [row, item] of daily.names.entries()) {
      const at = place.get(item);
      if (at === undefined || Number.isNaN(said.units[at]!)) continue;
      into.ids.push(item);
      into.past.push(daily.rows[row]!.reduce((sum, units) => sum + units, 0));
      into.real.push(real[row]!);
      into.units.push(said.units[at]!);
      into.low.push(said.low[at]!);
      into.high.push(said.high[at]!);
      into.stockout.push(said.stockout[at]!);
      into.naive.push(naive[row]!);
      into.average.push(average[row]!);
    }
  }
  return outcomes;
}
