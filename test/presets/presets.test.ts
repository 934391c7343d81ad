import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { ga4 } from './exports/ga4.ts';
import { magento } from './exports/magento.ts';
import { anyCsv, retailrocket } from './exports/others.ts';
import { shopify } from './exports/shopify.ts';
import { snowplow } from './exports/snowplow.ts';
import { rudderstack, segment } from './exports/track.ts';
import { wooCsv, wooJson } from './exports/woocommerce.ts';
import { type Export, textOf } from './shop.ts';
import { emptyFolder, type Read, readOf, startWith } from './start.ts';

const NOT_OURS = 'currency: not the shop’s';

interface Case {
  readonly from: string;
  readonly made: Export;
  readonly outcome: Partial<Read>;
  /** user, type, item, quantity, amount of the first rows. */
  readonly rows: readonly (readonly unknown[])[];
}

/** What must become of the rows that were written by hand: each special one is counted under its reason. */
const CASES: Readonly<Record<string, Case>> = {
  'shopify, orders': {
    from: 'shopify',
    made: shopify,
    outcome: {
      ...{ rowsIn: 12, clean: 5, quarantined: { [NOT_OURS]: 1 } },
      leftOut: { not_cancelled: 2, not_refunded: 2, paid: 1, has_customer: 1 },
    },
    rows: [
      ['ann@shop.example', 'purchase', 'sku-0', 2, 36],
      ['ann@shop.example', 'purchase', 'sku-1', 1, 80],
      ['ann@shop.example', 'purchase', 'Gift card', 1, 25],
      ['ann@shop.example', 'purchase', 'sku-2', 1, 140],
      ['+49 30 1234', 'purchase', 'sku-3', 1, 12],
    ],
  },
  'woocommerce, csv of the plugin': {
    from: 'woocommerce',
    made: wooCsv,
    outcome: {
      ...{ rowsIn: 9, clean: 3, quarantined: { [NOT_OURS]: 1 } },
      leftOut: { not_cancelled: 2, not_refunded: 2, paid: 1 },
    },
    rows: [
      ['ann@shop.example', 'purchase', 'sku-0', 2, 39.8],
      ['ann@shop.example', 'purchase', 'Gift card', 1, 25],
      ['bob@shop.example', 'purchase', 'sku-2', 1, 140],
    ],
  },
  'woocommerce, REST API': {
    from: 'woocommerce',
    made: wooJson,
    outcome: {
      ...{ rowsIn: 7, clean: 3, quarantined: { [NOT_OURS]: 1 } },
      leftOut: { not_cancelled: 1, not_refunded: 1, paid: 1 },
    },
    rows: [
      ['ann@shop.example', 'purchase', 'sku-0', 2, 39.8],
      ['ann@shop.example', 'purchase', '7', 1, 25],
      ['bob@shop.example', 'purchase', 'sku-2', 1, 140],
    ],
  },
  magento: {
    from: 'magento',
    made: magento,
    outcome: {
      ...{ rowsIn: 11, clean: 5, quarantined: { [NOT_OURS]: 1 } },
      leftOut: { one_line_a_product: 1, not_cancelled: 1, not_refunded: 2, paid: 1 },
    },
    rows: [
      ['ann@shop.example', 'purchase', 'sku-0', 2, 36],
      ['ann@shop.example', 'purchase', 'sku-1', 1, 80],
      ['bob@shop.example', 'purchase', 'sku-2', 3, 420],
      ['guest@shop.example', 'purchase', 'sku-3', 1, 12],
      ['eve@shop.example', 'purchase', 'sku-3', 1, 12],
    ],
  },
  'ga4-bigquery, lines of JSON': {
    from: 'ga4-bigquery',
    made: ga4,
    outcome: {
      ...{ rowsIn: 14, clean: 8, duplicates: 2, quarantined: { [NOT_OURS]: 1 } },
      leftOut: { shop_event: 2, has_user: 1 },
    },
    rows: [
      ['a.1', 'search', null, 1, 0],
      ['a.1', 'view', 'sku-0', 1, 19.9],
      ['a.1', 'cart', 'sku-0', 2, 39.8],
      ['ann', 'purchase', 'sku-0', 2, 39.8],
      ['ann', 'purchase', 'sku-1', 1, 80],
    ],
  },
  segment: {
    from: 'segment',
    made: segment,
    outcome: {
      ...{ rowsIn: 14, clean: 8, duplicates: 2, quarantined: { [NOT_OURS]: 1 } },
      leftOut: { shop_event: 3 },
    },
    rows: [
      ['ann', 'search', null, 1, 0],
      ['anon-2', 'view', 'sku-0', 1, 19.9],
      ['ann', 'cart', 'sku-0', 2, 39.8],
      ['ann', 'purchase', 'sku-0', 2, 39.8],
      ['ann', 'purchase', 'sku-1', 1, 80],
    ],
  },
  rudderstack: {
    from: 'rudderstack',
    made: rudderstack,
    outcome: { rowsIn: 14, clean: 8, duplicates: 2, leftOut: { shop_event: 3 } },
    rows: [],
  },
  snowplow: {
    from: 'snowplow',
    made: snowplow,
    outcome: {
      ...{ rowsIn: 12, clean: 6, duplicates: 2, quarantined: { [NOT_OURS]: 1 } },
      leftOut: { shop_event: 3 },
    },
    rows: [
      ['d-1', 'view', 'sku-0', 1, 19.9],
      ['d-1', 'cart', 'sku-0', 2, 39.8],
      ['ann', 'purchase', 'sku-0', 2, 39.8],
      ['ann', 'purchase', 'sku-1', 1, 80],
      ['ann', 'return', 'sku-1', 1, 80],
    ],
  },
  retailrocket: {
    from: 'retailrocket',
    made: retailrocket,
    outcome: { rowsIn: 4, clean: 4, quarantined: {}, leftOut: {} },
    rows: [
      ['257597', 'view', '355908', 1, 0],
      ['257597', 'cart', '355908', 1, 0],
      ['257597', 'purchase', '355908', 1, 0],
      ['257597', 'purchase', '248676', 1, 0],
    ],
  },
  'csv, any file': {
    from: 'csv',
    made: anyCsv,
    outcome: { rowsIn: 2, clean: 1, leftOut: { valid: 1 } },
    rows: [['K-1', 'purchase', 'sku-0', 2, 2039.8]],
  },
};

