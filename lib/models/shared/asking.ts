import { type ConditionColumn, type ConditionOf, readCondition, rowsThatMeet } from '../../clean/index.ts';
import type { Config } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';
import {
  type AttributeTable,
  dayStart,
  inPopulation,
  type PopulationColumn,
  populationColumns,
  populationColumnsText,
  populationOf,
  readAttributes,
  type ShardUser,
  someFeatures,
  type UserTask,
  validRows,
} from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';

/** Rows (users at days) that a condition is asked of at once. */
const BATCH = 32_768;

/** Whom tasks ask of one shard's users, at days that were named before. */
export interface Asked {
  /**
   * Does a task ask the user at a day?
   * @param task its place among the tasks
   * @param user advanced to exactly that day
   */
  asks(task: number, user: ShardUser, day: number): boolean;
  /** Does the user meet the task's condition on that day? Of a task without one everybody does. */
  meets(task: number, user: string, day: number): boolean;
}

/** Whom tasks ask, shard by shard. */
export interface Asking {
  /**
   * Judges the conditions of one shard's users: all of them at once, by what was known of each before each day. Memory is that
   * of a shard: a byte for each user and day, and a batch of rows.
   * @param users walked only where there is a condition
   * @param days ascending
   * @throws DataError where a condition fails on a row
   */
  shard(shard: number, users: Iterable<ShardUser>, days: readonly number[]): Promise<Asked>;
}

/** A condition with the columns that it reads. */
interface Condition {
  readonly asked: ConditionOf;
  readonly reads: readonly PopulationColumn[];
}

/**
 * Opens whom some tasks ask.
 * @throws DataError that names the first condition which is none, and the columns there are
 */
export async function openAsking(
  store: ObjectStore,
  manifest: RunManifest,
  tasks: readonly { readonly name: string; readonly task: UserTask }[],
): Promise<Asking> {
  const { config, inputs, shards } = manifest;
  const conditions = new Map<string, Condition>();
  const conditionOf = (task: UserTask) => {
    const population = populationOf(task);
    return population.who === 'where' ? population.condition : undefined;
  };
  for (const { name, task } of tasks) {
    const condition = conditionOf(task);
    if (condition === undefined || conditions.has(condition)) continue;
    conditions.set(condition, await openCondition(config, name, condition));
  }
  return {
    async shard(shard, users, days) {
      const judged = new Map<string, Judged>();
      for (const [text, condition] of conditions) {
        const concerns = tasks.flatMap(({ task }) => (conditionOf(task) === text ? [task] : []));
        const reads = condition.reads.some(({ feature }) => feature === undefined);
        const keys = reads ? inputs.users.map(({ clean }) => clean) : [];
        const table = reads ? await readAttributes(store, keys, { shard, shards }) : undefined;
        judged.set(text, await judge({ config, condition, concerns, users, days, table }));
      }
      const places = tasks.map(({ task }) => judged.get(conditionOf(task) ?? ''));
      const meets = (task: number, user: string, day: number) => places[task]?.(user, day) ?? true;
      return {
        meets,
        asks: (task, user, day) =>
          inPopulation(tasks[task]!.task, user.state, day) && meets(task, user.user, day),
      };
    },
  };
}

async function openCondition(config: Config, name: string, condition: string): Promise<Condition> {
  const setting = `tasks.${name}.population.where`;
  const asked = { condition, setting, of: 'what is known of users', zone: config.shop.timeZone };
  const columns = populationColumns(config);
  const read = await readCondition(asked, columns);
  if ('reads' in read) {
    const names = new Set(read.reads);
    return { asked, reads: columns.filter((column) => names.has(column.name)) };
  }
  throw new DataError(
    `${setting}: given ${JSON.stringify(condition)}, expected a condition in DuckDB’s SQL over ${populationColumnsText(config)}: ${read.fault}`,
  );
}

/** Did the user meet the condition on a day? */
type Judged = (user: string, day: number) => boolean;

