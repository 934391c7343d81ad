import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPseudonyms } from '../../lib/data/index.ts';
import { type ExportManifest, exportRun, type Workers } from '../../lib/export/index.ts';
import { partsOf } from '../../lib/export/table.ts';
import { isAway } from '../../lib/runtime/aws/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { KEY, madeUpUsers, putScored, type ScoredUser, SHARDS, TASKS } from './scored.ts';

const LIMIT = 120_000;
/** Files that hold a fourth of the users each. */
const IN_FOUR = { one: 500, ofSeveral: 300 };
const all = madeUpUsers();

interface Shop {
  readonly root: string;
  readonly store: ObjectStore;
  readonly runId: string;
}

async function scoredShop(): Promise<Shop> {
  const root = `${await temporaryFolder()}/bucket`;
  const store = await openFolderStore(root, { durable: false });
  return { root, store, runId: await putScored(store, all) };
}

type Options = Partial<Pick<Parameters<typeof exportRun>[0], 'store' | 'workers' | 'sizes'>>;

const exported = ({ store, runId }: Shop, options: Options = {}): Promise<ExportManifest> =>
  exportRun({
    ...{ store, runId, pseudonyms: createPseudonyms(KEY), now: () => new Date(0), progress: () => {} },
    ...options,
  });

