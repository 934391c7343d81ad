import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withConnection } from '../../lib/clean/duckdb/index.ts';
import { judge } from '../../lib/clean/judge.ts';
import { planFor } from '../../lib/clean/mapping/index.ts';
import { keyFacts, readRecords } from '../../lib/clean/read/index.ts';
import { clean, cleanedQuality, events, refusalOf, rowsIn, shopOf } from './shop.ts';

const csv = {
  table: 'events',
  format: 'csv',
  columns: { user: 'customer', time: 'placed', type: "'purchase'", item: 'sku' },
} as const;
const jsonl = { ...csv, format: 'jsonl' } as const;

/** Names that mean something inside DuckDB, or meant something to Nightjar, or are SQL. */
const OWN_NAMES = [
  ...[
    'rowid',
    'RowID',
    'ROWID',
    'n',
    'e',
    'h',
    'c0',
    'x0',
    'g1',
    'line',
    'text',
    'broken',
    'bad',
    'same',
    'subject',
  ],
  ...[
    'nj_row',
    'nj_bad',
    'nj_subject',
    'o_item',
    'v_user',
    'rank',
    'flags',
    'row_number',
    'file_name',
    'key',
  ],
  ...[
    'json',
    'element',
    'select',
    'from',
    'user',
    'order',
    'table',
    'values',
    'p0',
    'v',
    'none',
    '*',
    '"',
    "'",
    '--',
  ],
];

describe('a column of the file may have any name', () => {
  it.each(OWN_NAMES)('%s: five lines are four clean ones and a duplicate', async (name) => {
    // given
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const file = `${quoted},customer,placed,sku\n1,ann,2024-05-01,A\n1,bob,2024-05-01,B\n1,cy,2024-05-01,C\n1,cy,2024-05-01,C\n2,dan,2024-05-02,A\n`;
    // when
    const { quality, rows } = await clean(file, shopOf(csv));
    // then
    expect(cleanedQuality(quality)).toMatchObject({
      rowsIn: 5,
      clean: 4,
      duplicates: { found: 1, dropped: 1 },
    });
    expect(rows).toHaveLength(4);
  });

  it.each(OWN_NAMES)('%s: it can be mapped', async (name) => {
    // given
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const source = { ...csv, columns: { ...csv.columns, item: quoted } };
    // when
    const { rows } = await rowsIn(`customer,placed,${quoted}\nann,2024-05-01,A\nbob,2024-05-01,B\n`, source);
    // then
    expect(rows.map(({ item }) => item)).toEqual(['A', 'B']);
  });

  it('labelled rows keep their own numbers beside a column called RowID', async () => {
    // given
    const source = { table: 'labels', format: 'csv', columns: { label: 'won' }, duplicates: 'keep' } as const;
    const lines = Array.from({ length: 600 }, (_, i) => `1,${i % 3 ? 'no' : 'yes'}\n`);
    // when
    const { quality, rows } = await clean(`RowID,won\n${lines.join('')}`, shopOf(source));
    // then
    expect(cleanedQuality(quality)).toMatchObject({ rowsIn: 600, clean: 600 });
    expect(rows.map(({ row_id }) => row_id).sort((a, b) => Number(a) - Number(b))).toEqual([...rows.keys()]);
  });
});

describe('columns that no expression names may be', () => {
  it.each([
    ['nameless, as the index of pandas', ',customer,placed,sku\n0,ann,2024-05-01,A\n'],
    ['nameless at the end, by a trailing delimiter', 'customer,placed,sku,\nann,2024-05-01,A,\n'],
    ['missing, where only the lines end in a delimiter', 'customer,placed,sku\nann,2024-05-01,A,\n'],
    ['missing, where only the header ends in a delimiter', 'customer,placed,sku,\nann,2024-05-01,A\n'],
    ['doubled', 'customer,placed,sku,note,note\nann,2024-05-01,A,x,y\n'],
    ['doubled but for case', 'customer,placed,sku,note,Note\nann,2024-05-01,A,x,y\n'],
    ['with a NUL', 'customer,placed,sku,a\0b\nann,2024-05-01,A,x\n'],
    ['with line ends and quotes', 'customer,placed,sku,"a\n""b"""\nann,2024-05-01,A,x\n'],
    ['blank', 'customer,placed,sku, ,  \nann,2024-05-01,A,x,y\n'],
    [
      'twenty thousand',
      `customer,placed,sku,${Array.from({ length: 20_000 }, (_, i) => `k${i}`)}\nann,2024-05-01,A,${Array(20_000).fill('1')}\n`,
    ],
  ])('%s', async (_, file) => {
    // given / when
    const { rows, clean: good } = await rowsIn(file, csv);
    // then
    expect(good).toBe(1);
    expect(rows).toMatchObject([{ user: 'ann', item: 'A' }]);
  });

  it.each([
    [
      'keys that differ by case',
      [
        '{"customer":"a","placed":"2024-05-01","sku":"A","r":1}',
        '{"customer":"b","placed":"2024-05-01","sku":"B","R":1}',
      ],
    ],
    ['the empty key', ['{"customer":"a","placed":"2024-05-01","sku":"A","":1}']],
    ['a key with a NUL', ['{"customer":"a","placed":"2024-05-01","sku":"A","a\\u0000b":1}']],
    [
      'keys of pointers and paths',
      ['{"customer":"a","placed":"2024-05-01","sku":"A","a/b":1,"a~b":2,"$.x":3,"a.b":4}'],
    ],
    [
      'more than a thousand keys',
      [
        `{"customer":"a","placed":"2024-05-01","sku":"A",${Array.from({ length: 1500 }, (_, i) => `"k${i}":${i}`)}}`,
      ],
    ],
  ])('%s of JSON', async (_, lines) => {
    // given / when
    const { clean: good, rowsIn: rows } = await rowsIn(`${lines.join('\n')}\n`, jsonl);
    // then
    expect([rows, good]).toEqual([lines.length, lines.length]);
  });
});

