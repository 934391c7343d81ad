import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMeasured } from './measured.ts';
import { load, printTable, whole, withFolder } from './support.ts';

/** Users of the generated shops. */
const USERS = (process.env.BENCH_USERS ?? '500000,5000000').split(',').map(Number);
/** Two years, a drop a day. */
const DAYS = Number(process.env.BENCH_DAYS ?? 730);
const READERS = [1, 2];

/** What training on years of history costs: memory, time, requests, by the number of readers. */
export async function benchHistory(): Promise<void> {
  const rows: string[][] = [];
  for (const users of USERS) {
    await withFolder(async (folder) => {
      const { runId, events } = JSON.parse(
        (await job(['generate', folder, String(users), String(DAYS)])).output,
      );
      for (const readers of READERS) {
        // The versions, fits and models of the last training would leave nothing to do.
        for (const part of ['fits', 'models', 'versions'])
          await rm(join(folder, part), { recursive: true, force: true });
        for (const name of ['finetune.json']) await rm(join(folder, 'runs', runId, name), { force: true });
        const { output, peakRss } = await job(['train', folder, runId, String(readers)]);
        const told = JSON.parse(output);
        rows.push([
          `${whole(users)} users, ${whole(events)} events, ${whole(DAYS)} drops`,
          String(readers),
          told.readSeconds.toFixed(0),
          told.seconds.toFixed(0),
          whole(told.requests),
          whole(peakRss / 2 ** 20),
          readers > 1 ? whole(told.readerPeak / 2 ** 20) : '',
        ]);
      }
    });
  }
  printTable(
    `a training on ${DAYS} days of history (load ${load()})`,
    ['history', 'readers', 'read s', 'all s', 'requests', 'peak MiB', 'reader MiB'],
    rows,
  );
}

const job = (args: readonly string[]) => {
  const script = fileURLToPath(new URL('./history-job.ts', import.meta.url));
  return runMeasured(['--import', import.meta.resolve('tsx'), script, ...args], {});
};
