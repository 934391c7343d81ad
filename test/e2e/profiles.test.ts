import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import type { ExportManifest } from '../../lib/export/index.ts';
import { readJson } from '../../lib/runtime/index.ts';
import { dropAll, dropsOf, hashOf, type Night, night, openShop, SLOW } from './nights.ts';
import { AS_OF, file, shopConfig, shopLog, weekly } from './shop.ts';

const log = shopLog();
const past = log.filter(({ day }) => day < AS_OF);
const LATER = '2025-03-17';

const defaults = shopConfig({ tasks: { purchase: { kind: 'event', horizonDays: 10 } } });
const config = {
  ...defaults,
  sources: {
    ...defaults.sources,
    goods: {
      format: 'csv',
      table: 'items',
      columns: { item: 'sku', valid_from: 'since' },
      attributes: { categories: ['shelf'] },
    },
  },
  exports: { profiles: { interests: 'shelf', mostInterests: 2, anomaly: true } },
} satisfies ConfigInput;

const goods = (since: string, shelves: readonly string[]) =>
  `sku,since,shelf\n${Array.from({ length: 12 }, (_, i) => `sku-${i},${since},${shelves[i % shelves.length]}`).join('\n')}\n`;

async function shopWith(settings: ConfigInput = config): Promise<Workspace> {
  const workspace = await openShop(settings);
  await workspace.store.put('drop/goods/all.csv', goods('2025-01-01', ['tea', 'cake', 'jam']));
  return workspace;
}

