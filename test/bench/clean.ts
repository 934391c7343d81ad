import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { cleanDrop } from '../../lib/clean/index.ts';
import { type Config, loadConfig, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms, type Pseudonyms } from '../../lib/data/index.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { type Contender, printTimings, sideBySide, unit, withFolder } from './support.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/online-retail/', import.meta.url));
const BIG_ROWS = Number(process.env.BENCH_ROWS ?? 1_500_000);
const THREADS = 2;
/** Drops that a run cleans at the same time. */
const AT_ONCE = 2;
const KEY = new Uint8Array(64).fill(7);

/**
 * Clean's time beside what no one can do without: DuckDB reads the same files, sorts the rows by user and time and writes them
 * as Parquet. Further down DuckDB's reader alone, and a plain line parser in Node.
 */
export async function benchClean(): Promise<void> {
  await withFolder(async (folder) => {
    const { config } = await loadConfig(EXAMPLE);
    const drops = join(EXAMPLE, 'drops', 'transactions');
    const small = (await readdir(drops)).sort().map((name) => ({ name, path: join(drops, name) }));
    await compare(
      folder,
      'clean: 305 daily files (online-retail, csv.gz)',
      config,
      'transactions',
      small,
      'CustomerID, InvoiceDate',
      3,
    );
    const name = 'events.csv';
    await writeBig(join(folder, name));
    await compare(
      folder,
      'clean: one big file',
      BIG_CONFIG,
      'events',
      [{ name, path: join(folder, name) }],
      'customer, occurred_at',
      3,
    );
  });
}

interface File {
  readonly name: string;
  readonly path: string;
}

async function compare(
  folder: string,
  title: string,
  config: Config,
  source: string,
  files: readonly File[],
  order: string,
  repetitions: number,
): Promise<void> {
  const root = join(folder, 'store');
  const store = await openFolderStore(root, { durable: false });
  await mkdir(join(root, 'drop', source), { recursive: true });
  for (const { name, path } of files) await copyFile(path, join(root, 'drop', source, name));
  let rows = 0;
  const empty = async () => {
    for (const prefix of ['clean', 'quality', 'quarantine']) {
      await rm(join(root, prefix), { recursive: true, force: true });
    }
  };
  const clean = async (pseudonyms: Pseudonyms) => {
    rows = 0;
    const queue = [...files];
    const worker = async () => {
      for (let file = queue.shift(); file; file = queue.shift()) {
        const key = `drop/${source}/${file.name}`;
        const result = await cleanDrop({ store, config, pseudonyms, key, engine: { threads: THREADS } });
        if (result.status !== 'clean' || result.quality.status !== 'clean') {
          throw new Error(`${file.name} was not cleaned: ${result.status}`);
        }
        rows += result.quality.rowsIn;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  const instance = await DuckDBInstance.create(':memory:', { threads: String(THREADS) });
  const connection = await instance.connect();
  const read = (path: string) => `SELECT * FROM read_csv('${path}', all_varchar = true, header = true)`;
  const readAlone = async () => {
    for (const { path } of files) await connection.run(`CREATE OR REPLACE TABLE raw AS ${read(path)}`);
  };
  const sorted = join(folder, 'sorted.parquet');
  const readSortWrite = async () => {
    for (const { path } of files) {
      await connection.run(`COPY (${read(path)} ORDER BY ${order}) TO '${sorted}' (FORMAT parquet)`);
    }
  };
  const known = createPseudonyms(KEY);
  const cold: Contender = { name: 'clean', prepare: empty, run: () => clean(createPseudonyms(KEY)) };
  // A process seals each user once, so users that came in an earlier drop cost nothing more.
  const warm: Contender = { name: 'clean, users known', prepare: empty, run: () => clean(known) };
  const timings = await sideBySide(
    [
      { name: 'DuckDB: read, sort, write', run: readSortWrite },
      cold,
      ...(files.length === 1 ? [warm] : []),
      { name: 'DuckDB: read', run: readAlone },
      { name: 'plain Node', run: () => plainNode(files) },
    ],
    repetitions,
  );
  connection.closeSync();
  instance.closeSync();
  printTimings(title, timings, rows, 'rows');
  await rm(root, { recursive: true, force: true });
}

/** Lines split at commas and one column summed: less than any cleaning does. */
async function plainNode(files: readonly File[]): Promise<void> {
  for (const { name, path } of files) {
    const bytes = createReadStream(path);
    const input = name.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
    let sum = 0;
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const value = Number(line.split(',')[5]);
      if (!Number.isNaN(value)) sum += value;
    }
    if (sum === 0) throw new Error(`${name}: nothing was summed`);
  }
}

export const bigConfig = (format: 'csv' | 'jsonl' | 'parquet') =>
  parseConfig({
    shop: { timeZone: 'Europe/Berlin' },
    sources: {
      events: {
        format,
        table: 'events',
        columns: {
          user: 'customer',
          time: 'occurred_at',
          type: 'kind',
          item: 'sku',
          quantity: 'units',
          price: 'price',
          session: 'visit',
        },
      },
    },
    tasks: {},
  });

export const BIG_CONFIG = bigConfig('csv');

/** Events of 100,000 customers on one day, in the order of time; a fixed seed, so the same bytes in every run. */
export async function writeBig(path: string, rows = BIG_ROWS): Promise<void> {
  const out = createWriteStream(path);
  out.write('visit,sku,kind,occurred_at,customer,units,price\n');
  const day = Date.UTC(2024, 5, 3);
  for (let start = 0; start < rows; start += 10_000) {
    const lines: string[] = [];
    for (let row = start; row < Math.min(rows, start + 10_000); row++) {
      const customer = Math.floor(unit(row, 1) ** 2 * 100_000);
      const time = new Date(day + Math.floor((row / rows) * 86_400_000)).toISOString();
      const kind = unit(row, 2) < 0.8 ? 'view' : 'purchase';
      const sku = `P${10_000 + Math.floor(unit(row, 3) ** 2 * 20_000)}`;
      const price = (1 + unit(row, 4) * 99).toFixed(2);
      lines.push(
        `v${customer}-${row >> 16},${sku},${kind},${time},c${customer},${1 + Math.floor(unit(row, 5) * 3)},${price}\n`,
      );
    }
    if (!out.write(lines.join(''))) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}
