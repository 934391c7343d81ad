import * as ort from 'onnxruntime-node';
import type { Feeds } from '../../lib/engine/host/index.ts';
import { Session } from '../../lib/engine/train/index.ts';
import { readShardDays, type ShardUsers } from '../../lib/features/index.ts';
import { openUsersModel } from '../../lib/models/users/score.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { drawnModel } from './model.ts';
import { FIRST_DAY, openShop, shopConfig, writeDays } from './shop.ts';
import { printTimings, sideBySide, withFolder } from './support.ts';

const USERS = 20_000;
const DAYS = 120;
const ROUNDS = 3;

/** Scoring from states to reasons beside the runtime alone on the same batches, ready in memory. */
export async function benchScore(): Promise<void> {
  await withFolder(async (folder) => {
    const store = await openFolderStore(folder, { durable: false });
    for (const threads of [1, 2]) await compare(store, threads);
  });
}

async function compare(store: ObjectStore, threads: number): Promise<void> {
  const config = shopConfig(1, threads);
  const asOf = FIRST_DAY + DAYS;
  const shop = openShop({ users: USERS, daily: 0.08, lines: 3 }, (id) => `pseudonym-of-${id}`);
  const { inputs } = await writeDays(store, config, shop, 0, DAYS);
  const users = await readShardDays({ store, config, inputs, shard: 0, shards: 1, before: asOf });
  const itemText = (id: number) => users.items.text(id);
  const built = drawnModel(config, users, asOf, itemText);
  const { manifest, model } = built;
  const scorer = await openUsersModel({ config, manifest, files: { 'model.onnx': model }, threads });
  const asked = { asks: () => true, meets: () => true };
  const score = async () => {
    await scorer.score(users, { day: asOf, itemText, asked, profiles: undefined, texts: undefined });
  };
  const batches = await recorded(score);
  const session = await ort.InferenceSession.create(built.model, {
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const bare = async () => {
    for (const batch of batches) await session.run(batch);
  };
  const timings = await sideBySide(
    [
      { name: 'session.run', run: bare },
      { name: 'scoring', run: score },
    ],
    ROUNDS,
  );
  await scorer.close();
  await session.release();
  const share = (100 * timings[0]!.median) / timings[1]!.median;
  const title = `scoring, ${threads} thread${threads > 1 ? 's' : ''}: ${share.toFixed(0)} % of bare session.run`;
  printTimings(`${title} over ${batches.length} ready batches`, timings, count(users), 'users');
}

function count(users: ShardUsers): number {
  let n = 0;
  for (const _ of users) n++;
  return n;
}

/** The batches that a piece of work sends to its session, as tensors of the runtime. */
async function recorded(work: () => Promise<void>): Promise<Record<string, ort.Tensor>[]> {
  const batches: Record<string, ort.Tensor>[] = [];
  const { run } = Session.prototype;
  Session.prototype.run = function (feeds: Feeds, options) {
    const tensors = Object.entries(feeds).map(([name, tensor]) => {
      const { type, data, shape } = tensor;
      if (type !== 'float32' && type !== 'int32') throw new Error(`${name} is an unexpected ${type}`);
      return [name, new ort.Tensor(type, data.slice(), shape)];
    });
    batches.push(Object.fromEntries(tensors));
    return run.call(this, feeds, options);
  };
  try {
    await work();
  } finally {
    Session.prototype.run = run;
  }
  return batches;
}