const shown = (rows: Read['rows']) =>
  rows.map(({ user, type, item, quantity, amount }) => [user, type, item, quantity, amount]);

describe('init --from', () => {
  it.each(Object.entries(CASES))(
    '%s: every special row is counted',
    async (_, { from, made, outcome, rows }) => {
      // when
      const started = await startWith(from, { [made.file]: textOf(made, []) });
      // then
      const read = readOf(started);
      expect(read).toMatchObject(outcome);
      if (rows.length > 0) expect(shown(read.rows)).toEqual(rows);
      const { clean, duplicates, leftOut, quarantined, rowsIn } = read;
      const kept = [...Object.values(leftOut), ...Object.values(quarantined)].reduce((sum, n) => sum + n, 0);
      // Without "duplicates", rows of a key are one another's equals and all of them count.
      expect(clean + kept + (made === shopify ? 0 : duplicates)).toBe(rowsIn);
    },
  );

  it('ga4-bigquery: parquet, with its lists and structs, is read as the lines of JSON are', async () => {
    // given: the same events, as BigQuery writes them to parquet
    const folder = await emptyFolder();
    await writeFile(join(folder, 'events.jsonl'), textOf(ga4, []));
    const value = 'STRUCT(string_value VARCHAR, int_value BIGINT, float_value DOUBLE, double_value DOUBLE)';
    const columns = {
      ...{ event_timestamp: 'BIGINT', event_name: 'VARCHAR', user_id: 'VARCHAR', user_pseudo_id: 'VARCHAR' },
      event_params: `STRUCT("key" VARCHAR, "value" ${value})[]`,
      event_bundle_sequence_id: 'BIGINT',
      items: 'STRUCT(item_id VARCHAR, item_name VARCHAR, price DOUBLE, quantity BIGINT)[]',
    };
    const list = Object.entries(columns).map(([name, type]) => `${name}: '${type}'`);
    const parquet = join(folder, 'events.parquet');
    const sql = await (await DuckDBInstance.create()).connect();
    await sql.run(
      `COPY (SELECT * FROM read_json('${folder}/events.jsonl', columns = {${list.join(', ')}})) TO '${parquet}' (FORMAT parquet)`,
    );
    // when
    const { readFile } = await import('node:fs/promises');
    const started = await startWith('ga4-bigquery', { 'events.parquet': await readFile(parquet) });
    // then
    const lines = readOf(await startWith('ga4-bigquery', { [ga4.file]: textOf(ga4, []) }));
    const read = readOf(started);
    expect(read).toMatchObject(CASES['ga4-bigquery, lines of JSON']!.outcome);
    expect(read.rows).toEqual(lines.rows);
  });

  it('shopify: products are a second source beside the orders', async () => {
    // given
    const products = `Handle,Title,Body (HTML),Vendor,Type,Tags,Variant SKU,Variant Price,Image Src
lamp,Lamp,<p>bright</p>,Acme,Lighting,,sku-0,19.90,https://shop.example/1.png
lamp,,,,,,,,https://shop.example/2.png
chair,Chair,,Acme,Seats,,sku-1,80.00,
chair,,,,,,sku-2,90.00,
`;
    // when
    const started = await startWith('shopify', {
      'orders.csv': textOf(shopify, []),
      'products.csv': products,
    });
    // then
    expect(readOf(started, 1)).toMatchObject({ rowsIn: 4, clean: 3, leftOut: { has_sku: 1 } });
    expect(readOf(started, 1).rows).toMatchObject([
      { item: 'sku-0', category: 'Lighting', title: 'Lamp' },
      { item: 'sku-1', category: 'Seats' },
      { item: 'sku-2', category: 'Seats', title: 'Chair' },
    ]);
    expect(Object.keys(started.config.sources)).toEqual(['orders', 'products']);
  });

  it('says what a file lacks, and what else may be done with it', async () => {
    const other = startWith('shopify', { 'orders.csv': 'Name,Email,Total\n#1,a@b.example,3\n' });
    await expect(other).rejects.toThrow(
      /orders\.csv is no export that --from shopify reads:\n {2}Orders > Export > Plain CSV file: it lacks "Financial Status", .*\n.*\nits columns are "Name", "Email", "Total"; export it as one of these, or let the columns be guessed: --from csv/,
    );
    const answer = startWith('magento', {
      'answer.json': '{"items": [], "search_criteria": {}, "total_count": 0}\n',
    });
    await expect(answer).rejects.toThrow(
      /this is the whole answer of the REST API: write one order a line, jq/,
    );
    const products = 'Handle,Title,Vendor,Type,Variant SKU\nlamp,Lamp,Acme,L,sku-0\n';
    await expect(startWith('shopify', { 'products.csv': products })).rejects.toThrow(/no events among them/);
  });
});
