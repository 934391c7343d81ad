import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { CURRENT_VIEW, type ExportManifest } from '../../lib/export/index.ts';
import { readJson } from '../../lib/runtime/index.ts';
import { dropAll, type Night, night, openShop, SLOW } from '../e2e/nights.ts';
import { AS_OF, shopConfig, shopLog, weekly } from '../e2e/shop.ts';
import { hasPyarrow, pythonJson } from './python.ts';

const NEXT_DAY = '2025-03-13';
const log = shopLog();

let shop: Workspace;
let first: Night;
let second: Night;

type Row = Record<string, unknown>;

async function read(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const folder = (path: string) => join(shop.root, 'exports', path);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Addresses: most as they are, some of odd writing, some shared, none, or none that is one. */
function customers(): string {
  const rows = Array.from({ length: 140 }, (_, c) => {
    if (c === 0) return `C-0,\u00a0Zero@Example.COM \t,gold,2025-01-01`;
    if (c === 1) return 'C-1,shared@example.com,gold,2025-01-01';
    if (c === 2) return 'C-2,SHARED@example.com ,gold,2025-01-01';
    if (c === 3) return 'C-3,,gold,2025-01-01';
    if (c === 4) return 'C-4,not an address,gold,2025-01-01';
    return `C-${c},c${c}@example.com,${c % 2 ? 'gold' : 'none'},2025-01-01`;
  });
  // News from the as-of day on are not known yet, those from the day before are: another address, and none any more.
  const news = [
    `C-5,later@example.com,gold,${AS_OF}`,
    'C-6,moved@example.com,gold,2025-03-11',
    'C-7,,gold,2025-03-11',
  ];
  // An address in a row that cannot be used.
  return ['customer,mail,tier,since', ...rows, ...news, 'C-8,lost@example.com,gold,never'].join('\n');
}

beforeAll(async () => {
  const defaults = shopConfig();
  shop = await openShop({
    ...defaults,
    sources: {
      ...defaults.sources,
      customers: {
        format: 'csv',
        table: 'users',
        columns: { user: 'customer', email: 'mail', valid_from: 'since' },
        attributes: { categories: ['tier'] },
      },
      visits: {
        format: 'csv',
        table: 'labels',
        columns: { label: 'bought' },
        attributes: { numbers: ['pages'] },
        duplicates: 'keep',
      },
    },
    tasks: {
      ...defaults.tasks,
      reviews: { kind: 'event', event: 'review', horizonDays: 10 },
      bought: { kind: 'label', source: 'visits', positive: 'yes' },
      never: { kind: 'label', source: 'visits', positive: 'perhaps' },
    },
    model: { ...defaults.model, layers: 0 },
    exports: { controlShare: 0.2 },
  });
  await dropAll(shop, weekly(log));
  await shop.store.put('drop/customers/all.csv', customers());
  const rows = Array.from({ length: 200 }, (_, i) => `${i % 23},${i % 23 > (i * 7) % 19 ? 'yes' : 'no'}`);
  await shop.store.put('drop/visits/all.csv', `pages,bought\n${rows.join('\n')}\n`);
  first = await night(shop, AS_OF);
  second = await night(shop, NEXT_DAY);
}, 2 * SLOW);

describe('a folder of exports is a table', { timeout: SLOW }, () => {
  it('to DuckDB: day and run come from the path and hide no column, in both formats', async () => {
    for (const source of [
      `read_parquet('${folder('users/parquet')}/**/*.parquet', hive_partitioning = true)`,
      `read_csv('${folder('users/csv')}/**/*.csv.gz', hive_partitioning = true, types = {'user_id': 'VARCHAR'})`,
    ]) {
      const days = await read(
        `SELECT as_of::VARCHAR AS day, run, count(*)::INTEGER AS n, bool_and(as_of::DATE = as_of_day) AS same
         FROM ${source} GROUP BY ALL ORDER BY day`,
      );
      expect(days).toEqual([
        { day: AS_OF, run: first.runId, n: expect.any(Number), same: true },
        { day: NEXT_DAY, run: second.runId, n: expect.any(Number), same: true },
      ]);
    }
  });

  it('whose last good export is named by one object with every file of it', async () => {
    const current = (await readJson<ExportManifest>(shop.store, CURRENT_VIEW))!;
    expect(current.runId).toBe(second.runId);
    const standing = await Promise.all(current.files.map(({ key }) => readFile(join(shop.root, key))));
    expect(standing.map(sha256Of)).toEqual(current.files.map((file) => file.sha256));
    const rows = await read(
      `WITH current AS (SELECT unnest(files, recursive := true) FROM read_json('${folder('current/manifest.json')}'))
       SELECT "table" AS name, format, "rows"::INTEGER AS rows FROM current ORDER BY ALL`,
    );
    expect(rows.map(({ name, format }) => `${name} ${format}`)).toEqual([
      ...['audiences csv.gz', 'audiences csv.gz', 'audiences parquet', 'audiences parquet'],
      ...['table-bought csv.gz', 'table-bought parquet', 'users csv.gz', 'users parquet'],
    ]);
  });

  it('with lists of names and values in Parquet, and the same as JSON text in CSV', async () => {
    const path = `as_of=${AS_OF}/run=${first.runId}`;
    const parquet = `'${folder(`users/parquet/${path}/users.parquet`)}'`;
    const csv = `read_csv('${folder(`users/csv/${path}/users.csv.gz`)}', all_varchar = true)`;
    const types = await read(`DESCRIBE SELECT purchase_reasons, preference_top FROM ${parquet}`);
    expect(types.map((row) => row.column_type)).toEqual(
      Array(2).fill('STRUCT("name" VARCHAR, "value" DOUBLE)[]'),
    );
    const differ = await read(
      `SELECT count(*)::INTEGER AS n FROM ${parquet} p JOIN ${csv} c USING (user_id)
       WHERE to_json(p.purchase_reasons)::JSON IS DISTINCT FROM c.purchase_reasons::JSON
          OR to_json(p.preference_top)::JSON IS DISTINCT FROM c.preference_top::JSON`,
    );
    expect(differ).toEqual([{ n: 0 }]);
    const flat = await read(
      `SELECT count(*)::INTEGER AS n, bool_and(reason.name <> '' AND reason.value <> 0) AS good
       FROM (SELECT unnest(purchase_reasons) AS reason FROM ${parquet})`,
    );
    expect(flat[0]!.good).toBe(true);
    expect(Number(flat[0]!.n)).toBeGreaterThan(100);
  });

  it.skipIf(!hasPyarrow)('to pyarrow: the folder is a hive-partitioned data set', () => {
    const program = `
import json, sys, pyarrow.dataset as ds
users = ds.dataset(sys.argv[1], format='parquet', partitioning='hive')
table = users.to_table(filter=ds.field('run') == sys.argv[2])
row = next(r for r in table.to_pylist() if r['purchase_reasons'])
print(json.dumps({
  'days': sorted(set(map(str, users.to_table(columns=['as_of'])['as_of'].to_pylist()))),
  'type': str(table.schema.field('purchase_reasons').type),
  'reason': row['purchase_reasons'][0], 'as_of_day': str(row['as_of_day']), 'rows': table.num_rows}))`;
    const told = pythonJson(program, folder('users/parquet'), first.runId);
    expect(told).toEqual({
      days: [AS_OF, NEXT_DAY],
      type: 'list<element: struct<name: string, value: double>>',
      reason: { name: expect.any(String), value: expect.any(Number) },
      as_of_day: AS_OF,
      rows: expect.any(Number),
    });
  });
});

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('an audience', { timeout: SLOW }, () => {
  const audience = (task: string) =>
    read(
      `SELECT * FROM read_csv('${folder(`audiences/csv/task=${task}/as_of=${AS_OF}/run=${first.runId}`)}/audience.csv.gz')`,
    );
  const users = () =>
    read(
      `SELECT user_id, control, purchase_rank AS rank, purchase_decile AS decile
       FROM '${folder(`users/parquet/as_of=${AS_OF}/run=${first.runId}`)}/users.parquet'`,
    );

  it('holds the address of every ranked user outside the control group, by rank, once', async () => {
    // given: addresses as they were known before the as-of day
    const addressOf = (id: string): string | undefined => {
      const c = Number(id.slice(2));
      const known: Record<number, string | undefined> = {
        ...{ 0: 'zero@example.com', 1: 'shared@example.com', 2: 'shared@example.com' },
        ...{ 3: undefined, 4: undefined, 6: 'moved@example.com', 7: undefined },
      };
      return c in known ? known[c] : `c${c}@example.com`;
    };
    const rows = await users();
    const held = new Set(
      rows.filter((row) => row.control).map((row) => addressOf(String(row.user_id)) ?? ''),
    );
    const expected = new Map<string, { decile: number; rank: number }>();
    for (const row of [...rows].sort((a, b) => Number(a.rank) - Number(b.rank))) {
      const address = addressOf(String(row.user_id));
      if (row.rank === null || address === undefined || held.has(address)) continue;
      const hash = sha256(address);
      if (!expected.has(hash)) expected.set(hash, { decile: Number(row.decile), rank: Number(row.rank) });
    }
    // when
    const list = await audience('purchase');
    // then
    expect(list.length).toBeGreaterThan(50);
    expect(list.map(({ email_sha256: hash, decile, rank }) => [hash, Number(decile), Number(rank)])).toEqual(
      [...expected].map(([hash, { decile, rank }]) => [hash, decile, rank]),
    );
  });

  it('is made for every task over users that has ranks', async () => {
    expect((await readdir(folder('audiences/parquet'))).sort()).toEqual(['task=churn', 'task=purchase']);
  });

  it('is the only place of an address, and no object holds one as it is', async () => {
    const found: string[] = [];
    for await (const { key } of shop.store.list('')) {
      if (key.startsWith('drop/')) continue;
      const text = Buffer.from(await (await shop.store.get(key)).bytes()).toString('latin1');
      if (/example\.com/i.test(text)) found.push(key);
    }
    expect(found).toEqual([]);
    // and: what was no address is counted, and the row of the lost one is in quarantine without it
    const drops = await shop.ingest(() => {});
    const told = drops.find(({ key }) => key === 'drop/customers/all.csv');
    expect(told).toMatchObject({
      state: 'done',
      quality: { flagged: { 'no-email-address': 1 }, quarantinedRows: 1 },
    });
  });

  it('teaches no model: no feature is made of an address', async () => {
    for await (const { key } of shop.store.list('models/')) {
      if (!key.endsWith('manifest.json')) continue;
      expect(Buffer.from(await (await shop.store.get(key)).bytes()).toString()).not.toContain('email');
    }
  });
});

describe('tasks that cannot be trained yet', { timeout: SLOW }, () => {
  it('are left out with their reason, and the others are exported', async () => {
    const [columns] = await read(
      `SELECT string_agg(column_name, ' ') AS names FROM (DESCRIBE SELECT * FROM '${folder(`users/parquet/as_of=${AS_OF}/run=${first.runId}`)}/users.parquet')`,
    );
    expect(columns!.names).toContain('purchase_rank');
    expect(columns!.names).not.toContain('reviews_rank');
    const told: string[] = [];
    for await (const { key } of shop.store.list(`runs/${first.runId}/finetune-`)) {
      const { leftOut } = (await readJson<{ leftOut?: { task: string; why: string }[] }>(shop.store, key))!;
      for (const { task, why } of leftOut ?? []) told.push(`${task}: ${why}`);
    }
    expect(told).toEqual([
      expect.stringMatching(
        /^never: 0 of 159 training rows have the label "perhaps"; the table's labels are /,
      ),
      `reviews: nobody had an event "review" before ${AS_OF}`,
    ]);
  });
});
