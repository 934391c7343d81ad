import { createPseudonyms } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import { getText, openFolderStore } from '../../lib/runtime/index.ts';
import { BENCH_KEY, writeScores } from './export-shop.ts';
const [command, folder = '', users = '', shards = '', emails = ''] = process.argv.slice(2);
const store = await openFolderStore(folder, { durable: false });
if (command === 'generate') {
  await store.put('bench/run', await writeScores(store, Number(users), Number(shards), emails === 'emails'));
} else {
  const runId = (await getText(store, 'bench/run'))!;
  const t = performance.now();
  const c = process.cpuUsage();
  const m = await exportRun({ store, runId, pseudonyms: createPseudonyms(BENCH_KEY), now: () => new Date(0), progress: () => {} });
  const u = process.cpuUsage(c);
  console.log(JSON.stringify({ rows: m.rows, s: (performance.now() - t) / 1000, cpu: (u.user + u.system) / 1e6, rss: process.resourceUsage().maxRSS / 1024, files: m.files.length }));
}
