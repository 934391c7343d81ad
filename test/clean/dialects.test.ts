import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { clean, cleanedQuality, refusalOf, rowsIn, shopOf } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

const source: Source = {
  table: 'events',
  format: 'csv',
  columns: { user: 'customer', time: 'placed', type: "'view'", item: 'sku' },
};
const escaped: Source = { ...source, csv: { escape: '\\' } };
const HEAD = 'customer,placed,sku\n';
const items = async (file: string, by: Source = source) =>
  (await rowsIn(file, by)).rows.map(({ item }) => item);

describe('a backslash before a quote', () => {
  it.each([
    ['inside a field', 'a,2024-05-01,"TV 27\\" black"\nb,2024-05-02,B\n', ['TV 27" black', 'B']],
    [
      'at its end',
      'a,2024-05-01,"TV 27\\""\nb,2024-05-02,B\nc,2024-05-03,"TV 32\\""\n',
      ['TV 27"', 'B', 'TV 32"'],
    ],
    ['before a line end', 'a,2024-05-01,"x\\"\ny"\nb,2024-05-02,B\n', ['x"\ny', 'B']],
    ['before another backslash', 'a,2024-05-01,"x\\\\"\nb,2024-05-02,B\n', ['x\\', 'B']],
    ['first', 'a,2024-05-01,"\\"x"\n', ['"x']],
  ])('%s is read by csv.escape', async (_, rows, expected) => {
    expect(await items(HEAD + rows, escaped)).toEqual(expected);
  });

  it.each([
    [
      'three records, of which one reading makes one',
      'a,2024-05-01,"TV 27\\""\nb,2024-05-02,B\nc,2024-05-03,"TV 32\\""\n',
      /1 records if quotes are doubled, and 3 if a backslash/,
    ],
    [
      'an unclosed quote',
      'a,2024-05-01,"TV 27\\""\nb,2024-05-02,B\n',
      /unclosed quote.*csv: \{ escape: '\\\\' \}/,
    ],
  ])(
    'unstated, where the readings differ in the number of records, is refused: %s',
    async (_, rows, message) => {
      expect(await refusalOf(HEAD + rows, source)).toMatch(message);
    },
  );

  it('unstated, where every record is one by doubled quotes and not otherwise, is what csv says', async () => {
    const rows = 'a,2024-05-01,"C:\\""\n"\nb,2024-05-02,B\n';
    expect(await items(HEAD + rows)).toEqual(['C:\\"', 'B']);
    // and with a delimiter at the end of the header alone
    expect(await items(`customer,placed,sku,\n${rows}`)).toEqual(['C:\\"', 'B']);
  });

  it('unstated, in a field that fits no reading, is a broken line and counted', async () => {
    const { rowsIn: count, quarantined } = await rowsIn(
      `${HEAD}a,2024-05-01,"TV 27\\" black"\nb,2024-05-02,B\n`,
      source,
    );
    expect([count, quarantined]).toEqual([2, { 'broken line': 1 }]);
  });

  it('stated to be text, it is text', async () => {
    expect(
      await items(`${HEAD}a,2024-05-01,"x\\"\nb,2024-05-02,"y"""\n`, { ...source, csv: { escape: '"' } }),
    ).toEqual(['x\\', 'y"']);
  });
});

describe('what stands before the header', () => {
  const ROWS = 'ann,2024-05-01,A\n';

  it.each([
    ['lines of a report', '# Orders report\n# 20240501\n\n', { skipLines: 3 }],
    ['lines with quotes and delimiters', 'Report "x, of\nall,orders"\n', { skipLines: 2 }],
    ['Windows lines', 'Report\r\n', { skipLines: 1 }],
    ["Excel's separator", 'sep=,\n', {}],
    ["Excel's separator in capitals, after a title", 'Title\nSEP=,\r\n', { skipLines: 1 }],
    ['blank lines', '\n\r\n\n', {}],
  ])('%s', async (_, before, csv) => {
    expect(await items(before + HEAD + ROWS, { ...source, csv })).toEqual(['A']);
  });

  it('a header can be left out for names of our own', async () => {
    const csv = { skipLines: 1, columns: ['customer', 'placed', 'sku'] };
    expect(await items(`sku,sku,sku\n${ROWS}`, { ...source, csv })).toEqual(['A']);
  });

  it("Excel's separator that is not the configured one is refused with the way out", async () => {
    expect(await refusalOf(`sep=;\n${HEAD}${ROWS}`, source)).toMatch(
      /separated by ";", the config says ",".*delimiter: ';'/,
    );
  });

  it('a file shorter than what is to be skipped has no rows', async () => {
    expect((await rowsIn('only\n', { ...source, csv: { skipLines: 5 } })).rowsIn).toBe(0);
  });
});

describe('files without a row are done, whatever they hold instead', () => {
  const tables: [string, ConfigInput['sources'][string]][] = [
    ['events', source],
    ['events of JSON', { ...source, format: 'jsonl' }],
    ['items', { table: 'items', format: 'csv', columns: { item: 'sku' } }],
    ['users', { table: 'users', format: 'csv', columns: { user: 'customer' } }],
    ['labels', { table: 'labels', format: 'csv', columns: { label: 'sku' } }],
  ];

  it.each(tables)('%s', async (_, table) => {
    for (const content of [
      '',
      '\ufeff',
      '\n\n',
      '\r\n',
      ...(table.format === 'csv' ? [HEAD, `\ufeff${HEAD}`, HEAD.trim()] : []),
    ]) {
      // given / when
      const { quality, arrow } = await clean(content, shopOf(table));
      // then nothing is written but the record that says so
      expect(cleanedQuality(quality)).toMatchObject({ rowsIn: 0, clean: 0 });
      expect(arrow).toBeUndefined();
    }
  });

  it('a file of which every row is quarantined has no clean object either', async () => {
    const { quality, arrow, quarantine } = await clean(`${HEAD},2024-05-01,A\n`, shopOf(source));
    expect([cleanedQuality(quality).clean, arrow, quarantine.length]).toEqual([0, undefined, 1]);
  });
});
