import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { makeHandler } from '../../functions/clean/handler.ts';
import { engineWithin, parseQuality, quoteText, withConnection } from '../../lib/clean/index.ts';
import { type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms, decodeArrow } from '../../lib/data/index.ts';
import { getText, openFolderStore } from '../../lib/runtime/index.ts';
import { formatS3Event } from '../../lib/runtime/s3-events.ts';
import { bytewise, jsonLinewise, linewise, type Mutate, several } from './mutate.ts';
import type { Outcome, Reader } from './reader.ts';

/** Dropped files, through the very handler that a bucket's messages call. */

type Source = NonNullable<ConfigInput['sources']>[string];

/** Memory of the clean function by default, MiB: DuckDB gets its part of it. */
const FUNCTION_MIB = 2048;

async function dropReader(
  source: Source,
  suffix: string,
  seeds: readonly Uint8Array[],
  mutate: Mutate,
): Promise<Reader> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-fuzz-'));
  const config = parseConfig({ shop: { timeZone: 'Europe/London' }, sources: { shop: source }, tasks: {} });
  let drops = 0;
  return {
    seeds,
    mutate,
    async read(bytes): Promise<Outcome> {
      // A store for each, so that none is known from before and the folder stays small.
      const home = join(folder, String(drops++));
      const store = await openFolderStore(home, { durable: false });
      const key = `drop/shop/day${suffix}`;
      await store.put(key, bytes);
      const faults: unknown[] = [];
      const handle = makeHandler({
        store,
        config,
        pseudonyms: createPseudonyms(new Uint8Array(64).fill(7)),
        engine: engineWithin(FUNCTION_MIB, 1),
        report() {},
        onError: (error) => faults.push(error),
      });
      const body = formatS3Event({ bucket: 'shop', key, size: bytes.length, etag: '' });
      const { batchItemFailures } = await handle({
        Records: [{ messageId: '1', receiptHandle: '1', body, attributes: { ApproximateReceiveCount: '1' } }],
      });
      if (batchItemFailures.length > 0) throw new Error('the message came back', { cause: faults[0] });
      const outcome = await audit(store);
      await rm(home, { recursive: true });
      return outcome;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What is on record of the drop: every row is somewhere, and a refusal says why and what to do. */
async function audit(store: Awaited<ReturnType<typeof openFolderStore>>): Promise<Outcome> {
  const keys: string[] = [];
  for await (const { key } of store.list('quality/')) keys.push(key);
  if (keys.length !== 1) throw new Error(`${keys.length} quality records stand, expected 1`);
  const quality = parseQuality((await getText(store, keys[0]!)) ?? '', keys[0]!);
  if (quality.status === 'refused') {
    const { reason, hint } = quality.refused;
    if (reason === '' || hint === '' || /INTERNAL|assert|stack/i.test(reason))
      throw new Error(`an empty or odd refusal: ${JSON.stringify(quality.refused)}`);
    return 'refused';
  }
  const { rowsIn, clean, quarantinedRows, duplicates } = quality;
  const told = `${rowsIn} rows in, ${clean} clean, ${duplicates.dropped} duplicates, ${quarantinedRows} quarantined`;
  // A line may hold several rows (items of an order): then there are more of them than lines.
  if (clean + duplicates.dropped + quarantinedRows < rowsIn) throw new Error(`rows are missing: ${told}`);
  for (const [prefix, rows] of [
    ['clean/', clean],
    ['quarantine/', quarantinedRows],
  ] as const) {
    let stored = 0;
    for await (const { key } of store.list(prefix)) {
      if (key.startsWith('clean/withdrawn/')) continue;
      const { batches } = decodeArrow(await (await store.get(key)).bytes(), key);
      stored += batches.reduce((sum, batch) => sum + batch.numRows, 0);
    }
    if (stored !== rows) throw new Error(`${prefix} has ${stored} rows: ${told}`);
  }
  return 'read';
}

const here = (path: string) => new URL(path, import.meta.url).pathname;

const EVENTS = {
  table: 'events',
  prefix: 'shop/',
  columns: {
    user: 'CustomerID',
    time: 'InvoiceDate',
    type: `CASE WHEN InvoiceNo::VARCHAR LIKE 'C%' THEN 'return' ELSE 'purchase' END`,
    item: 'StockCode',
    quantity: 'Quantity',
    price: 'UnitPrice',
    text: 'Description',
  },
  duplicates: 'keep',
} as const;

/** The first rows of two real days. */
async function realDays(): Promise<string[]> {
  const folder = here('../../examples/online-retail/drops/transactions/');
  const names = (await readdir(folder)).sort();
  return Promise.all(
    [names[0]!, names.at(-1)!].map(async (name) => {
      const text = gunzipSync(await readFile(join(folder, name))).toString('utf8');
      return `${text.split('\n').slice(0, 40).join('\n')}\n`;
    }),
  );
}

export async function csv(): Promise<Reader> {
  const days = await realDays();
  const seeds = days.flatMap((day) => [
    Buffer.from(day),
    Buffer.from(`\ufeff${day.replaceAll('\n', '\r\n')}`),
    gzipSync(day),
  ]);
  return dropReader({ ...EVENTS, format: 'csv' }, '.csv', seeds, several(linewise, linewise, bytewise));
}

export async function jsonl(): Promise<Reader> {
  const seeds = (await realDays()).map((day) => {
    const [head, ...rows] = day.trimEnd().split('\n');
    const names = head!.split(',');
    const lines = rows.map((row) => {
      const fields = row.split(',');
      return JSON.stringify(Object.fromEntries(names.map((name, i) => [name, fields[i] ?? null])));
    });
    return Buffer.from(`${lines.join('\n')}\n`);
  });
  return dropReader(
    { ...EVENTS, format: 'jsonl' },
    '.jsonl',
    seeds,
    several(jsonLinewise, jsonLinewise, bytewise),
  );
}

/** The same rows as DuckDB writes them: each codec, both versions of pages, several row groups. */
export async function parquet(): Promise<Reader> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-fuzz-'));
  const seeds: Uint8Array[] = [];
  await withConnection({ threads: 1 }, async (sql) => {
    for (const [i, day] of (await realDays()).entries()) {
      const from = join(folder, `${i}.csv`);
      await writeFile(from, day);
      for (const options of PARQUET_FORMS) {
        const to = join(folder, `${i}-${seeds.length}.parquet`);
        await sql.run(
          `COPY (FROM read_csv(${quoteText(from)})) TO ${quoteText(to)} (FORMAT parquet, ${options})`,
        );
        seeds.push(await readFile(to));
      }
    }
  });
  await rm(folder, { recursive: true });
  return dropReader({ ...EVENTS, format: 'parquet' }, '.parquet', seeds, several(bytewise));
}

const PARQUET_FORMS = [
  'COMPRESSION uncompressed',
  'COMPRESSION snappy, ROW_GROUP_SIZE 10',
  'COMPRESSION gzip, PARQUET_VERSION V2',
  'COMPRESSION zstd',
  'COMPRESSION lz4_raw',
];
