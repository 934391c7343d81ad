import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

/** One of the things that a benchmark compares. */
export interface Contender {
  readonly name: string;
  /** What has to be undone or laid out before each run; not timed. */
  readonly prepare?: () => Promise<void>;
  /** Does the whole work once. */
  readonly run: () => Promise<void>;
}

export interface Timing {
  readonly name: string;
  /** Of every repetition, in order. */
  readonly seconds: readonly number[];
  readonly median: number;
  /** Median of the processor time that all threads of the process took together; other work on the machine moves it little. */
  readonly cpu: number;
}

/**
 * Runs contenders in alternation (A B C A B C …), so that a noisy machine slows all of them alike; one round before the
 * first that counts warms them up.
 */
export async function sideBySide(
  contenders: readonly Contender[],
  repetitions: number,
  warmUp = true,
): Promise<Timing[]> {
  const seconds = contenders.map((): number[] => []);
  const cpu = contenders.map((): number[] => []);
  for (let round = warmUp ? -1 : 0; round < repetitions; round++) {
    for (const [index, { prepare, run }] of contenders.entries()) {
      await prepare?.();
      const used = process.cpuUsage();
      const started = performance.now();
      await run();
      if (round < 0) continue;
      seconds[index]!.push((performance.now() - started) / 1000);
      const { user, system } = process.cpuUsage(used);
      cpu[index]!.push((user + system) / 1e6);
    }
  }
  return contenders.map(({ name }, i) => ({
    name,
    seconds: seconds[i]!,
    median: median(seconds[i]!),
    cpu: median(cpu[i]!),
  }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Prints rows under a header, columns aligned; the first column is text, the others stand to the right. */
export function printTable(
  title: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  console.log(`\n${title}`);
  console.log(`  ${line(header)}`);
  for (const row of rows) console.log(`  ${line(row)}`);
}

/** A table of contenders: median time, all times, units per second, and the time as a multiple of the base's. */
export function printTimings(title: string, timings: readonly Timing[], units: number, unit: string): void {
  const base = timings[0]!;
  printTable(
    `${title} (${whole(units)} ${unit}, load ${load()})`,
    ['', 'median s', 'all s', `${unit}/s`, `x ${base.name}`, 'cpu s', `${unit}/cpu s`, 'x cpu'],
    timings.map(({ name, seconds, median: middle, cpu }) => [
      name,
      middle.toFixed(3),
      seconds.map((s) => s.toFixed(2)).join(' '),
      whole(units / middle),
      (middle / base.median).toFixed(2),
      cpu.toFixed(3),
      whole(units / cpu),
      (cpu / base.cpu).toFixed(2),
    ]),
  );
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en');

/** The load of the last minute: what else the machine was doing. */
export const load = (): string => loadavg()[0]!.toFixed(2);

/** The machine and the versions that figures belong to. */
export function machine(): string {
  const processors = cpus();
  const version = (name: string): string =>
    JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
      .version;
  return [
    `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown processor'}`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `Node ${process.versions.node}`,
    `DuckDB ${version('@duckdb/node-api')}`,
    `onnxruntime ${version('onnxruntime-node')}`,
    `Arrow ${version('apache-arrow')}`,
    `load ${load()}`,
  ].join(', ');
}

/** Runs with an empty folder that is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-bench-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A number in [0, 1) that depends on its arguments alone: an integer mixer (murmur3's finaliser) over both. */
export function unit(a: number, b: number): number {
  let h = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}
