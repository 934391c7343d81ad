import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { previewDrop } from '../../lib/clean/index.ts';
import { type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms } from '../../lib/data/index.ts';
import { curesFor } from '../../lib/presets/index.ts';
import { emptyFolder } from './start.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

const source: Source = {
  format: 'csv',
  table: 'events',
  columns: { user: 'customer', time: 'placed', type: "'purchase'", item: 'sku', price: 'price' },
};

/** The settings that `check` suggests for a file. */
async function suggested(content: string | Uint8Array, changes: Partial<Source> = {}, currency?: string) {
  const file = join(await emptyFolder(), 'orders.csv');
  await writeFile(file, content);
  const config = parseConfig({
    shop: { timeZone: 'UTC', ...(currency !== undefined && { currency }) },
    sources: { orders: { ...source, ...changes, columns: { ...source.columns, ...changes.columns } } },
    tasks: {},
  });
  const named = { name: 'orders', source: config.sources.orders! };
  const pseudonyms = createPseudonyms(new Uint8Array(64).fill(7));
  const preview = await previewDrop({ file, named, config, pseudonyms });
  return (await curesFor({ file, named, config, preview })).map(({ setting }) => setting);
}

const csv = (lines: readonly string[], header = 'customer,placed,sku,price') =>
  `${[header, ...lines].join('\n')}\n`;
const GOOD = ['a,2026-01-31 09:15:00,s1,1.50', 'b,2026-01-30 09:15:00,s2,12.50'];

describe('what a file suggests', () => {
  it('is nothing where its rows are clean, or a few are not', async () => {
    expect(await suggested(csv(GOOD))).toEqual([]);
    const rows = Array.from({ length: 30 }, (_, i) => `u${i},2026-01-31 09:15,s,1`);
    expect(await suggested(csv([...rows, 'x,yesterday,s,1']))).toEqual([]);
  });

  it.each<[string, string, Partial<Source>, string[]]>([
    ['another delimiter', csv(GOOD).replaceAll(',', ';'), {}, ["csv: { delimiter: ';' }"]],
    ['tabs', csv(GOOD).replaceAll(',', '\t'), {}, ["csv: { delimiter: '\\t' }"]],
    [
      'lines before the header',
      `Orders of March\nmade by hand\n\n${csv(GOOD)}`,
      {},
      ['csv: { skipLines: 3 }'],
    ],
    [
      'lines before the header, which a spreadsheet has filled up, and another delimiter',
      `Orders;;;\n;;;\n${csv(GOOD).replaceAll(',', ';')}`,
      {},
      ["csv: { delimiter: ';', skipLines: 2 }"],
    ],
    [
      'a date of another form',
      csv(['a,31.01.2026 09:15,s1,1', 'b,30.01.2026 09:15,s2,1']),
      {},
      ["time: `strptime(placed, '%d.%m.%Y %H:%M')`"],
    ],
    [
      'a date of another form under a name that needs quotes',
      csv(['a,1/31/2026 9:15 PM,s1,1', 'b,1/30/2026 9:15 AM,s2,1'], 'customer,Placed at,sku,price'),
      { columns: { time: 'Placed at' } as Source['columns'] },
      ['time: `strptime("Placed at", \'%m/%d/%Y %I:%M %p\')`'],
    ],
    ['seconds since 1970', csv(['a,1769847300,s1,1', 'b,1769847301,s2,1']), {}, ["epoch: 's'"]],
    ['milliseconds since 1970', csv(['a,1769847300000,s1,1']), { epoch: 's' }, ["epoch: 'ms'"]],
    [
      'a decimal comma and a sign',
      csv(['a,2026-01-31,s1,"1.012,50 €"', 'b,2026-01-31,s2,"3,50 €"']),
      {},
      ["number: { decimal: ',', thousands: '.', marks: ['€'] }"],
    ],
    [
      'an event type without quotes',
      csv(GOOD),
      { columns: { type: 'purchase' } as Source['columns'] },
      [`type: "'purchase'"`],
    ],
    [
      'event types of the shop’s own',
      csv(['a,2026-01-31,s1,1,Pageview', 'b,2026-01-31,s1,1,Add to Cart'], 'customer,placed,sku,price,what'),
      { columns: { type: 'what' } as Source['columns'] },
      ["type: `CASE what WHEN 'Pageview' THEN 'view' WHEN 'Add to Cart' THEN 'cart' ELSE what END`"],
    ],
    [
      'backslashes before quotes',
      csv(['a,2026-01-31,"a \\"red\\", big lamp",1', 'b,2026-01-31,"a \\"blue\\", big lamp",1']),
      { columns: { item: 'none' } as Source['columns'] },
      ["csv: { escape: '\\\\' }"],
    ],
    [
      'another format',
      '{"customer":"a","placed":"2026-01-31","sku":"s","price":1}\n',
      {},
      ["format: 'jsonl'"],
    ],
  ])('is told: %s', async (_, content, changes, expected) => {
    expect(await suggested(content, changes)).toEqual(expected);
  });

  it('is told: bytes that are no UTF-8', async () => {
    const latin = Buffer.from(csv(['Andr\u00e9,2026-01-31,s1,1']), 'latin1');
    expect(await suggested(latin)).toEqual(["encoding: 'windows-1252'"]);
  });

  it('is told: lists in a column, where no row is clean', async () => {
    const lines = '{"customer":"a","placed":"never","items":[{"sku":"s1"},{"sku":"s2"}]}\n';
    const columns = { item: 'items', price: '1' } as unknown as Source['columns'];
    expect(await suggested(lines, { format: 'jsonl', columns })).toEqual([
      "unnest: 'items', with item: 'element.…'",
    ]);
  });

  it('is told: another column for a user who is missing everywhere', async () => {
    const header = 'customer,placed,sku,price,Customer Email';
    const lines = [',2026-01-31,s1,1,a@example.org', ',2026-01-30,s2,1,b@example.org'];
    expect(await suggested(csv(lines, header))).toEqual([`user: '"Customer Email"'`]);
    expect(await suggested(csv([',2026-01-31,s1,1']))).toEqual([]);
  });

  it('is told: money in another currency than the shop’s', async () => {
    const lines = csv(['a,2026-01-31,s1,1,usd'], 'customer,placed,sku,price,cur');
    const columns = { currency: 'cur' } as Source['columns'];
    expect(await suggested(lines, { columns }, 'EUR')).toEqual(["shop: { currency: 'USD' }"]);
  });

  it('is told with the doubt: day and month may be the other way round', async () => {
    const file = join(await emptyFolder(), 'orders.csv');
    await writeFile(file, csv(['a,03/04/2026,s1,1']));
    const config = parseConfig({ shop: { timeZone: 'UTC' }, sources: { orders: source }, tasks: {} });
    const named = { name: 'orders', source: config.sources.orders! };
    const pseudonyms = createPseudonyms(new Uint8Array(64).fill(7));
    const preview = await previewDrop({ file, named, config, pseudonyms });
    const [cure] = await curesFor({ file, named, config, preview });
    expect(cure?.seen).toContain('%m/%d/%Y would fit as well: which comes first, day or month?');
  });
});
