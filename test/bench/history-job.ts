import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { finetuneRun } from '../../lib/models/index.ts';
import { gatherShards, putManifest, readManifest } from '../../lib/run/index.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { counted } from './counted-store.ts';
import { nightOf } from './night.ts';
import { FIRST_DAY, openShop, shopConfig, writeDays } from './shop.ts';

/** One process of the history benchmark: `generate FOLDER USERS DAYS`, `train FOLDER RUN READERS`, `read FOLDER RUN SCRATCH FROM TO`. */

const SHARDS = 64;

async function generate(folder: string, users: number, days: number): Promise<unknown> {
  const store = await openFolderStore(folder, { durable: false });
  const config = shopConfig(SHARDS, availableParallelism());
  const shop = openShop({ users, daily: 0.006, lines: 2, every: 180 }, (id) => `p-${id}`);
  const { inputs, events } = await writeDays(store, config, shop, 0, days);
  const manifest = nightOf(config, inputs, FIRST_DAY + days, { users: null });
  return { runId: await putManifest(store, manifest), events };
}

async function train(folder: string, runId: string, readers: number): Promise<unknown> {
  const { store, calls } = counted(await openFolderStore(folder, { durable: false }));
  const others = { requests: 0, peak: 0 };
  const started = performance.now();
  let read = 0;
  await finetuneRun({
    store,
    runId,
    // What is told once reading is over.
    progress: (text) => {
      if (read === 0 && text.includes('reading users')) read = performance.now() - started;
    },
    beside: {
      readers: () => readers - 1,
      async read(scratch, { from, to }) {
        const told = await reader(['read', folder, runId, scratch, String(from), String(to)]);
        others.requests += told.requests;
        others.peak = Math.max(others.peak, told.peak);
      },
    },
  });
  return {
    seconds: (performance.now() - started) / 1000,
    readSeconds: read / 1000,
    requests: calls.requests + others.requests,
    readerPeak: others.peak,
  };
}

async function readShards(folder: string, runId: string, scratch: string, from: number, to: number) {
  const { store, calls } = counted(await openFolderStore(folder, { durable: false }));
  await gatherShards(store, await readManifest(store, runId), scratch, { from, to });
  return { requests: calls.requests, peak: process.resourceUsage().maxRSS * 1024 };
}

/** This script in a process of its own. */
async function reader(args: readonly string[]): Promise<{ requests: number; peak: number }> {
  const script = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`a reader ended with code ${code}`);
  return JSON.parse(output);
}

const [command, folder = '', ...rest] = process.argv.slice(2);
const [first = '', second = '', third = '', fourth = ''] = rest;
const result =
  command === 'generate'
    ? await generate(folder, Number(first), Number(second))
    : command === 'train'
      ? await train(folder, first, Number(second))
      : await readShards(folder, first, second, Number(third), Number(fourth));
console.log(JSON.stringify(result));
