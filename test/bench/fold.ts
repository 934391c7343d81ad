import {
  type DayInput,
  planFold,
  readShardDays,
  ShardedFiles,
  type SnapshotInfo,
  SnapshotWriter,
  snapshotInfo,
  snapshotKey,
} from '../../lib/features/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { FIRST_DAY, openShop, shopConfig, writeDays } from './shop.ts';
import { load, median, printTable, printTimings, sideBySide, whole, withFolder } from './support.ts';

const SHARDS = 4;
const config = shopConfig(SHARDS);
/** How long the history is in the comparison of nights. */
const HISTORIES = [30, 60, 120, 240];
const ROUNDS = 5;

/** How fast events are read and folded, and how a night's time grows with the history at a fixed daily volume. */
export async function benchFold(): Promise<void> {
  await withFolder(async (folder) => {
    const store = await openFolderStore(folder, { durable: false });
    const shop = openShop({ users: 20_000, daily: 0.1, lines: 4 }, (id) => `pseudonym-of-${id}`);
    const { inputs, events } = await writeDays(store, config, shop, 0, 120);
    const asOf = FIRST_DAY + 120;
    const timings = await sideBySide(
      [
        { name: 'read', run: () => readAll(store, inputs, asOf, false) },
        { name: 'read + fold', run: () => readAll(store, inputs, asOf, true) },
      ],
      ROUNDS,
    );
    printTimings('fold on one core: 120 day files of 20,000 users, warm', timings, events, 'events');
  });
  await withFolder(async (folder) => {
    const store = await openFolderStore(folder, { durable: false });
    const shop = openShop({ users: 20_000, daily: 0.05, lines: 4 }, (id) => `pseudonym-of-${id}`);
    const last = Math.max(...HISTORIES);
    const { inputs, events } = await writeDays(store, config, shop, 0, last);
    const nights = HISTORIES.map((days) => ({ days, scratch: [] as number[], nightly: [] as number[] }));
    for (let round = -1; round < ROUNDS; round++) {
      for (const { days, scratch, nightly } of nights) {
        const asOf = FIRST_DAY + days;
        const before = `night-${days - 1}`;
        if (round < 0) await night(store, inputs, asOf - 1, before, []);
        const listed = inputs.filter(({ minDay }) => minDay! < asOf - 1);
        const info = snapshotInfo({ config, runId: before, asOf: asOf - 1, shards: SHARDS, inputs: listed });
        const whole = await timed(() => night(store, inputs, asOf, 'scratch', []));
        const folded = await timed(() => night(store, inputs, asOf, 'nightly', [info]));
        if (round >= 0) {
          scratch.push(whole);
          nightly.push(folded);
        }
      }
    }
    const first = median(nights[0]!.nightly);
    printTable(
      `a night's fold as history grows: 20,000 users, ${whole(events / last)} events a day, one core, snapshot written (load ${load()})`,
      ['days of history', 'from scratch s', 'snapshot + last days s', `x ${HISTORIES[0]} days`],
      nights.map(({ days, scratch, nightly }) => [
        String(days),
        median(scratch).toFixed(3),
        median(nightly).toFixed(3),
        (median(nightly) / first).toFixed(2),
      ]),
    );
  });
}

/** Walks through every shard from scratch. */
async function readAll(
  store: ObjectStore,
  inputs: readonly DayInput[],
  asOf: number,
  fold: boolean,
): Promise<void> {
  const files = new ShardedFiles(store);
  for (let shard = 0; shard < SHARDS; shard++) {
    const users = await readShardDays({ store, config, inputs, shard, shards: SHARDS, before: asOf, files });
    for (const user of users) if (fold) user.advance(asOf);
  }
}

/** What scoring does before it scores: states as of the day, and the next night's snapshot on the way. */
async function night(
  store: ObjectStore,
  inputs: readonly DayInput[],
  asOf: number,
  runId: string,
  previous: SnapshotInfo[],
): Promise<void> {
  const listed = inputs.filter(({ minDay }) => minDay! < asOf);
  const plan = planFold({ config, asOf, shards: SHARDS, inputs: listed, previous });
  if ((plan.snapshot === undefined) !== (previous.length === 0))
    throw new Error('the snapshot does not serve');
  const files = new ShardedFiles(store);
  for (let shard = 0; shard < SHARDS; shard++) {
    const users = await readShardDays({
      store,
      config,
      inputs: plan.inputs,
      shard,
      shards: SHARDS,
      before: asOf,
      files,
      ...(plan.snapshot && {
        from: plan.snapshot.day,
        snapshot: snapshotKey(config, plan.snapshot.runId, shard),
      }),
    });
    const snapshot = new SnapshotWriter(config, users.items, plan.snapshotDay);
    for (const user of users) {
      user.advance(plan.snapshotDay);
      snapshot.add(user.user, user.hash, user.state);
      user.advance(asOf);
    }
    await store.put(snapshotKey(config, runId, shard), snapshot.encode());
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
