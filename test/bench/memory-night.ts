import { canonicalJson, createPseudonyms } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import { readShardDays } from '../../lib/features/index.ts';
import { putModel } from '../../lib/registry/index.ts';
import { putManifest, taskGroups } from '../../lib/run/index.ts';
import { getText, openFolderStore } from '../../lib/runtime/index.ts';
import { scoreRun } from '../../lib/score/index.ts';
import type { NightMeasured } from './memory.ts';
import { drawnModel } from './model.ts';
import { nightOf } from './night.ts';
import { FIRST_DAY, openShop, shopConfig, writeDays } from './shop.ts';

/** One process of the memory benchmark: `generate FOLDER USERS` or `night FOLDER`. */

const DAYS = 30;
const SHARDS = 128;
const config = shopConfig(SHARDS);
const pseudonyms = createPseudonyms(new Uint8Array(64).fill(7));

async function generate(folder: string, users: number): Promise<void> {
  const store = await openFolderStore(folder, { durable: false });
  const shop = openShop({ users, daily: 0.12, lines: 2 }, (id) => pseudonyms.seal(id));
  const { inputs } = await writeDays(store, config, shop, 0, DAYS);
  const day = FIRST_DAY + DAYS;
  const sample = await readShardDays({ store, config, inputs, shard: 0, shards: SHARDS, before: day });
  const { model, manifest } = drawnModel(config, sample, day, (id) => sample.items.text(id));
  const group = taskGroups(config)[0]!.name;
  const version = await putModel(store, group, {
    'model.onnx': model,
    'manifest.json': Buffer.from(canonicalJson(manifest)),
  });
  const night = nightOf(config, inputs, day, { [group]: version });
  await store.put('bench/run', await putManifest(store, night));
}

async function night(folder: string): Promise<NightMeasured> {
  const store = await openFolderStore(folder, { durable: false });
  const runId = await getText(store, 'bench/run');
  if (runId === undefined) throw new Error('generate the night first');
  let users = 0;
  const started = performance.now();
  const progress = (text: string) => {
    users += Number(/(\d+) users$/.exec(text)?.[1] ?? 0);
  };
  await scoreRun({ store, runId, shards: { from: 0, to: SHARDS }, progress });
  const scored = performance.now();
  const scoreRss = process.resourceUsage().maxRSS * 1024;
  const { rows } = await exportRun({
    store,
    runId,
    pseudonyms,
    now: () => new Date(0),
    progress: () => {},
  });
  return {
    users,
    rows,
    scoreSeconds: (scored - started) / 1000,
    exportSeconds: (performance.now() - scored) / 1000,
    scoreRss,
    peakRss: process.resourceUsage().maxRSS * 1024,
  };
}

const [command, folder = '', users = ''] = process.argv.slice(2);
if (command === 'generate') await generate(folder, Number(users));
else console.log(JSON.stringify(await night(folder)));