/** Processes that do the steps, as the job starts them. */
async function workersOf({ root }: Shop, key = KEY): Promise<Workers> {
  const keyFile = `${root}.key`;
  await writeFile(keyFile, key);
  const start = (): ChildProcess =>
    fork(fileURLToPath(new URL('../../containers/export/main.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, NIGHTJAR_EXPORT_WORKER: '1', NIGHTJAR_STORE: root, NIGHTJAR_KEY_FILE: keyFile },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
  return { count: 2, start };
}

/** SHA-256 of every file of an export, by key. */
async function hashes(store: ObjectStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { key } of store.list('exports/')) {
    const bytes = await (await store.get(key)).bytes();
    found[key] = createHash('sha256').update(bytes).digest('hex');
  }
  return found;
}

async function read(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const shardOf = ({ hash }: ScoredUser) => Math.floor((hash / 2 ** 32) * SHARDS);

/** What docs/exports.md says of ranks, over all users at once. */
function expectedRanks(task: (typeof TASKS)[number]): Map<string, { rank: number; decile: number }> {
  const ranked = all
    .filter(({ logits }) => !Number.isNaN(logits[task]))
    .sort((a, b) => b.logits[task] - a.logits[task] || a.hash - b.hash || byBytes(a.id, b.id));
  return new Map(
    ranked.map(({ id }, i) => [id, { rank: i + 1, decile: Math.floor((i * 10) / ranked.length) + 1 }]),
  );
}

const filesOf = (manifest: ExportManifest, table: string, format: string) =>
  manifest.files.filter((file) => file.table === table && file.format === format);

describe('an export in parts', { timeout: LIMIT }, () => {
  let shop: Shop;
  let manifest: ExportManifest;
  let standing: Record<string, string>;

  beforeAll(async () => {
    shop = await scoredShop();
    manifest = await exported(shop, { sizes: IN_FOUR });
    standing = await hashes(shop.store);
  }, LIMIT);

  it('names every file in its manifest, part by part, with rows, bytes and SHA-256', () => {
    const names = filesOf(manifest, 'users', 'parquet').map(({ key }) => key.split('/').at(-1));
    expect(names).toEqual([
      'users-000.parquet',
      'users-001.parquet',
      'users-002.parquet',
      'users-003.parquet',
    ]);
    expect(filesOf(manifest, 'users', 'csv.gz')).toHaveLength(4);
    expect(filesOf(manifest, 'audiences', 'csv.gz')).toHaveLength(8);
    expect(manifest).toMatchObject({
      rows: all.length,
      controlRows: all.filter(({ control }) => control).length,
    });
    for (const { key, sha256 } of manifest.files) expect(standing[key]).toBe(sha256);
    const data = Object.keys(standing).filter((key) => /parquet$|csv\.gz$/.test(key));
    expect(manifest.files.map(({ key }) => key).sort()).toEqual(data.sort());
  });

  it('holds each user once: a range of hashes a part, ordered by id within it', async () => {
    const perPart = SHARDS / 4;
    for (const [part, { key, rows }] of filesOf(manifest, 'users', 'parquet').entries()) {
      const ids = (await read(`SELECT user_id FROM '${shop.root}/${key}'`)).map((row) => row.user_id);
      const expected = all.filter((user) => Math.floor(shardOf(user) / perPart) === part).map(({ id }) => id);
      expect(ids).toEqual(expected.sort(byBytes));
      expect(ids).toHaveLength(rows);
    }
  });

  it('ranks over all users: by logit, then hash, then id', async () => {
    const rows = await read(`SELECT * FROM '${shop.root}/exports/users/parquet/**/*.parquet'`);
    for (const task of TASKS) {
      const expected = expectedRanks(task);
      for (const row of rows) {
        const { rank = null, decile = null } = expected.get(String(row.user_id)) ?? {};
        expect([row.user_id, row[`${task}_rank`], row[`${task}_decile`]]).toEqual([
          row.user_id,
          rank,
          decile,
        ]);
      }
    }
  });

  it('says the same in Parquet and in CSV, whatever ids and texts are made of', async () => {
    const byId = new Map(all.map((user) => [user.id, user]));
    const parquet = await read(
      `SELECT * FROM '${shop.root}/exports/users/parquet/**/*.parquet' ORDER BY churn_rank, user_id`,
    );
    const csv = await read(
      `SELECT * FROM read_csv('${shop.root}/exports/users/csv/**/*.csv.gz', all_varchar = true, hive_partitioning = true,
       allow_quoted_nulls = false) ORDER BY churn_rank::INTEGER, user_id`,
    );
    expect(csv).toHaveLength(all.length);
    for (const [i, row] of parquet.entries()) {
      const { id, control, logits, reasons, list } = byId.get(String(row.user_id))!;
      const other = csv[i]!;
      expect(other.user_id).toBe(id);
      expect([row.control, other.control]).toEqual([control, String(control)]);
      expect(row.preference_top).toEqual(list === null ? null : JSON.parse(list));
      expect(other.preference_top).toBe(list);
      const probability = Number.isNaN(logits.churn) ? null : 1 / (1 + Math.exp(-logits.churn));
      expect(row.churn_probability).toBe(probability);
      expect(other.churn_probability).toBe(probability === null ? null : String(probability));
      expect(other.churn_reasons).toBe(probability === null ? null : reasons);
    }
  });

  it('lists each address of all parts once with its best rank, without the control group, best first', async () => {
    for (const task of TASKS) {
      const expected = expectedRanks(task);
      const held = new Set(all.filter(({ control }) => control).map(({ email }) => email));
      const best = new Map<string, { rank: number; decile: number }>();
      for (const [id, ranked] of expected) {
        const { email } = all.find((user) => user.id === id)!;
        if (email !== null && !held.has(email) && !best.has(email)) best.set(email, ranked);
      }
      const files = filesOf(manifest, 'audiences', 'csv.gz').filter(({ key }) =>
        key.includes(`task=${task}/`),
      );
      const rows = [];
      for (const { key } of files)
        rows.push(...(await read(`SELECT * FROM read_csv('${shop.root}/${key}')`)));
      expect(rows.map((row) => [row.email_sha256, Number(row.rank), Number(row.decile)])).toEqual(
        [...best].map(([email, { rank, decile }]) => [email, rank, decile]),
      );
    }
  });

  it('has the same rows as one file, which is ordered by id as a whole', async () => {
    const whole = await scoredShop();
    const { files } = await exported(whole);
    expect(files.map(({ key }) => key.split('/').at(-1)).sort()).toEqual([
      ...Array(2).fill('audience.csv.gz'),
      ...Array(2).fill('audience.parquet'),
      ...['users.csv.gz', 'users.parquet'],
    ]);
    const users = (root: string) =>
      read(`SELECT * EXCLUDE run FROM '${root}/exports/users/parquet/**/*.parquet' ORDER BY ALL`);
    expect(await users(whole.root)).toEqual(await users(shop.root));
    const ids = await read(`SELECT user_id FROM '${whole.root}/exports/users/parquet/**/*.parquet'`);
    expect(ids.map((row) => row.user_id)).toEqual(all.map(({ id }) => id).sort(byBytes));
  });

  it('has the same bytes when workers share it out', async () => {
    const shared = await scoredShop();
    const workers = await workersOf(shared);
    let started = 0;
    const start = () => {
      started += 1;
      return workers.start();
    };
    await exported(shared, { sizes: IN_FOUR, workers: { count: 2, start } });
    expect(started).toBe(2);
    expect(await hashes(shared.store)).toEqual(standing);
  });

  it('that was killed goes on with the files that are missing, and ends in the same bytes', async () => {
    const killed = await scoredShop();
    // given: it ends before its sixth file
    const puts: string[] = [];
    const dying: ObjectStore = {
      ...{ get: killed.store.get.bind(killed.store), head: killed.store.head.bind(killed.store) },
      ...{ list: killed.store.list.bind(killed.store), delete: killed.store.delete.bind(killed.store) },
      put(key, body, options) {
        if (puts.length === 5) throw new Error('killed');
        puts.push(key);
        return killed.store.put(key, body, options);
      },
    };
    await expect(exported(killed, { store: dying, sizes: IN_FOUR })).rejects.toThrow('killed');
    expect(Object.keys(await hashes(killed.store)).filter((key) => key.endsWith('_SUCCESS'))).toEqual([]);
    // when
    const again: string[] = [];
    const seeing: ObjectStore = {
      ...dying,
      put(key, body, options) {
        again.push(key);
        return killed.store.put(key, body, options);
      },
    };
    await exported(killed, { store: seeing, sizes: IN_FOUR });
    // then
    expect(again.filter((key) => puts.includes(key))).toEqual([]);
    expect(await hashes(killed.store)).toEqual(standing);
  });

  it('of no users has its columns and no rows', async () => {
    const root = `${await temporaryFolder()}/bucket`;
    const store = await openFolderStore(root, { durable: false });
    const empty = { root, store, runId: await putScored(store, []) };
    const { files, rows } = await exported(empty);
    expect([rows, files.map((file) => file.rows)]).toEqual([0, Array(6).fill(0)]);
    const columns = await read(`DESCRIBE SELECT * FROM '${root}/exports/users/parquet/**/*.parquet'`);
    expect(columns.map((row) => row.column_name)).toContain('churn_reasons');
    expect(await read(`SELECT * FROM read_csv('${root}/exports/users/csv/**/*.csv.gz')`)).toEqual([]);
  });

  it('fails as its worker does: for good where it would fail again, else to be started again', async () => {
    const failing = await scoredShop();
    const wrongKey = await workersOf(failing, new Uint8Array(64).fill(14));
    const wrong = await exported(failing, { sizes: IN_FOUR, workers: wrongKey }).catch((error) => error);
    expect(String(wrong)).toMatch(/a pseudonym does not open/);
    expect(isAway(wrong)).toBe(false);
    const workers = await workersOf(failing);
    const start = () => {
      const child = workers.start();
      child.kill('SIGKILL');
      return child;
    };
    const gone = await exported(failing, { sizes: IN_FOUR, workers: { count: 2, start } }).catch(
      (error) => error,
    );
    expect(String(gone)).toMatch(/a worker of the export was ended by SIGKILL/);
    expect(isAway(gone)).toBe(true);
  });
});

it('the number of files follows from the number of users, and from that of shards where there are too few', () => {
  const sizes = { one: 1_000_000, ofSeveral: 500_000 };
  const of = (users: number, shards: number) => partsOf(users, shards, sizes);
  expect([of(0, 4), of(1_000_000, 64), of(1_000_001, 64), of(5_000_000, 64)]).toEqual([1, 1, 4, 16]);
  expect([of(100_000_000, 1024), of(100_000_000, 64), of(3_000_000, 1)]).toEqual([256, 64, 1]);
});
