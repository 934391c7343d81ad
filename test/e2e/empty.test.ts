import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { readLabelled } from '../../lib/models/index.ts';
import { type DropState, planRun, readManifest } from '../../lib/run/index.ts';
import { ALL } from '../all.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { night, openShop, SLOW } from './nights.ts';
import { AS_OF, file, HEADER, SMALL, shopConfig, shopLog, weekly } from './shop.ts';

const BOM = '\ufeff';
const text = { user: 'customer', time: '"at"', type: 'what', item: 'sku', session: 'basket' };

/** Every table, in every format that a shop may send it in. */
const config: ConfigInput = shopConfig({
  sources: {
    ...shopConfig().sources,
    lines: { format: 'jsonl', table: 'events', columns: text, timeZone: 'UTC' },
    parts: { format: 'parquet', table: 'events', columns: text, timeZone: 'UTC' },
    products: {
      format: 'csv',
      table: 'items',
      columns: { item: 'sku' },
      attributes: { categories: { category: 'category' } },
    },
    people: {
      format: 'jsonl',
      table: 'users',
      columns: { user: 'id' },
      attributes: { categories: { region: 'region' } },
    },
    tickets: {
      format: 'csv',
      table: 'labels',
      columns: { label: 'bought' },
      attributes: { numbers: { n: 'n' } },
    },
  },
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 10 },
    preference: { kind: 'next', event: 'purchase', of: 'category', horizonDays: 10, k: 3 },
    bought: { kind: 'label', source: 'tickets', positive: 'yes' },
  },
  ...SMALL,
  model: { ...SMALL.model, layers: 0 },
});

/** What a shop sends on a day on which nothing happened, for a format with a header line and one without. */
function nothing(header: string | undefined, rejected: string): Map<string, string | Uint8Array> {
  const kinds = new Map<string, string | Uint8Array>([
    ['empty', ''],
    ['empty.gz', gzipSync('')],
    ['mark', BOM],
    ['mark.gz', gzipSync(BOM)],
    ['blank', '\n\n\n'],
    ['blank-crlf', '\r\n\r\n'],
    ['mark-blank', `${BOM}\n`],
    ['rejected', rejected],
    ['rejected.gz', gzipSync(`${BOM}${rejected}`)],
  ]);
  if (header === undefined) return kinds;
  kinds.set('header', `${header}\n`);
  kinds.set('header-alone', header);
  kinds.set('header-crlf', `${header}\r\n`);
  kinds.set('header-mark', `${BOM}${header}\n\n`);
  kinds.set('header.gz', gzipSync(`${header}\n`));
  return kinds;
}

/** Names before, between and behind those of the good files: for a night, whose rows are numbered in that order. */
const PLACES = ALL ? ['a', 'n', 'z'] : ['n'];

const ROWS = 400;
const tickets = (from: number) =>
  `bought,n\n${Array.from({ length: ROWS }, (_, i) => `${(i + from) % 3 === 0 ? 'yes' : 'no'},${i + from}`).join('\n')}\n`;

/** Tickets without a label: three rows that count, and none that can be learnt from. */
const unlabelled = 'bought,n\n,1\n,2\n,3\n';

const EMPTY: Record<string, Map<string, string | Uint8Array>> = {
  log: nothing(HEADER, `${HEADER}\n,2025-02-01 10:00:00,view,sku-1,1,,\n`),
  lines: nothing(
    undefined,
    '{"customer":null,"at":"2025-02-01","what":"view","sku":"s","basket":"b"}\n{"customer":"u","at":"never"}\n',
  ),
  products: nothing('sku,category', 'sku,category\n,a\n'),
  people: nothing(undefined, '{"id":null,"region":"north"}\n'),
  tickets: nothing('bought,n', unlabelled),
};