const rowsOf = async (workspace: Workspace, { files }: ExportManifest, of = 'profiles') => {
  const { key } = files.find(({ table, format }) => table === of && format === 'parquet')!;
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const path = `${workspace.root}/${key}`;
    return (await connection.runAndReadAll(`SELECT * FROM '${path}'`)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};

const manifestOf = async ({ store }: Workspace, { runId, manifest }: Night) =>
  (await readJson<ExportManifest>(store, `exports/as_of=${manifest.asOf}/${runId}/manifest.json`))!;

const segmentsOf = ({ store }: Workspace, { runId, manifest }: Night) =>
  hashOf(store, `exports/as_of=${manifest.asOf}/${runId}/segments.json`);

const profilesOf = ({ exports }: Night) =>
  Object.fromEntries(Object.entries(exports).filter(([name]) => name.startsWith('profiles/')));

let first: Workspace;
let reference: Night;
let manifest: ExportManifest;

beforeAll(async () => {
  first = await shopWith();
  await dropAll(first, weekly(past));
  reference = await night(first, AS_OF);
  manifest = await manifestOf(first, reference);
}, SLOW);

describe('profiles of a night', { timeout: SLOW }, () => {
  it('hold every user of the users table once, in its order', async () => {
    const rows = await rowsOf(first, manifest);
    const users = await rowsOf(first, manifest, 'users');
    expect(rows.map((row) => row.user_id)).toEqual(users.map((row) => row.user_id));
    expect(rows.map((row) => row.control)).toEqual(users.map((row) => row.control));
    expect(Object.keys(profilesOf(reference)).sort()).toEqual([
      ...['profiles/csv/profiles.csv.gz', 'profiles/parquet/profiles.parquet'],
    ]);
    expect(manifest.rows).toBe(users.length);
    expect(manifest.profiles!.users).toBe(users.length);
    const lifecycle = Object.values(manifest.profiles!.lifecycle);
    expect(lifecycle.reduce((sum, own) => sum + own, 0)).toBe(users.length);
  });

  it('say what the log says of days, money and interests', async () => {
    // given: purchases of the log before the day, without those whose amount is absurd
    const bought = past
      .filter(({ text }) => text.includes(',purchase,'))
      .map(({ day, text }) => ({ day, cells: text.replaceAll('"', '').split(',') }));
    const rows = new Map((await rowsOf(first, manifest)).map((row) => [row.user_id, row]));
    for (const id of ['C-3', 'C-10', 'C-77']) {
      const own = bought.filter(({ cells }) => cells[0] === id);
      const days = [...new Set(own.map(({ day }) => day))].sort();
      const money = own.reduce((sum, { cells }) => sum + Number(cells[4]) * Number(cells[5]), 0);
      const row = rows.get(id)!;
      expect(row.purchase_days).toBe(days.length);
      expect(row.recency_days).toBe((Date.parse(AS_OF) - Date.parse(days.at(-1)!)) / 86_400_000);
      expect(row.money).toBeCloseTo(money, 1);
      const interests = row.interests as { name: string; value: number }[];
      expect(interests).toHaveLength(2);
      expect(interests[0]!.value).toBeGreaterThanOrEqual(interests[1]!.value);
      for (const { name } of interests) expect(['tea', 'cake', 'jam']).toContain(name);
    }
  });

  it('cut the buyers into fifths and thirds, equal values into one', async () => {
    const rows = (await rowsOf(first, manifest)).filter((row) => Number(row.purchase_days) > 0);
    const values = (column: string) => rows.map((row) => Number(row[column]));
    for (const [column, sign] of [
      ['recency', -1],
      ['purchase_days', 1],
      ['money', 1],
    ] as const) {
      const own = values(column === 'recency' ? 'recency_days' : column).map((value) => sign * value);
      const expected = own.map((value) => {
        const below = own.filter((other) => other < value).length;
        return [1, 2, 3, 4].filter((part) => below >= Math.ceil((part * own.length) / 5)).length + 1;
      });
      expect(values(`${column}_quintile`)).toEqual(expected);
    }
    const ranks = { low: 1, medium: 2, high: 3 } as Record<string, number>;
    const prices = rows.map((row) => [Number(row.price_per_unit), ranks[String(row.price_band)]!] as const);
    prices.sort(([a], [b]) => a - b);
    expect(prices.map(([, band]) => band)).toEqual(prices.map(([, band]) => band).sort());
    expect(prices.filter(([, band]) => band === 1).length).toBe(Math.ceil(rows.length / 3));
  });

  it('put each buyer into a segment that the manifest describes', async () => {
    const rows = await rowsOf(first, manifest);
    const { segments, silhouette } = manifest.profiles!;
    expect(segments.length).toBeGreaterThanOrEqual(3);
    expect(silhouette).toBeGreaterThan(0);
    for (const { segment, users, description } of segments) {
      expect(rows.filter((row) => row.segment === segment)).toHaveLength(users);
      expect(description).toMatch(/^(buys|bought) .+, spends .+, last bought .+/);
    }
    expect(rows.filter((row) => row.segment === null).every((row) => row.lifecycle === 'prospect')).toBe(
      true,
    );
  });

  it('say how anomalous each buyer is, and why', async () => {
    const rows = await rowsOf(first, manifest);
    for (const { lifecycle, anomaly, anomaly_reasons: reasons } of rows) {
      if (lifecycle === 'prospect') expect([anomaly, reasons]).toEqual([null, null]);
      else {
        expect(anomaly).toBeGreaterThan(0.3);
        expect(anomaly).toBeLessThan(1);
        const named = reasons as { name: string; value: number }[] | null;
        if (Number(anomaly) <= 0.5) expect(named).toBeNull();
        else expect(named![0]!.value).toBeGreaterThanOrEqual(named!.at(-1)!.value);
      }
    }
    const most = rows.toSorted((a, b) => Number(b.anomaly) - Number(a.anomaly))[0]!;
    expect(Number(most.anomaly)).toBeGreaterThan(0.6);
    expect(most.anomaly_reasons).toHaveLength(3);
  });

  it('change nothing else: without the setting every other byte is the same', async () => {
    // given
    const { exports: _, ...plain } = config;
    const workspace = await shopWith(plain);
    await dropAll(workspace, weekly(past));
    // when
    const other = await night(workspace, AS_OF);
    // then
    expect(other.models).toEqual(reference.models);
    expect(other.scores).toEqual(reference.scores);
    expect(other.snapshots).toEqual(reference.snapshots);
    expect({ ...other.exports, ...profilesOf(reference) }).toEqual(reference.exports);
    expect(await manifestOf(workspace, other)).not.toHaveProperty('profiles');
    for await (const { key } of workspace.store.list(''))
      expect(key).not.toMatch(/profiles|segments|anomaly/);
  });

  it('know nothing of the as-of day and later, and are the same in any order of delivery', async () => {
    // given: files in another order, one of them twice, what happens later, and goods that move to other shelves then
    const workspace = await shopWith();
    const planted = log.filter(({ day }) => day >= AS_OF);
    const files = [...weekly(past)].reverse();
    await dropAll(workspace, [
      ...files.map(([name, content], i): [string, string] => [`${10 + i}-${name}`, content]),
      ['later.csv', file(planted)],
    ]);
    await workspace.store.put('drop/goods/later.csv', goods(AS_OF, ['wine']));
    await workspace.ingest(() => {});
    await dropAll(workspace, [[`10-${files[0]![0]}`, files[0]![1]]]);
    // when
    const other = await night(workspace, AS_OF);
    // then
    expect(planted.length).toBeGreaterThan(50);
    expect(other.exports).toEqual(reference.exports);
    expect(await segmentsOf(workspace, other)).toBe(await segmentsOf(first, reference));
  });

  it('go on with the numbers of the segments, and again so when a night is run again', async () => {
    // given: a later night in the same bucket
    await dropAll(first, [['next.csv', file(log.filter(({ day }) => day >= AS_OF && day < LATER))]]);
    const later = await night(first, LATER);
    const next = await manifestOf(first, later);
    const centres = (of: ExportManifest) =>
      Object.fromEntries(of.profiles!.segments.map(({ segment, money }) => [segment, Math.log(money)]));
    // then: a number means what it meant
    const [then, now] = [centres(manifest), centres(next)];
    const kept = Object.keys(now).filter((segment) => segment in then);
    expect(kept.length).toBeGreaterThanOrEqual(3);
    for (const segment of kept) expect(Math.abs(now[segment]! - then[segment]!)).toBeLessThan(1);
    // when: a file that comes later makes it another run of the same day
    await dropAll(first, [['future.csv', file(log.filter(({ day }) => day >= LATER))]]);
    const again = await night(first, LATER);
    // then
    expect(again.runId).not.toBe(later.runId);
    expect(again.exports).toEqual(later.exports);
    expect(await segmentsOf(first, again)).toBe(await segmentsOf(first, later));
  });

  it('stand in the report', async () => {
    const { store } = first;
    const drops = await dropsOf(first);
    const { report, path } = await evaluateRun({
      ...{ store, runId: reference.runId, drops, seconds: {}, now: () => new Date(0) },
    });
    expect(report.profiles).toMatchObject({ buyers: manifest.profiles!.buyers });
    const page = Buffer.from(await (await store.get(path)).bytes()).toString();
    expect(page).toContain('Who the customers are');
    expect(page).toContain(manifest.profiles!.segments[0]!.description);
  });
});
