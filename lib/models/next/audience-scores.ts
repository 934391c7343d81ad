import { type EventType, eventCode } from '../../data/index.ts';
import type { UserWalk } from '../family.ts';
import { type AudienceModel, chanceOf } from './audience-model.ts';
import type { ItemTable } from './item-table.ts';
import { otherEntries } from './others.ts';
import type { PairFeatures } from './pair-features.ts';
import { activeDays, itemEntries, ProfileReader } from './profile.ts';

/**
 * The probability of each user of a shard to take the values of audiences; NaN of whom the models do not know: who never
 * had the task's event before the as-of day.
 * @param features whose candidates the values' units always are
 * @param numberOf number of an item's unit in the table; -1 for none
 */
export function audienceScores(args: {
  users: UserWalk;
  event: EventType;
  table: ItemTable;
  features: PairFeatures;
  models: Readonly<Record<string, AudienceModel>>;
  numberOf: (item: number) => number;
}): Record<string, Float64Array> {
  const { users, event, table, features, models, numberOf } = args;
  const type = eventCode(event);
  const others = table.others.map((other) => eventCode(other.type));
  const named = Object.entries(models).map(([name, model]) => ({
    ...{ name, model, chances: [] as number[] },
    unit: table.names.indexOf(model.value),
  }));
  const reader = new ProfileReader(table.names.length, table.day);
  const pair = new Float32Array(features.width);
  for (const { state, advance } of users) {
    advance(table.day);
    const entries = itemEntries(state, type, table.day, users.items);
    const profile = reader.read(entries, activeDays(state, type), numberOf);
    if (profile.count === 0) {
      for (const { chances } of named) chances.push(Number.NaN);
      continue;
    }
    const beside = others.map((other) =>
      reader.read(otherEntries(state, other, table.day, users.items), 0, numberOf),
    );
    features.open(profile, beside);
    const candidates = features.candidates.subarray(0, features.count);
    for (const { model, unit, chances } of named) {
      if (unit < 0) {
        chances.push(Number.NaN);
        continue;
      }
      features.write(candidates.indexOf(unit), pair, 0);
      chances.push(chanceOf(model, pair));
    }
  }
  return Object.fromEntries(named.map(({ name, chances }) => [name, Float64Array.from(chances)]));
}
