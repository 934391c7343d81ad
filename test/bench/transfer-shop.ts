import { join } from 'node:path';
import { openExample } from '../../bin/commands/backtest.ts';
import type { Config } from '../../lib/config/index.ts';
import { formatDay, parseDay } from '../../lib/data/index.ts';
import type { ShardUsers } from '../../lib/features/index.ts';
import { pretrainBehaviour } from '../../lib/models/index.ts';
import { eachUser } from '../../lib/models/shared/index.ts';
import {
  buildManifest,
  openUsers,
  type RunManifest,
  type RunUsers,
  taskGroups,
} from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';

/** Users are told into so many parts by their hash: a small shop is read without the others. */
const SHARDS = 64;

export interface Case {
  readonly example: string;
  readonly task: string;
  /** What is known ends before this day, and what is asked begins on it. */
  readonly day: string;
}

/** An example with one task, as of the day on which the window of another is over. */
export interface WholeShop {
  readonly name: string;
  readonly store: ObjectStore;
  readonly task: string;
  readonly horizon: number;
  readonly day: number;
  readonly users: RunUsers;
  /** Of users who were known on the day, in the order of their hashes: shard and pseudonym. */
  readonly known: readonly { readonly shard: number; readonly user: string }[];
  /** @param behaviour name of the encoder that the config brings */
  manifest(asOf: number, behaviour?: string): RunManifest;
}

/** Texts are left out, and what is said of users and items: what is compared does not read them. */
export async function openWhole({ example, task, day }: Case, folder: string): Promise<WholeShop> {
  const { store, config, ingest } = await openExample(example, join(folder, example));
  const drops = await ingest(() => {});
  const asked = config.tasks[task]!;
  if (asked.kind !== 'event' && asked.kind !== 'absence') throw new Error(`${task} is no yes-or-no task`);
  const manifest = (asOf: number, behaviour?: string): RunManifest => {
    const own: Config = {
      ...config,
      text: undefined,
      shards: SHARDS,
      tasks: { [task]: asked },
      model: { ...config.model, ...(behaviour === undefined ? {} : { behaviour }) },
      training: { ...config.training, threads: 1 },
    };
    const named = buildManifest({
      purpose: 'backtest',
      config: own,
      asOf: formatDay(asOf),
      groups: taskGroups(own),
      drops,
      champions: {},
      snapshot: null,
    });
    return { ...named, inputs: { ...named.inputs, users: [], items: [] } };
  };
  const users = openUsers(store, manifest(parseDay(day) + asked.horizonDays));
  const known: { shard: number; user: string }[] = [];
  for await (const { user, shard } of eachUser(users, parseDay(day)))
    if (user.days.length > 0) known.push({ shard, user: user.user });
  return {
    name: example,
    store,
    task,
    horizon: asked.horizonDays,
    day: parseDay(day),
    users,
    known,
    manifest,
  };
}

/** A shop of so many users: the `number`th of those that the whole can be cut into. */
export function smallShop({ users, known }: WholeShop, size: number, number: number): RunUsers {
  const own = known.slice(number * size, (number + 1) * size);
  if (own.length < size)
    throw new Error(`there are ${known.length} users: too few for another shop of ${size}`);
  const names = new Set(own.map(({ user }) => user));
  return {
    shards: [...new Set(own.map(({ shard }) => shard))],
    async read(shard, before, plan) {
      const all = await users.read(shard, before, plan);
      const some = {
        items: all.items,
        *[Symbol.iterator]() {
          for (const user of all) if (names.has(user.user)) yield user;
        },
      };
      return some as unknown as ShardUsers;
    },
  };
}

/** Pretrains on all users of one shop, and puts the encoder into the bucket of another. @returns the bytes, and the last loss */
export async function bring(
  from: WholeShop,
  to: WholeShop,
  steps: number,
): Promise<{ bytes: number; loss: number }> {
  const { config } = from.manifest(from.day);
  const { files, curve } = await pretrainBehaviour(from.users, config, {
    ...{ day: from.day, steps, seed: 1, threads: 1 },
    progress: () => {},
  });
  for (const [name, bytes] of Object.entries(files)) {
    await to.store.put(`models/behaviours/${from.name}/${name}`, bytes);
  }
  return {
    bytes: Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0),
    loss: curve.at(-1)!.trainLoss,
  };
}
