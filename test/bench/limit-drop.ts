import { cleanDrop, engineWithin } from '../../lib/clean/index.ts';
import { createPseudonyms, parseDay } from '../../lib/data/index.ts';
import { buildDays, readShardDays } from '../../lib/features/index.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { limitConfig } from './limit-files.ts';

/**
 * One process of the benchmark of limits: `limit-drop.ts FOLDER KEY FORMAT MEBIBYTES`. A drop on its way from file to day
 * rows, and to the days of users as a night reads them; prints what came of it and how long each step took.
 */
const [folder = '', key = '', format = '', mebibytes = ''] = process.argv.slice(2);
const store = await openFolderStore(folder, { durable: false });
const config = limitConfig(format === 'jsonl' ? 'jsonl' : 'csv');
const pseudonyms = createPseudonyms(new Uint8Array(64).fill(7));
const started = performance.now();
const result = await cleanDrop({
  store,
  config,
  pseudonyms,
  key,
  engine: engineWithin(Number(mebibytes), 2),
});
if (result.status !== 'clean' || result.quality.status !== 'clean') throw new Error(JSON.stringify(result));
const { quality, keys } = result;
const cleaned = performance.now();
const days = await buildDays({ store, config, cleanKey: keys.clean! });
const built = performance.now();
const input = { key: days.key, dropId: quality.dropId, revision: quality.revision };
let [users, lines] = [0, 0];
for (let shard = 0; shard < config.shards; shard++) {
  const query = {
    store,
    config,
    inputs: [input],
    shard,
    shards: config.shards,
    before: parseDay('2026-01-01'),
  };
  for (const { days: own } of await readShardDays(query)) {
    users += 1;
    for (const { entries, start, end } of own) for (let i = start; i < end; i++) lines += entries.lines[i]!;
  }
}
const seconds = [cleaned - started, built - cleaned, performance.now() - built].map((ms) => ms / 1000);
console.log(JSON.stringify({ rows: quality.rowsIn, clean: quality.clean, users, lines, seconds }));
