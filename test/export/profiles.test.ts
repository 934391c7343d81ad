import { type ChildProcess, fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { createPseudonyms, shardOf, stableUnit } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import { profilesKey } from '../../lib/run/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { encodeProfiles, LIFECYCLES, type ShardProfiles, TRAITS } from '../../lib/score/index.ts';
import { ALL } from '../all.ts';
import { hashOf } from '../e2e/nights.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { KEY, madeUpUsers, putScored, type ScoredUser, SHARDS } from './scored.ts';

const LIMIT = 120_000;
/** Files that hold a fourth of the users each. */
const IN_FOUR = { one: 500, ofSeveral: 300 };
const all = madeUpUsers();

/** Profiles that are made up, a tenth of the users without a purchase. */
function profilesOf(rows: readonly ScoredUser[]): ShardProfiles {
  const numbers = (of: (draw: (salt: string) => number, bought: boolean) => number) =>
    Float64Array.from(rows, ({ pseudonym }) => {
      const draw = (salt: string) => stableUnit(salt, pseudonym);
      return of(draw, draw('bought') > 0.1);
    });
  const recency = numbers((draw, bought) =>
    bought ? 1 + Math.floor(200 * draw('recency') ** 2) : Number.NaN,
  );
  return {
    users: rows.map(({ pseudonym }) => pseudonym),
    hashes: Uint32Array.from(rows, ({ hash }) => hash),
    expectedGap: recency.map((days) => days + 0.5),
    recency,
    purchaseDays: numbers((draw, bought) => (bought ? 1 + Math.floor(9 * draw('days') ** 3) : 0)),
    money: numbers((draw, bought) => (bought ? Math.round(draw('money') * 1e5) / 100 - 10 : 0)),
    price: numbers((draw, bought) => (bought && draw('priced') > 0.2 ? draw('price') : Number.NaN)),
    lifecycle: Uint8Array.from(recency, (days) => LIFECYCLES.indexOf(days > 0 ? 'active' : 'prospect')),
    partOfDay: Uint8Array.from(recency, (_, i) => (i % 7 === 6 ? 255 : i % 7)),
    weekday: Uint8Array.from(recency, (_, i) => i % 7),
    interests: rows.map(({ list }) => list),
    traits: TRAITS.map(({ name }) => numbers((draw, bought) => (bought ? draw(name) ** 2 : Number.NaN))),
  };
}

interface Shop {
  readonly root: string;
  readonly store: ObjectStore;
  readonly runId: string;
}

async function shop(): Promise<Shop> {
  const root = `${await temporaryFolder()}/bucket`;
  const store = await openFolderStore(root, { durable: false });
  const runId = await putScored(store, all, { profiles: { interests: 'item', anomaly: true } });
  for (let shard = 0; shard < SHARDS; shard++) {
    const rows = all
      .filter(({ hash }) => shardOf(hash, SHARDS) === shard)
      .sort((a, b) => a.hash - b.hash || (a.pseudonym < b.pseudonym ? -1 : 1));
    await store.put(profilesKey(runId, shard), encodeProfiles(profilesOf(rows), { runId }));
  }
  return { root, store, runId };
}

type Options = Partial<Pick<Parameters<typeof exportRun>[0], 'store' | 'workers' | 'sizes'>>;

const exported = ({ store, runId }: Shop, options: Options = {}) =>
  exportRun({
    ...{ store, runId, pseudonyms: createPseudonyms(KEY), now: () => new Date(0), progress: () => {} },
    ...options,
  });

async function hashes(store: ObjectStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { key } of store.list('exports/')) found[key] = await hashOf(store, key);
  return found;
}

async function rowsOf({ root }: Shop): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const sql = `SELECT * EXCLUDE run FROM '${root}/exports/profiles/parquet/**/*.parquet' ORDER BY ALL`;
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

it.runIf(ALL)(
  'profiles in parts have the rows of one file, and the same bytes when workers share them out',
  {
    timeout: LIMIT,
  },
  async () => {
    // given
    const [whole, parts, shared] = [await shop(), await shop(), await shop()];
    const keyFile = `${shared.root}.key`;
    await writeFile(keyFile, KEY);
    const start = (): ChildProcess =>
      fork(fileURLToPath(new URL('../../containers/export/main.ts', import.meta.url)), {
        execArgv: ['--import', 'tsx'],
        env: {
          ...process.env,
          NIGHTJAR_EXPORT_WORKER: '1',
          NIGHTJAR_STORE: shared.root,
          NIGHTJAR_KEY_FILE: keyFile,
        },
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
    // when
    await exported(whole);
    const manifest = await exported(parts, { sizes: IN_FOUR });
    await exported(shared, { sizes: IN_FOUR, workers: { count: 2, start } });
    // then
    const names = manifest.files
      .filter(({ table }) => table === 'profiles')
      .map(({ key }) => key.split('/').at(-1));
    expect(names.filter((name) => name!.endsWith('parquet'))).toEqual(
      [0, 1, 2, 3].map((part) => `profiles-00${part}.parquet`),
    );
    expect(manifest.rows).toBe(all.length);
    const rows = await rowsOf(whole);
    expect(rows.map((row) => row.user_id).sort()).toEqual(all.map(({ id }) => id).sort());
    expect(await rowsOf(parts)).toEqual(rows);
    expect(await hashes(shared.store)).toEqual(await hashes(parts.store));
  },
);

it('an export of profiles that was killed goes on with the segments it had found', {
  timeout: LIMIT,
}, async () => {
  // given: it ends once they stand
  const [killed, other] = [await shop(), await shop()];
  const dying: ObjectStore = {
    ...{ get: killed.store.get.bind(killed.store), head: killed.store.head.bind(killed.store) },
    ...{ list: killed.store.list.bind(killed.store), delete: killed.store.delete.bind(killed.store) },
    put(key, body, options) {
      if (key.startsWith('exports/profiles/')) throw new Error('killed');
      return killed.store.put(key, body, options);
    },
  };
  await expect(exported(killed, { store: dying })).rejects.toThrow('killed');
  expect(Object.keys(await hashes(killed.store)).filter((key) => key.endsWith('segments.json'))).toHaveLength(
    1,
  );
  // when
  await exported(killed);
  await exported(other);
  // then
  expect(await hashes(killed.store)).toEqual(await hashes(other.store));
});

it('an export without the profiles of a shard says what to do', { timeout: LIMIT }, async () => {
  const half = await shop();
  await half.store.delete(profilesKey(half.runId, 3));
  await expect(exported(half)).rejects.toThrow(/profiles-shard=003.arrow is not there: score the whole run/);
});
