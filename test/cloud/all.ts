import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasMoto } from '../aws/moto.ts';
import { deploy } from './deployment.ts';
import { drop, rowsOf, runNight } from './nights.ts';
import { ALL_DAYS, dropsOf, exportsOf, fullRetail, localNights } from './retail.ts';
import { openWorld, type World } from './world.ts';

/**
 * All 305 drops with the example's own model through the synthesised system, over the protocols of S3, SQS and Batch:
 * a first night that trains, and a second one after the last drop. Prints what it took, and compares the exports with
 * those of the local command. `--skip-local` leaves the comparison out.
 */
const NIGHTS = ['2011-09-10', '2011-12-10'] as const;

async function main(): Promise<void> {
  if (!hasMoto) return;
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-e2e-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(folder: string): Promise<void> {
  const config = await fullRetail(folder);
  const deployment = await timed('build, synthesise, install', () => deploy(folder));
  const root = await mkdtemp(join(folder, 'world-'));
  const world = await timed('create the resources', () =>
    openWorld({ ...deployment, root, seed: 'all', jobs: 1 }),
  );
  const nights = NIGHTS.map((asOf, i) => ({
    asOf,
    drops: dropsOf(ALL_DAYS.filter((name) => name < asOf && name >= (NIGHTS[i - 1] ?? ''))),
  }));
  try {
    for (const { asOf, drops } of nights) {
      await timed(`${asOf}: upload ${drops.size} drops`, () => drop(world, drops));
      await timed(`${asOf}: clean and features`, () => world.ingest());
      const jobsBefore = world.batch.jobs.length;
      await timed(`${asOf}: ticks and jobs`, () => runNight(world, asOf));
      printJobs(world, jobsBefore);
    }
    console.log(`rows        ${JSON.stringify(await rowsOf(world, config))}`);
    await printSizes(world);
    printRequests(world);
    if (!process.argv.includes('--skip-local')) await compare(world, folder, nights);
  } catch (error) {
    await writeFile('e2e-failed.log', world.story());
    throw error;
  } finally {
    await world.close();
  }
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(8)} s  ${what}`);
  return result;
}

function printJobs({ batch }: World, from: number): void {
  for (const { request, tasks } of batch.jobs.slice(from)) {
    for (const { index, startedAt = 0, stoppedAt = 0, attempts } of tasks) {
      const child = index === undefined ? '' : `, child ${index}`;
      const seconds = ((stoppedAt - startedAt) / 1000).toFixed(1).padStart(8);
      console.log(`${seconds} s    ${request.jobName}${child}, attempts: ${attempts.length}`);
    }
  }
}

async function printSizes({ store }: World): Promise<void> {
  const sizes = new Map<string, { objects: number; bytes: number }>();
  for await (const { key, size } of store.list('')) {
    const prefix = key.split('/')[0]!;
    const { objects, bytes } = sizes.get(prefix) ?? { objects: 0, bytes: 0 };
    sizes.set(prefix, { objects: objects + 1, bytes: bytes + size });
  }
  for (const [prefix, { objects, bytes }] of sizes) {
    console.log(
      `${prefix.padEnd(11)} ${String(objects).padStart(5)} objects ${(bytes / 2 ** 20).toFixed(2).padStart(8)} MiB`,
    );
  }
}

function printRequests({ gateway, functions }: World): void {
  for (const [call, n] of [...gateway.counts].sort()) console.log(`${String(n).padStart(7)} × ${call}`);
  for (const { hosts } of Object.values(functions)) {
    for (const { name, starts } of hosts) {
      for (const { ms, rss } of starts) {
        console.log(`cold start of ${name}: ${ms.toFixed(0)} ms, ${(rss / 2 ** 20).toFixed(0)} MiB`);
      }
    }
  }
}

async function compare(
  world: World,
  folder: string,
  nights: Parameters<typeof localNights>[1],
): Promise<void> {
  const local = await timed('the same nights by the local command', () => localNights(folder, nights));
  for (const [i, { asOf }] of nights.entries()) {
    const there = (await exportsOf(world.store, asOf)).files;
    for (const [name, hash] of Object.entries(local[i]!.files)) {
      const same = there[name] === hash;
      console.log(`${asOf} ${name}: ${same ? 'the same bytes' : 'DIFFERENT'} (${hash.slice(0, 12)})`);
      if (!same) process.exitCode = 1;
    }
  }
}

await main();