/** A parquet file of events without a user, so that none of them can be used. */
async function parquet(rows: number): Promise<Uint8Array> {
  const path = join(await temporaryFolder(), 'x.parquet');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`COPY (
    SELECT NULL::VARCHAR customer, '2025-02-01' "at", 'view' what, 'sku-1' sku, NULL::VARCHAR basket
    FROM range(${rows})) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  return readFile(path);
}

async function openWith(empty: boolean): Promise<Workspace> {
  const shop = await openShop(config);
  const put = (source: string, name: string, body: string | Uint8Array) =>
    shop.store.put(`drop/${source}/${name}`, body);
  for (const [name, content] of weekly(shopLog(110).filter(({ day }) => day < AS_OF))) {
    await put('log', name, content);
  }
  const skus = Array.from({ length: 12 }, (_, i) => `sku-${i},${i % 2 ? 'a' : 'b'}`);
  await put('products', 'm.csv', `sku,category\n${skus.join('\n')}\n`);
  const people = Array.from({ length: 110 }, (_, i) => `{"id":"C-${i}","region":"${i % 3 ? 'n' : 's'}"}`);
  await put('people', 'm.jsonl', people.join('\n'));
  await put('tickets', 'm.csv', tickets(0));
  await put('tickets', 'y.csv', tickets(ROWS));
  if (!empty) return shop;
  for (const [source, kinds] of Object.entries(EMPTY)) {
    for (const place of PLACES) {
      for (const [kind, body] of kinds) await put(source, `${place}-${kind}`, body);
    }
  }
  await put('parts', 'none.parquet', await parquet(0));
  await put('parts', 'rejected.parquet', await parquet(3));
  return shop;
}

describe('files without a clean row, of every format, for every table', { timeout: 2 * SLOW }, () => {
  let shop: Workspace;
  let drops: DropState[];

  beforeAll(async () => {
    shop = await openWith(true);
    drops = await shop.ingest(() => {});
  }, SLOW);

  it('are done at the first look, with 0 clean rows and no clean object or day rows', async () => {
    const without = drops.filter((drop) => drop.state === 'done' && drop.quality.clean === 0);
    const expected = Object.values(EMPTY).reduce((sum, kinds) => sum + PLACES.length * kinds.size, 2);
    expect(drops.filter(({ state }) => state !== 'done')).toEqual([]);
    const clean = drops.filter((drop) => drop.state === 'done' && drop.quality.clean > 0);
    expect(clean.filter(({ key }) => /\/[anz]-/.test(key)).map(({ key }) => key)).toEqual([]);
    expect(without).toHaveLength(expected);
    const written: string[] = [];
    for (const prefix of ['clean/', 'days/']) {
      for await (const { key } of shop.store.list(prefix)) written.push(key);
    }
    for (const drop of without) {
      if (drop.state !== 'done') continue;
      const { key, clean, quality } = drop;
      expect(clean, key).toBeUndefined();
      expect(
        written.filter((other) => other.includes(quality.dropId)),
        key,
      ).toEqual([]);
      expect(quality.rowsIn, key).toBe(quality.quarantinedRows);
      expect(quality.rowsIn > 0, key).toBe(key.includes('rejected'));
    }
  });

  it('are done for ever: a second look has nothing to do', async () => {
    const texts: string[] = [];
    const again = await shop.ingest((progress) => texts.push(progress));
    expect(texts).toEqual([]);
    expect(again).toEqual(drops);
  });

  it.runIf(ALL)(
    'are in no run, add no row to it, and every later night is as it is without them',
    async () => {
      // given: the same shop, whose every file has rows
      const plain = await openWith(false);
      const expected = await night(plain, AS_OF);
      // when
      const ended = await night(shop, AS_OF);
      // then
      const { inputs, missing, copies } = ended.manifest;
      const names = Object.values(inputs).flatMap((list) => list.map(({ drop }) => drop));
      expect(names).toEqual(
        Object.values(expected.manifest.inputs).flatMap((list) => list.map(({ drop }) => drop)),
      );
      expect([missing, copies]).toEqual([[], []]);
      expect(ended.scores).toEqual(expected.scores);
      expect(ended.snapshots).toEqual(expected.snapshots);
      const users = Object.keys(expected.exports).filter((name) => name.startsWith('users'));
      expect(users).toHaveLength(2);
      // and: rows of a labelled table keep their number in all that was dropped, rejected rows counted
      const before = 3 * 2;
      const { rowIds } = await readLabelled(shop.store, ended.manifest, 'bought');
      const own = (from: number) => Array.from({ length: ROWS }, (_, i) => from + i);
      expect([...rowIds].sort((a, b) => a - b)).toEqual([...own(before), ...own(before + ROWS + before)]);
      // and: a night on another day runs as well
      const { runId } = await planRun({
        ...shop,
        drops: await shop.ingest(() => {}),
        purpose: 'night',
        asOf: '2025-03-13',
      });
      expect((await readManifest(shop.store, runId)).inputs.events).toHaveLength(inputs.events.length);
    },
  );

  it('are no run by themselves', async () => {
    const alone = await openShop(config);
    await alone.store.put('drop/log/day.csv', file([]));
    const drops = await alone.ingest(() => {});
    const plan = planRun({ ...alone, drops, purpose: 'night', asOf: AS_OF });
    await expect(plan).rejects.toThrow(/nothing to run on: no drop of events or labels has a clean row/);
  });
});
