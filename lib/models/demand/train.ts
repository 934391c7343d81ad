import { parseDay } from '../../data/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { openIds } from '../../run/index.ts';
import type { TrainContext } from '../family.ts';
import { manifestFile, openUnits } from '../shared/index.ts';
import { type DailyUnits, readDailyUnits } from './daily-units.ts';
import { demandTask, things } from './demand-task.ts';
import { learnDemand } from './learn.ts';
import type { DemandManifest, DemandModel } from './manifest.ts';

/** Learns how the tasks of a group are forecast. All of the file is its manifest: forecasts are sums over days. */
export async function trainDemand(context: TrainContext): Promise<ModelFiles> {
  const { store, manifest, group, progress } = context;
  const before = parseDay(manifest.asOf!);
  const models: DemandModel[] = [];
  const selection: string[] = [];
  // Demand is of all users; where training reads a sample of them, the others are read, too.
  const gathered = await context.users();
  const users = gathered.shards.length === manifest.shards ? gathered : openIds(store, manifest);
  const { of } = demandTask(manifest, group.tasks[0]!);
  for (const name of group.tasks) {
    const task = demandTask(manifest, name);
    progress(`${name}: reading what was sold`);
    const unitOf = (await openUnits(store, manifest, task)).at(before);
    // `check` has seen sales.
    const daily = (await readDailyUnits({ users, task, unitOf, before }))!;
    progress(`${name}: forecasting past windows of ${daily.names.length} ${things(of)}`);
    const model = learnDemand(name, task, daily);
    models.push(model);
    selection.push(...notesOf(model, daily, of));
  }
  const description: DemandManifest = {
    kind: 'demand',
    of,
    trainedBefore: manifest.asOf!,
    models,
    leftOut: group.leftOut ?? [],
    selection,
  };
  return manifestFile(description);
}

function notesOf({ task, blend, windows, spread }: DemandModel, daily: DailyUnits, of: string): string[] {
  const members = [...blend]
    .sort((a, b) => b.weight - a.weight)
    .map(({ member, weight }) => `${member} ${Math.round(100 * weight)} %`)
    .join(', ');
  const errors = spread.reduce((sum, { n }) => sum + n, 0);
  return [
    `${task}: weights by the smallest sum of absolute errors on ${windows.length} past windows, which begin on ${windows[0]} to ${windows.at(-1)}: ${members}.`,
    `${task}: intervals and chances from ${errors} errors on such windows, by weights that knew nothing of them, in ${spread.length} classes by size of forecast.`,
    ...(daily.leftOut > 0
      ? [
          `${task}: ${daily.names.length} ${things(of)} are forecast; ${daily.leftOut} others, which sold least in the last two years, are not.`,
        ]
      : []),
  ];
}