describe('a name that means two columns is refused with the way out', () => {
  it.each([
    [
      'doubled',
      'customer,placed,sku,sku\nann,2024-05-01,A,B\n',
      /2 columns named "sku", and columns.item needs one.*csv.columns/,
    ],
    [
      'doubled but for case',
      'customer,placed,sku,SKU\nann,2024-05-01,A,B\n',
      /columns "sku", "SKU".*does not say which.*in quotes/,
    ],
  ])('%s', async (_, file, message) => {
    expect(await refusalOf(file, csv)).toMatch(message);
  });

  it('in quotes it means the one that is spelt so', async () => {
    // given
    const source = { ...csv, columns: { ...csv.columns, item: '"SKU"' } };
    // when
    const { rows } = await rowsIn('customer,placed,sku,SKU\nann,2024-05-01,A,B\n', source);
    // then
    expect(rows).toMatchObject([{ item: 'B' }]);
  });

  it('a key that stands twice in a JSON object breaks the line', async () => {
    // given / when
    const { quarantined } = await rowsIn(
      '{"customer":"a","customer":"b","placed":"2024-05-01","sku":"A"}\n{"customer":"c","placed":"2024-05-01","sku":"A"}\n',
      jsonl,
    );
    // then
    expect(quarantined).toEqual({ 'broken line': 1 });
  });
});

