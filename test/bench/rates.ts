import { createReadStream } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { cleanDrop } from '../../lib/clean/index.ts';
import { loadConfig } from '../../lib/config/index.ts';
import { canonicalJson, createPseudonyms } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import { buildDays, readShardDays } from '../../lib/features/index.ts';
import { finetuneRun } from '../../lib/models/index.ts';
import { putModel } from '../../lib/registry/index.ts';
import { putManifest, readManifest, taskGroups, withGatheredUsers } from '../../lib/run/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { scoreRun } from '../../lib/score/index.ts';
import { BIG_CONFIG, bigConfig, writeBig } from './clean.ts';
import { drawnModel } from './model.ts';
import { nightOf } from './night.ts';
import { FIRST_DAY, openShop, shopConfig, writeDays } from './shop.ts';
import { load, machine, printTable, withFolder } from './support.ts';

const RATES = fileURLToPath(new URL('../../lib/cost/rates.json', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../examples/online-retail/', import.meta.url));
const ROWS = 1_500_000;
const SMALL_DROPS = 60;
const USERS = 100_000;
const DAYS = 30;
const SHARDS = 8;
/** How often a training looks at its users: to count, and to survey and make rows at each day that it tries candidates as of. */
const TRAINING_LOOKS = 12;
const pseudonyms = createPseudonyms(new Uint8Array(64).fill(7));

type Requests = Record<'get' | 'head' | 'put' | 'list', number>;

/**
 * The rates that `nightjar cost` computes with: processor seconds (of all threads, so that a busy machine moves them
 * little), bytes and store requests. With NIGHTJAR_WRITE_RATES=1 they are written to lib/cost/rates.json.
 */
export async function benchRates(): Promise<void> {
  const rates: Record<string, number> = {};
  await withFolder(async (folder) => Object.assign(rates, await largeDrop(folder)));
  await withFolder(async (folder) => Object.assign(rates, await smallDrops(folder, rates)));
  await withFolder(async (folder) => Object.assign(rates, await night(folder)));
  const rounded = Object.fromEntries(
    Object.entries(rates).map(([name, value]) => [name, Number(value.toPrecision(4))]),
  );
  printTable(
    `rates (load ${load()})`,
    ['rate', 'value'],
    Object.entries(rounded).map(([name, value]) => [name, String(value)]),
  );
  if (process.env.NIGHTJAR_WRITE_RATES === '1') {
    const file = {
      command: 'npm run bench -- rates',
      measured: new Date().toISOString().slice(0, 10),
      machine: machine(),
      rates: rounded,
    };
    await writeFile(RATES, `${JSON.stringify(file, null, 2)}\n`);
  }
}

async function largeDrop(folder: string): Promise<Record<string, number>> {
  const { store, taken } = counting(await openFolderStore(folder, { durable: false }));
  const key = 'drop/events/big.csv';
  const file = join(folder, 'big.csv');
  await writeBig(file, ROWS);
  await store.put(key, createReadStream(file));
  const clean = await used(() => cleanDrop({ store, config: BIG_CONFIG, pseudonyms, key }));
  const cleanKey = await only(store, 'clean/');
  const days = await used(() => buildDays({ store, config: BIG_CONFIG, cleanKey }));
  taken();
  const perRow = async (prefix: string) => (await sizeOf(store, prefix)) / ROWS;
  return {
    cleanCpuSecondsPerMillionCsvRows: (clean / ROWS) * 1e6,
    dropBytesPerCsvRow: await perRow('drop/'),
    ...(await otherFormats(folder, file)),
    featuresCpuSecondsPerMillionRows: (days / ROWS) * 1e6,
    cleanBytesPerRow: await perRow('clean/'),
    dayBytesPerRow: await perRow('days/'),
  };
}

/** The same rows as drops of the other formats, each in a bucket of its own. */
async function otherFormats(folder: string, csv: string): Promise<Record<string, number>> {
  const rates: Record<string, number> = {};
  for (const { name, suffix, format, copy } of OTHER_FORMATS) {
    const file = join(folder, `big.${suffix}`);
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(
      `COPY (SELECT * FROM read_csv('${csv}', all_varchar = true)) TO '${file}' (${copy})`,
    );
    connection.closeSync();
    instance.closeSync();
    const store = await openFolderStore(join(folder, suffix), { durable: false });
    const key = `drop/events/big.${suffix}`;
    await store.put(key, createReadStream(file));
    const cold = createPseudonyms(new Uint8Array(64).fill(7));
    const clean = await used(() => cleanDrop({ store, config: bigConfig(format), pseudonyms: cold, key }));
    await only(store, 'clean/');
    rates[`cleanCpuSecondsPerMillion${name}Rows`] = (clean / ROWS) * 1e6;
    rates[`dropBytesPer${name}Row`] = (await sizeOf(store, 'drop/')) / ROWS;
  }
  return rates;
}

const OTHER_FORMATS = [
  { name: 'CsvGz', suffix: 'csv.gz', format: 'csv', copy: 'FORMAT csv, HEADER, COMPRESSION gzip' },
  { name: 'JsonlGz', suffix: 'jsonl.gz', format: 'jsonl', copy: 'FORMAT json, COMPRESSION gzip' },
  { name: 'Parquet', suffix: 'parquet', format: 'parquet', copy: 'FORMAT parquet, COMPRESSION zstd' },
] as const;

async function smallDrops(
  folder: string,
  { cleanCpuSecondsPerMillionCsvGzRows = 0, featuresCpuSecondsPerMillionRows = 0 }: Record<string, number>,
): Promise<Record<string, number>> {
  const { config } = await loadConfig(EXAMPLE);
  const { store, taken } = counting(await openFolderStore(folder, { durable: false }));
  const drops = join(EXAMPLE, 'drops', 'transactions');
  const names = (await readdir(drops)).sort().slice(0, SMALL_DROPS);
  for (const name of names) {
    await store.put(`drop/transactions/${name}`, createReadStream(join(drops, name)));
  }
  taken();
  let rows = 0;
  const cleanKeys: string[] = [];
  const clean = await used(async () => {
    for (const name of names) {
      const result = await cleanDrop({ store, config, pseudonyms, key: `drop/transactions/${name}` });
      if (result.status !== 'clean' || result.quality.status !== 'clean') throw new Error(result.status);
      rows += result.quality.rowsIn;
      cleanKeys.push(result.keys.clean!);
    }
  });
  const cleanRequests = taken();
  const days = await used(async () => {
    for (const cleanKey of cleanKeys) await buildDays({ store, config, cleanKey });
  });
  const featureRequests = taken();
  const each = (total: number, perMillion: number) =>
    Math.max(0, total - (rows / 1e6) * perMillion) / SMALL_DROPS;
  return {
    cleanCpuSecondsPerDrop: each(clean, cleanCpuSecondsPerMillionCsvGzRows),
    featuresCpuSecondsPerDrop: each(days, featuresCpuSecondsPerMillionRows),
    ...perUnit('clean', 'Drop', cleanRequests, SMALL_DROPS),
    ...perUnit('features', 'Drop', featureRequests, SMALL_DROPS),
  };
}

async function night(folder: string): Promise<Record<string, number>> {
  const config = shopConfig(SHARDS);
  const { store, taken } = counting(await openFolderStore(folder, { durable: false }));
  const shop = openShop({ users: USERS, daily: 0.12, lines: 2 }, (id) => pseudonyms.seal(id));
  const { inputs, events } = await writeDays(store, config, shop, 0, DAYS);
  const day = FIRST_DAY + DAYS;
  const sample = await readShardDays({ store, config, inputs, shard: 0, shards: SHARDS, before: day });
  const drawn = drawnModel(config, sample, day, (id) => sample.items.text(id));
  const group = taskGroups(config)[0]!.name;
  const version = await putModel(store, group, {
    'model.onnx': drawn.model,
    'manifest.json': Buffer.from(canonicalJson(drawn.manifest)),
  });
  const scored = await putManifest(store, nightOf(config, inputs, day, { [group]: version }));
  const fold = await used(async () => {
    for (let shard = 0; shard < SHARDS; shard++) {
      const users = await readShardDays({ store, config, inputs, shard, shards: SHARDS, before: day });
      for (const user of users) user.advance(day);
    }
  });
  taken();
  const quiet = () => {};
  const score = await used(() =>
    scoreRun({ store, runId: scored, shards: { from: 0, to: SHARDS }, progress: quiet }),
  );
  taken();
  const exported = await used(() =>
    exportRun({ store, runId: scored, pseudonyms, now: () => new Date(0), progress: quiet }),
  );
  const exportRequests = taken();
  const perUser = async (prefix: string) => (await sizeOf(store, prefix)) / USERS;
  const bytes = {
    snapshotBytesPerUser: await perUser('snapshots/'),
    scoreBytesPerUser: await perUser('scores/'),
    exportBytesPerUser: await perUser('exports/'),
  };
  const trained = await putManifest(store, nightOf(config, inputs, day, { [group]: null }));
  taken();
  const finetune = await used(() => finetuneRun({ store, runId: trained, progress: quiet }));
  const run = await readManifest(store, trained);
  const readSeconds = await withGatheredUsers(store, run, {}, async (users) => {
    const look = async () => {
      const read = await users();
      for (const shard of read.shards) for (const user of await read.read(shard, day)) user.advance(day);
    };
    const first = await used(look);
    return first + (TRAINING_LOOKS - 1) * (await used(look));
  });
  return {
    foldCpuSecondsPerMillionEvents: (fold / events) * 1e6,
    scoreCpuSecondsPerMillionUsers: ((score - fold) / USERS) * 1e6,
    exportCpuSecondsPerMillionUsers: (exported / USERS) * 1e6,
    finetuneCpuSeconds: finetune - readSeconds,
    trainingReadSecondsPerMillionEvents: (readSeconds / events) * 1e6,
    ...bytes,
    ...perUnit('export', 'Shard', exportRequests, SHARDS),
  };
}

/** Processor seconds of all threads that some work took. */
async function used(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** A store that counts what it is asked; `taken` gives the counts since the last call. */
function counting(inner: ObjectStore): { store: ObjectStore; taken: () => Requests } {
  let counts: Requests = { get: 0, head: 0, put: 0, list: 0 };
  const store: ObjectStore = {
    get(key, options) {
      counts.get += 1;
      return inner.get(key, options);
    },
    head(key) {
      counts.head += 1;
      return inner.head(key);
    },
    put(key, body, options) {
      counts.put += 1;
      return inner.put(key, body, options);
    },
    list(prefix) {
      counts.list += 1;
      return inner.list(prefix);
    },
    delete: (key) => inner.delete(key),
  };
  return {
    store,
    taken() {
      const taken = counts;
      counts = { get: 0, head: 0, put: 0, list: 0 };
      return taken;
    },
  };
}

/** Requests as S3 bills them: reads (GET, HEAD) and writes (PUT, LIST). */
function perUnit(
  stage: string,
  unit: string,
  { get, head, put, list }: Requests,
  n: number,
): Record<string, number> {
  return { [`${stage}ReadsPer${unit}`]: (get + head) / n, [`${stage}WritesPer${unit}`]: (put + list) / n };
}

async function sizeOf(store: ObjectStore, prefix: string): Promise<number> {
  let bytes = 0;
  for await (const { size } of store.list(prefix)) bytes += size;
  return bytes;
}

async function only(store: ObjectStore, prefix: string): Promise<string> {
  for await (const { key } of store.list(prefix)) return key;
  throw new Error(`nothing stands under ${prefix}`);
}
