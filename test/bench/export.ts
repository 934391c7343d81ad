import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BENCH_KEY } from './export-shop.ts';
import { load, printTable, whole, withFolder } from './support.ts';

const USERS = Number(process.env.BENCH_USERS ?? 5_000_000);
const SHARDS = 64;
/** What the job plans for a worker: it starts as many as fit into NIGHTJAR_MEMORY_MIB. */
const WORKER_MIB = 1536;
/** A machine of Fargate that has room for as many workers as vCPUs. */
const LARGEST_VCPUS = 16;

/** Prints processor seconds and the peak of memory (KiB) of its process as the last thing that it does. */
const METER = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    const peak = /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1];
    console.error('metered ' + JSON.stringify({ cpu: (user + system) / 1e6, peak: Number(peak) }));
  });
`)}`;

interface Metered {
  readonly seconds: number;
  readonly cpu: number;
  /** Of all processes together, had each its peak at the same time. */
  readonly peakMib: number;
}

/**
 * The export job as the cloud starts it, over the scores of 5 million users (BENCH_USERS): three tasks with reasons, one
 * list, both formats; by one process, and shared out to two workers. What 100 million users would take is computed.
 */
export async function benchExport(): Promise<void> {
  await withFolder(async (folder) => {
    const bucket = join(folder, 'bucket');
    const key = join(folder, 'bench.key');
    await writeFile(key, BENCH_KEY);
    const generate = await run([script('./export-job.ts'), bucket, String(USERS), String(SHARDS)], {});
    const runId = generate.output.trim();
    const measured: [string, Metered][] = [];
    for (const workers of [1, 2]) {
      await rm(join(bucket, 'exports'), { recursive: true, force: true });
      const job = await run([script('../../containers/export/main.ts')], {
        NIGHTJAR_STORE: bucket,
        NIGHTJAR_KEY_FILE: key,
        NIGHTJAR_RUN: runId,
        NIGHTJAR_MEMORY_MIB: String(workers * WORKER_MIB),
      });
      measured.push([`${workers} worker${workers > 1 ? 's' : ''}`, job]);
    }
    printTable(
      `export of ${whole(USERS)} users, ${SHARDS} shards (load ${load()})`,
      [
        '',
        's',
        'cpu s',
        'cpu s/million',
        'peak MB',
        '100 million on 4 vCPUs: min',
        `on ${LARGEST_VCPUS}: min`,
      ],
      measured.map(([name, { seconds, cpu, peakMib }]) => {
        const perMillion = (cpu / USERS) * 1e6;
        // Four vCPUs are taken for two cores of this machine, as everywhere in lib/cost.
        const minutes = (vcpus: number) => ((100 * perMillion) / (vcpus / 2) / 60).toFixed(0);
        return [
          name,
          seconds.toFixed(0),
          cpu.toFixed(0),
          perMillion.toFixed(1),
          peakMib.toFixed(0),
          minutes(4),
          minutes(LARGEST_VCPUS),
        ];
      }),
    );
  });
}

const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Runs a script to its end, with what it starts. */
function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Metered & { readonly output: string }> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--import', METER, '--import', 'tsx', ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`${args.join(' ')} ended with code ${code}: ${errors.trim()}`));
      const told = [...errors.matchAll(/^metered (.*)$/gm)].map(([, json]): { cpu: number; peak: number } =>
        JSON.parse(json!),
      );
      resolve({
        seconds: (performance.now() - started) / 1000,
        cpu: told.reduce((sum, { cpu }) => sum + cpu, 0),
        peakMib: told.reduce((sum, { peak }) => sum + peak, 0) / 1024,
        output,
      });
    });
  });
}