async function judge(args: {
  config: Config;
  condition: Condition;
  /** The tasks that have it. */
  concerns: readonly UserTask[];
  users: Iterable<ShardUser>;
  days: readonly number[];
  /** What is said of the shard's users, where the condition reads it. */
  table: AttributeTable | undefined;
}): Promise<Judged> {
  const { config, condition, concerns, users, days, table } = args;
  const gather = new Gatherer(config, condition.reads, table);
  const numbers = new Map<string, number>();
  let met = new Uint8Array(1024);
  /** User and day of the rows that are gathered. */
  let places: number[] = [];
  const ask = async () => {
    const meets = await rowsThatMeet(condition.asked, places.length, gather.take());
    places.forEach((place, row) => {
      met[place] = meets[row]!;
    });
    places = [];
  };
  for (const user of users) {
    const number = numbers.size;
    numbers.set(user.user, number);
    if (numbers.size * days.length > met.length) met = grown(met, numbers.size * days.length);
    for (const [i, day] of days.entries()) {
      user.advance(day);
      if (!concerns.some((task) => inPopulation(task, user.state, day))) continue;
      gather.add(user, day);
      places.push(number * days.length + i);
      if (places.length === BATCH) await ask();
    }
  }
  if (places.length > 0) await ask();
  const indexOf = new Map(days.map((day, i) => [day, i]));
  return (user, day) => {
    const number = numbers.get(user);
    const i = indexOf.get(day);
    if (number === undefined || i === undefined) {
      throw new Error(`a condition was asked of a user or a day (${day}) that was not named before`);
    }
    return met[number * days.length + i] === 1;
  };
}

function grown(bytes: Uint8Array<ArrayBuffer>, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(least, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

/** Gathers what a condition reads of users at days, as columns. */
class Gatherer {
  readonly #config: Config;
  readonly #reads: readonly PopulationColumn[];
  readonly #table: AttributeTable | undefined;
  /** Places in the vector of the columns that are features. */
  readonly #features: readonly number[];
  /** By day: the row of the table that holds for each user. */
  readonly #valid = new Map<number, Map<string, number>>();
  #values: (number | string | undefined)[][];

  constructor(config: Config, reads: readonly PopulationColumn[], table: AttributeTable | undefined) {
    this.#config = config;
    this.#reads = reads;
    this.#table = table;
    this.#features = reads.flatMap(({ feature }) => feature ?? []);
    this.#values = reads.map(() => []);
  }

  add({ user, state }: ShardUser, day: number): void {
    const features = someFeatures(state, day, this.#config, this.#features);
    const row = this.#table && this.#rowOf(user, day);
    let next = 0;
    this.#reads.forEach(({ feature, name, isNumber }, c) => {
      const value = feature === undefined ? this.#attribute(name, isNumber, row) : features[next++];
      this.#values[c]!.push(value);
    });
  }

  /** The columns so far; the next begin anew. */
  take(): ConditionColumn[] {
    const values = this.#values;
    this.#values = this.#reads.map(() => []);
    return this.#reads.map(({ name, isNumber }, c) => ({
      name,
      values: isNumber
        ? Float64Array.from(values[c]!, (value) => (typeof value === 'number' ? value : Number.NaN))
        : values[c]!.map((value) => (typeof value === 'string' ? value : undefined)),
    }));
  }

  #rowOf(user: string, day: number): number | undefined {
    let rows = this.#valid.get(day);
    if (!rows) {
      rows = validRows(this.#table!, dayStart(this.#config.shop.timeZone, day));
      this.#valid.set(day, rows);
    }
    return rows.get(user);
  }

  #attribute(name: string, isNumber: boolean, row: number | undefined): number | string | undefined {
    if (row === undefined) return undefined;
    const column = this.#table!.columns.find(
      (one) => one.name === name && (one.kind === 'number') === isNumber,
    );
    return column?.values[row];
  }
}
