import { type KeyedDrop, openVersions } from '../../lib/features/index.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { counted } from './counted-store.ts';
import { FIRST_DAY } from './shop.ts';

/**
 * One process of the benchmark of event keys: `keys-job.ts FOLDER SHARDS DROPS_JSON`. Finds out which versions count, as
 * the first job of a run does, or reads what it found, and loads one shard.
 */
const [folder = '', shards = '1', drops = '[]'] = process.argv.slice(2);
const { store, calls } = counted(await openFolderStore(folder, { durable: false }));
const started = performance.now();
const used = process.cpuUsage();
const question = {
  drops: JSON.parse(drops) as KeyedDrop[],
  newestBy: {},
  asOf: FIRST_DAY + 10_000,
  shards: Number(shards),
};
const versions = await openVersions(store, question);
const { user, system } = process.cpuUsage(used);
const opened = { seconds: (performance.now() - started) / 1000, cpu: (user + system) / 1e6, ...calls };
const replaced = await versions?.shard(0, Number(shards), FIRST_DAY + 10_000);
console.log(
  JSON.stringify({
    ...opened,
    replaced: versions?.replaced.orders ?? 0,
    shardSeconds: (performance.now() - started) / 1000 - opened.seconds,
    shardRequests: calls.requests - opened.requests,
    winners: replaced?.size ?? 0,
  }),
);
