import { DataError, parseDay, stableUnit } from '../../data/index.ts';
import { chanceOfMore, intervalOf } from '../../engine/forecast/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { openIds } from '../../run/index.ts';
import type { ScoreContext, ShardScores, TaskForecasts } from '../family.ts';
import { openUnits, parseManifest } from '../shared/index.ts';
import { readDailyUnits } from './daily-units.ts';
import { demandTask } from './demand-task.ts';
import { SHARE } from './learn.ts';
import { type DemandModel, demandManifest } from './manifest.ts';
import { MEMBERS, memberForecasts } from './members.ts';
import { openStock } from './stock.ts';
import { blend } from './windows.ts';

/** Forecasts of one task, by item. */
type Forecast = { readonly [K in keyof TaskForecasts]: number };

/** Forecasts every item that was sold in the two years before the as-of day, in the order of names. */
export async function scoreDemand(files: ModelFiles, context: ScoreContext): Promise<ShardScores> {
  const { models } = parseManifest(demandManifest, files);
  const told = new Map<string, ReadonlyMap<string, Forecast>>();
  for (const model of models) told.set(model.task, await forecastsOf(model, context));
  const users = [...new Set([...told.values()].flatMap((forecasts) => [...forecasts.keys()]))].sort();
  const column = (task: string, of: keyof Forecast) =>
    Float64Array.from(users, (item) => told.get(task)!.get(item)?.[of] ?? Number.NaN);
  const forecasts = models.map(({ task }): [string, TaskForecasts] => [
    task,
    {
      units: column(task, 'units'),
      low: column(task, 'low'),
      high: column(task, 'high'),
      stockout: column(task, 'stockout'),
    },
  ]);
  const hashes = Uint32Array.from(users, (item) => stableUnit('item', item) * 2 ** 32);
  return { users, hashes, tasks: {}, lists: {}, values: {}, forecasts: Object.fromEntries(forecasts) };
}

async function forecastsOf(
  { task: name, blend: members, spread }: DemandModel,
  { store, manifest }: ScoreContext,
): Promise<ReadonlyMap<string, Forecast>> {
  const task = demandTask(manifest, name);
  const before = parseDay(manifest.asOf!);
  const unitOf = (await openUnits(store, manifest, task)).at(before);
  const daily = await readDailyUnits({ users: openIds(store, manifest), task, unitOf, before });
  if (!daily) return new Map();
  const stock = await openStock(store, manifest, task, unitOf);
  const units = blend(memberForecasts(daily, daily.days, task.horizonDays), weightsIn(members));
  return new Map(
    daily.names.map((item, row) => {
      const own = units[row]!;
      const inStock = stock?.get(item);
      const stockout = inStock === undefined ? Number.NaN : chanceOfMore(spread, own, inStock);
      return [item, { units: own, ...intervalOf(spread, own, SHARE), stockout }];
    }),
  );
}

/** Weights in the order of the members. @throws DataError for a member that this version does not know */
function weightsIn(blended: DemandModel['blend']): Float64Array {
  const weights = new Float64Array(MEMBERS.length);
  for (const { member, weight } of blended) {
    const place = MEMBERS.findIndex(({ name }) => name === member);
    if (place < 0) {
      throw new DataError(
        `a model of demand blends "${member}", which this version does not know: delete the model and its champion.json, and the next run trains it anew`,
      );
    }
    weights[place] = weight;
  }
  return weights;
}
