import type { Config, ValueTask } from '../../config/index.ts';
import { type EventType, eventCode, parseDay, stableUnit } from '../../data/index.ts';
import {
  AT,
  type AttributeEncoder,
  amountWithin,
  featureNames,
  featureVector,
  type UserState,
} from '../../features/index.ts';
import type { TrainContext } from '../family.ts';
import {
  type Asked,
  addTypes,
  checkFinite,
  eachUser,
  fitProfiles,
  openAsking,
  openProfiles,
  type ProfileWriter,
  profileNames,
  RowTable,
  type UserRows,
  usableColumns,
} from '../shared/index.ts';
import { BASE_NAMES } from './base-columns.ts';
import { HISTORY, writeHistory } from './history.ts';
import { perUnit, valueTask } from './value-task.ts';

/** Rows that training holds at most; of more, a part is drawn. */
const MAX_ROWS = 120_000;

/** Which raw numbers a model reads of a user, fitted on what was known on a day. */
export interface ValueColumns {
  /** Places of the feature vector. */
  readonly columns: readonly number[];
  /** How what is said of users is encoded behind them; null where nothing is said. */
  readonly profile: AttributeEncoder | null;
}

/** Name and group of what models read: features of behaviour, what is said of users, forecasts of the customer base. */
export const readNames = (config: Config, { columns, profile }: ValueColumns) => {
  const all = featureNames(config);
  return [...columns.map((j) => all[j]!), ...profileNames(profile), ...BASE_NAMES];
};

/** A user's row: what models read, then the history that the forecasts of the customer base are made from. */
export interface ValueRows extends ValueColumns {
  /** `outcomes` hold what the window came to, in the unit of the predictions. */
  readonly rows: UserRows;
  /** Places that models read; those of the history follow. */
  readonly reads: number;
}

/** Chooses the columns by what was known before a day. */
export async function valueColumns(
  { store, manifest, users: open }: TrainContext,
  first: number,
  day: number,
): Promise<ValueColumns> {
  const types = new Set<EventType>();
  for await (const { user } of eachUser(await open(), day)) {
    user.advance(day);
    addTypes(user.state, types);
  }
  return {
    columns: usableColumns(manifest.config, types, day - first),
    profile: await fitProfiles(store, manifest, day),
  };
}

/**
 * Builds the rows of the users whom the task asks at each cut-off.
 * @param cutoffs ascending
 */
export async function buildValueRows(
  context: TrainContext,
  chosen: ValueColumns,
  cutoffs: readonly number[],
): Promise<ValueRows> {
  const { store, manifest, group } = context;
  const { config } = manifest;
  const name = group.tasks[0]!;
  const task = valueTask(manifest, name);
  const asking = await openAsking(store, manifest, [{ name, task }]);
  const unit = perUnit(config, task);
  const writer = new RowWriter(config, task, chosen);
  const { reads, width } = writer;
  const table = new RowTable({ width, outputs: 0, tasks: 1, visitIds: 0, texts: 0 }, MAX_ROWS);
  let profiles: { readonly shard: number; readonly writer: ProfileWriter; readonly asked: Asked } | undefined;
  for await (const { user, shard, walk } of eachUser(await context.users(), parseDay(manifest.asOf!))) {
    if (profiles?.shard !== shard) {
      profiles = {
        shard,
        writer: await openProfiles(store, manifest, chosen.profile, shard),
        asked: await asking.shard(shard, walk, cutoffs),
      };
    }
    const own = stableUnit('training', user.user);
    for (const cutoff of cutoffs) {
      user.advance(cutoff);
      if (!profiles.asked.asks(0, user, cutoff)) continue;
      const row = table.add(own, cutoff);
      if (row === undefined) continue;
      writer.write(user.user, user.state, cutoff, profiles.writer, table.features, row * width);
      table.outcomes[row] = amountWithin(user.outcomes, cutoff, task) / unit;
    }
  }
  return { ...chosen, rows: table.finish([]), reads };
}

/** Writes the row of a user at a day; places for forecasts stay as they are. */
export class RowWriter {
  readonly reads: number;
  readonly width: number;
  readonly #config: Config;
  readonly #task: ValueTask;
  readonly #columns: readonly number[];
  readonly #whole: Float32Array;
  readonly #names: readonly { readonly name: string }[];
  readonly #type: number;

  constructor(config: Config, task: ValueTask, chosen: ValueColumns) {
    this.#config = config;
    this.#task = task;
    this.#columns = chosen.columns;
    this.#whole = new Float32Array(featureNames(config).length);
    this.#names = readNames(config, chosen);
    this.#type = eventCode(task.event);
    this.reads = this.#names.length;
    this.width = this.reads + HISTORY.size;
  }

  /** @param state the fold of the days before `day` */
  write(
    user: string,
    state: UserState,
    day: number,
    profiles: ProfileWriter,
    out: Float32Array,
    at: number,
  ): void {
    featureVector(state, day, this.#config, this.#whole);
    this.#columns.forEach((j, k) => {
      out[at + k] = this.#whole[j]!;
    });
    profiles.write(user, day, out, at + this.#columns.length);
    checkFinite(user, out, at, this.#names);
    const sums = { money: AT.money, units: AT.units, orders: AT.visits } as const;
    const sum = Math.abs(state.get(this.#type, sums[this.#task.of])) / perUnit(this.#config, this.#task);
    writeHistory(state, this.#type, day, sum, out, at + this.reads);
  }
}