describe('expressions', () => {
  const of = async (expression: string, cells: Record<string, string>) => {
    const source = {
      ...csv,
      columns: { user: "'u'", time: "'2024-05-01'", type: "'view'", text: expression },
    };
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const file = `${Object.keys(cells).map(quoted)}\n${Object.values(cells).map(quoted)}\n`;
    return (await rowsIn(file, source)).rows[0]?.text;
  };

  it.each([
    ['a name with blanks, without quotes', 'Customer ID', { 'Customer ID': 'x' }, 'x'],
    ['case, blanks and Unicode forms of a name', 'HÖHE', { [' höhe '.normalize('NFD')]: 'x' }, 'x'],
    [
      'another Unicode form of a name with blanks',
      'Menge (Stück)',
      { ['Menge (Stück)'.normalize('NFD')]: 'x' },
      'x',
    ],
    ['an operator', "a || '-' || b", { a: '1', b: '2' }, '1-2'],
    [
      'CASE, LIKE and casts',
      "CASE WHEN a LIKE 'C%' OR b::BIGINT <= 0 THEN 'r' ELSE 'p' END",
      { a: 'C1', b: '5' },
      'r',
    ],
    ['a comment at the end', "a -- || 'x'", { a: '1' }, '1'],
    [
      'a lambda over a list',
      "array_to_string(list_transform(string_split(a, ','), lambda c0: c0 || b), '+')",
      { a: '1,2', b: 'x' },
      '1x+2x',
    ],
    [
      'a list comprehension',
      "array_to_string([x || b for x in string_split(a, ',') if x <> '2'], '+')",
      { a: '1,2,3', b: 'y' },
      '1y+3y',
    ],
    ['a method on a column', 'a.upper()', { a: 'x' }, 'X'],
    ['a path into JSON', 'props.item."the id"', { props: '{"item":{"the id":"A"}}' }, 'A'],
    ['a path into an empty cell', "coalesce(props.item, 'none')", { props: '' }, 'none'],
    ['JSON arrows', "a -> '$.x' ->> 'y'", { a: '{"x":{"y":"z"}}' }, 'z'],
    [
      'a number beyond a double',
      'CASE WHEN a::HUGEINT = 9007199254740993 THEN 1 ELSE 0 END',
      { a: '9007199254740993' },
      '1',
    ],
    ['a slice, a struct and a nullif', "({'k': nullif(a[2:3], '')}).k", { a: 'abcd' }, 'bc'],
    [
      'IN, BETWEEN and NOT',
      "NOT (a IN ('x', 'y') AND b::INTEGER BETWEEN 1 AND 3)",
      { a: 'x', b: '2' },
      'false',
    ],
    ['EXTRACT and DATE', 'extract(year FROM a::DATE)', { a: '2024-05-01' }, '2024'],
    ['crc32 and row_number', 'crc32(a) || row_number', { a: 'x' }, '23632339230'],
    ['quotes in names and texts', `"a""b" || 'it''s'`, { 'a"b': 'x' }, "xit's"],
  ])('%s', async (_, expression, cells, expected) => {
    expect(String(await of(expression, cells))).toBe(expected);
  });

  it.each([
    ['an aggregate', 'max(a)', /calls max\(\), which works on several rows/],
    ['a window', 'row_number() OVER ()', /holds a window/],
    ['a query', '(SELECT 1)', /holds a query inside/],
    ['the clock', 'now()::VARCHAR', /calls now\(\), which gives another value at another time/],
    ['the clock, without brackets', 'current_date', /reads the clock/],
    ['chance', 'random()::VARCHAR', /calls random\(\)/],
    ['a star', '*', /holds a star/],
    ['unnest', "unnest(string_split(a, ','))", /use the setting unnest/],
    ['a parameter', 'a || $1', /holds a parameter/],
    ['two expressions', 'a), (a', /more than one expression/],
    ['a query around', "a) FROM x WHERE (a = '1'", /more than one expression/],
    ['an open bracket', 'upper(a', /is no expression that DuckDB understands/],
    ['a function that there is not', 'upperr(a)', /is no expression that DuckDB understands/],
    ['%Z in strptime', "strptime(a, '%Y-%m-%d %Z')", /by %Z, where BST is Bangladesh.*timeZones/],
    ['a name that was forgotten', 'a || colour', /no column "colour", which columns.text needs/],
  ])('refuse %s', async (_, expression, message) => {
    const source = {
      ...csv,
      columns: { user: "'u'", time: "'2024-05-01'", type: "'view'", text: expression },
    };
    expect(await refusalOf('a\n1\n', source)).toMatch(message);
  });

  it('an expression that fails on some rows leaves the others as they are, in any order', async () => {
    // given
    const source = {
      ...csv,
      columns: { ...csv.columns, quantity: 'sku::DOUBLE' },
      duplicates: 'keep',
    } as const;
    const lines = Array.from({ length: 5000 }, (_, i) => `u${i},2024-05-01,${i % 7 === 3 ? 'x' : i % 5}`);
    const read = (order: readonly string[]) =>
      rowsIn(`customer,placed,sku\n${order.join('\n')}\n`, source, { show: 5000 });
    // when
    const straight = await read(lines);
    const turned = await read(lines.toReversed());
    // then
    expect(straight.quarantined).toEqual({ 'quantity: expression fails': 714 });
    expect(turned.rows.toReversed()).toEqual(straight.rows);
  });
});

describe('conservation', () => {
  it.each([
    ['doubled', 'UNION ALL', 'SELECT * FROM r LIMIT 1'],
    ['lost', 'EXCEPT ALL', 'SELECT * FROM r LIMIT 1'],
  ])('sees rows that are %s between the reader and the verdict', async (_, operator, other) => {
    // given records whose relation does not hold what was read
    const source = shopOf(events).sources.shop!;
    const facts = keyFacts('drop/shop/x', 'drop/shop/');
    const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
    const path = join(folder, 'drop');
    await writeFile(path, 'u1,2011-05-01,view,a,1,1\nu2,2011-05-01,view,a,1,1\n');
    const header = ['user', 'time', 'type', 'item', 'quantity', 'price'];
    const intake = {
      path,
      sha256: '',
      bytes: 1,
      unpacked: 1,
      longest: 30,
      linesEndInLf: true,
      head: new Uint8Array(),
      records: 2,
      header,
    };
    const judged = withConnection({ threads: 1 }, async (sql) => {
      const records = await readRecords(sql, intake, source, facts);
      const broken = {
        ...records,
        relation: `(WITH r AS (SELECT * FROM ${records.relation}) SELECT * FROM r ${operator} (${other}))`,
      };
      const plan = await planFor(sql, 'shop', source, broken, shopOf(events).shop);
      return judge(sql, broken, plan, { ...source, duplicates: 'keep' }, Date.now());
    });
    // when / then
    await expect(judged).rejects.toThrow(/2 records came in as 2 rows; . records in . rows were judged/);
    await rm(folder, { recursive: true });
  });
});
