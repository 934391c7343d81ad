import { createHash } from 'node:crypto';
import { readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { CURRENT_VIEW, type ExportManifest } from '../../lib/export/index.ts';
import { readJson } from '../../lib/runtime/index.ts';
import { dropAll, finish, type Night, night, openShop, SLOW } from '../e2e/nights.ts';
import { AS_OF, shopConfig, shopLog, weekly } from '../e2e/shop.ts';

type Row = Record<string, unknown>;

const NEXT_DAY = '2025-03-13';
const log = shopLog();
/** The shop's own ids of all customers seen before a day. */
const known = (day: string) =>
  [
    ...new Set(
      log.filter((line) => line.day < day).map(({ text }) => text.split(',')[0]!.replaceAll('"', '')),
    ),
  ]
    .filter((id) => id !== '')
    .sort();

let shop: Workspace;
let first: Night;
let second: Night;
let folder: string;
let users: string;

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

const folderOf = ({ runId, manifest }: Night) => join(shop.root, `exports/as_of=${manifest.asOf}`, runId);
const fileOf = ({ runId, manifest }: Night, kind: 'parquet' | 'csv', root = shop.root) =>
  join(
    root,
    `exports/users/${kind}/as_of=${manifest.asOf}/run=${runId}/users.${kind === 'csv' ? 'csv.gz' : kind}`,
  );

beforeAll(async () => {
  const defaults = shopConfig();
  shop = await openShop({
    ...defaults,
    model: { ...defaults.model, layers: 0 },
    exports: { controlShare: 0.2, reasons: 2 },
  });
  await dropAll(shop, weekly(log));
  first = await night(shop, AS_OF);
  second = await night(shop, NEXT_DAY);
  folder = folderOf(first);
  users = fileOf(first, 'parquet');
}, SLOW);

describe('an export', { timeout: SLOW }, () => {
  it('holds every user known at the as-of time exactly once, in the ids of the shop', async () => {
    const rows = await read(`SELECT user_id FROM '${users}'`);
    expect(rows.map((row) => row.user_id)).toEqual(known(AS_OF));
    const later = await read(`SELECT user_id FROM '${fileOf(second, 'parquet')}'`);
    expect(later.map((row) => row.user_id)).toEqual(known(NEXT_DAY));
  });

  it('says the same in Parquet and in CSV', async () => {
    const parquet = await read(`SELECT * FROM '${users}'`);
    const csv = await read(
      `SELECT * FROM read_csv('${fileOf(first, 'csv')}', header = true, all_varchar = true)`,
    );
    expect(csv).toHaveLength(parquet.length);
    const lists = ['purchase_reasons', 'churn_reasons', 'preference_top'];
    parquet.forEach((row, i) => {
      const other = csv[i]!;
      expect(Object.keys(other)).toEqual(Object.keys(row));
      for (const [name, value] of Object.entries(row)) {
        const text = other[name];
        if (value === null) expect(text, name).toBeNull();
        else if (lists.includes(name)) expect(JSON.parse(String(text)), name).toEqual(value);
        else if (typeof value === 'number') expect(Number(text), name).toBe(value);
        else expect(text, name).toBe(String(value));
      }
    });
  });

  it('ranks a task from 1 to n without gaps by probability, in ten even deciles', async () => {
    for (const task of ['purchase', 'churn']) {
      const rows = await read(
        `SELECT ${task}_rank AS rank, ${task}_decile AS decile, ${task}_probability AS probability
         FROM '${users}' WHERE ${task}_probability IS NOT NULL ORDER BY rank`,
      );
      expect(rows.length).toBeGreaterThan(50);
      expect(rows.map(({ rank }) => rank)).toEqual(rows.map((_, i) => i + 1));
      const probabilities = rows.map(({ probability }) => Number(probability));
      expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a));
      expect(probabilities.every((p) => p > 0 && p < 1)).toBe(true);
      const deciles = rows.map(({ decile }) => Number(decile));
      expect(deciles).toEqual([...deciles].sort((a, b) => a - b));
      const sizes = Array.from({ length: 10 }, (_, d) => deciles.filter((decile) => decile === d + 1).length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });

  it('asks a task of its population only: who never bought, or not lately, has no value', async () => {
    const bought = (from: string) =>
      new Set(
        log
          .filter(({ day, text }) => day >= from && day < AS_OF && text.includes(',purchase,'))
          .map(({ text }) => text.split(',')[0]!.replaceAll('"', '')),
      );
    const asked = async (task: string) =>
      (await read(`SELECT user_id FROM '${users}' WHERE ${task}_rank IS NOT NULL`)).map(
        ({ user_id: id }) => id,
      );
    const buyers = [...bought('')].filter((id) => id !== '').sort();
    const active = [...bought('2025-02-10')].filter((id) => id !== '').sort();
    expect(buyers.length).toBeLessThan(known(AS_OF).length);
    expect(active.length).toBeLessThan(buyers.length);
    expect(await asked('purchase')).toEqual(buyers);
    expect(await asked('churn')).toEqual(active);
    const values = await read(
      `SELECT count(*) AS n FROM '${users}' WHERE (purchase_rank IS NULL)
       <> (purchase_probability IS NULL) OR (purchase_rank IS NULL) <> (purchase_reasons IS NULL)
       OR (purchase_rank IS NULL) <> (purchase_decile IS NULL)`,
    );
    expect(Number(values[0]!.n)).toBe(0);
  });

  it('gives lists of items and reasons', async () => {
    const rows = await read(`SELECT preference_top AS top, churn_reasons AS reasons FROM '${users}'`);
    const lists = rows.flatMap(({ top }) => (Array.isArray(top) ? [top] : []));
    expect(lists.length).toBeGreaterThan(100);
    for (const list of lists) {
      expect(list).toHaveLength(5);
      expect(new Set(list.map(({ name }) => name)).size).toBe(5);
      expect(list.every(({ name }) => /^sku-\d+$/.test(name))).toBe(true);
      // Who has bought is ranked by scores; to all others what is popular is offered, without any.
      const values = list.map(({ value }) => value);
      if (values.some((value) => value === null)) expect(values).toEqual([null, null, null, null, null]);
      else expect(values).toEqual([...values].sort((a, b) => b - a));
    }
    const reasons = rows.flatMap(({ reasons }) => (Array.isArray(reasons) ? [reasons] : []));
    expect(reasons.length).toBeGreaterThan(50);
    for (const two of reasons) {
      expect(two).toHaveLength(2);
      for (const { name } of two) expect(name).toMatch(/^[a-z ]+$/);
      expect(Math.abs(two[0].value)).toBeGreaterThanOrEqual(Math.abs(two[1].value));
    }
  });

  it('keeps a user in the control group, or out of it, night after night', async () => {
    const groups = async (of: Night) =>
      new Map(
        (await read(`SELECT user_id, control FROM '${fileOf(of, 'parquet')}'`)).map((row) => [
          row.user_id,
          row.control,
        ]),
      );
    const [one, two] = [await groups(first), await groups(second)];
    for (const [user, control] of one) expect(two.get(user)).toBe(control);
    const share = [...one.values()].filter((control) => control === true).length / one.size;
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.3);
  });

  it('is described by its manifest: rows, bytes and SHA-256 of every file', async () => {
    const manifest: ExportManifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ runId: first.runId, asOf: AS_OF, rows: known(AS_OF).length });
    expect(manifest.files.map(({ key }) => join(shop.root, key))).toEqual([users, fileOf(first, 'csv')]);
    for (const { key, rows, bytes, sha256 } of manifest.files) {
      const content = await readFile(join(shop.root, key));
      expect(rows).toBe(manifest.rows);
      expect(content.length).toBe(bytes);
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
    }
    const rows = await read(
      `SELECT count(*) FILTER (control) AS control, any_value(model_version) AS version,
       count(DISTINCT model_version) AS versions, min(as_of_day)::VARCHAR AS as_of FROM '${users}'`,
    );
    expect(rows[0]).toEqual({
      control: String(manifest.controlRows),
      version: manifest.modelVersion,
      versions: '1',
      as_of: AS_OF,
    });
  });

  it('is finished last: files, manifest, _SUCCESS, the view of the last good export, then the pointer of its day', async () => {
    const time = async (path: string) => (await stat(path, { bigint: true })).mtimeNs;
    const last = folderOf(second);
    const order = [
      fileOf(second, 'parquet'),
      fileOf(second, 'csv'),
      ...['manifest.json', '_SUCCESS'].map((name) => join(last, name)),
      join(shop.root, 'exports/current/manifest.json'),
      join(last, '../current.json'),
    ];
    const times = await Promise.all(order.map(time));
    expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    expect(await readJson(shop.store, `exports/as_of=${AS_OF}/current.json`)).toEqual({ runId: first.runId });
    expect(await readJson(shop.store, `exports/as_of=${NEXT_DAY}/current.json`)).toEqual({
      runId: second.runId,
    });
  });

  it('is shown by the current view unless that shows a later day', async () => {
    // given
    const manifest = JSON.parse(await readFile(join(folderOf(second), 'manifest.json'), 'utf8'));
    expect(await readJson(shop.store, CURRENT_VIEW)).toEqual(manifest);
    // when: the earlier day is exported once more
    await shop.store.delete(`exports/as_of=${AS_OF}/current.json`);
    await finish(shop, first);
    // then
    expect(await readJson(shop.store, CURRENT_VIEW)).toEqual(manifest);
  });

  it('that is finished is not written again', async () => {
    // given
    const past = new Date(1_700_000_000_000);
    const files = [users, join(folder, 'manifest.json'), join(folder, '_SUCCESS')];
    for (const file of files) await utimes(file, past, past);
    // when
    await finish(shop, first);
    // then
    for (const file of files) expect((await stat(file)).mtime).toEqual(past);
  });
});
