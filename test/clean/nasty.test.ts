import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { clean, cleanedQuality, events, shopOf } from './shop.ts';

const HEAD = 'user,time,type,item,quantity,price\n';
const GOOD = 'u1,2011-05-01 10:00:00,purchase,tea,2,1.25\n';
const keyed = { ...events, key: ['item'] };
const jsonl = { ...events, format: 'jsonl' } as const;
const naked = { ...events, csv: { columns: ['user', 'time', 'type', 'item', 'quantity', 'price'] } };
const one = { ...events, columns: { user: 'user', time: "TIMESTAMP '2011-05-01'", type: "'view'" } };
const long = 'x'.repeat(10 * 1024 * 1024);
const gz = gzipSync(HEAD + GOOD.repeat(200));
const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(HEAD + GOOD, 'utf16le')]);
const latin = Buffer.from(`${HEAD}u1,2011-05-01,view,caf\xe9,1,1\n`, 'latin1');

/** Files that can be used, at least in part: how many rows come in, how many are clean, and why the others are not. */
const used: [string, string | Buffer, object, { in: number; clean: number; why?: Record<string, number> }][] =
  [
    ['nothing at all', '', events, { in: 0, clean: 0 }],
    ['a header only', HEAD, events, { in: 0, clean: 0 }],
    ['a header without a line end', HEAD.trim(), events, { in: 0, clean: 0 }],
    ['a byte order mark', `\ufeff${HEAD}${GOOD}`, events, { in: 1, clean: 1 }],
    [
      'a byte order mark before a quoted header',
      `\ufeff"user",time,type,item,quantity,price\n${GOOD}`,
      events,
      { in: 1, clean: 1 },
    ],
    ['CRLF', (HEAD + GOOD + GOOD.replace('u1', 'u2')).replaceAll('\n', '\r\n'), events, { in: 2, clean: 2 }],
    ['CR alone', (HEAD + GOOD).replaceAll('\n', '\r'), events, { in: 1, clean: 1 }],
    [
      'all three line ends in one file',
      `${HEAD}${GOOD.trim()}\r\n${GOOD.replace('u1', 'u2').trim()}\r${GOOD.replace('u1', 'u3')}`,
      events,
      { in: 3, clean: 3 },
    ],
    [
      'mixed line ends around quoted ones',
      `${HEAD}${GOOD.trim()}\r\nu2,2011-05-01,view,"a\r\nb\nc",1,1\n`,
      events,
      { in: 2, clean: 2 },
    ],
    ['no line end at the end', HEAD + GOOD.trim(), events, { in: 1, clean: 1 }],
    ['blank lines', `\n${HEAD}\n${GOOD}\n\n${GOOD.replace('u1', 'u2')}\n`, events, { in: 2, clean: 2 }],
    [
      'quoted newlines, commas and quotes',
      `${HEAD}u1,2011-05-01,view,"a\nb, ""c""",1,1\n`,
      events,
      { in: 1, clean: 1 },
    ],
    [
      'a quote inside an unquoted field',
      `${HEAD}u1,2011-05-01,view,5" nail,1,1\n`,
      events,
      { in: 1, clean: 1 },
    ],
    ['a field of 10 MB', `${HEAD}u1,2011-05-01,view,${long},1,1\n${GOOD}`, events, { in: 2, clean: 2 }],
    [
      'a quoted field of 10 MB of quotes',
      `${HEAD}u1,2011-05-01,view,"${'""\n'.repeat(3_000_000)}",1,1\n${GOOD}`,
      events,
      { in: 2, clean: 2 },
    ],
    ['NUL bytes', `${HEAD}u1,2011-05-01,view,a\0b,1,1\n`, events, { in: 1, clean: 1 }],
    [
      'too few columns',
      `${HEAD}${GOOD}u2,2011-05-01\n`,
      events,
      { in: 2, clean: 1, why: { 'broken line': 1 } },
    ],
    [
      'too many columns',
      `${HEAD}u2,2011-05-01,view,a,1,1,extra\n${GOOD}`,
      events,
      { in: 2, clean: 1, why: { 'broken line': 1 } },
    ],
    [
      'text behind a closing quote',
      `${HEAD}u2,2011-05-01,view,"a"b,1,1\n${GOOD}`,
      events,
      { in: 2, clean: 1, why: { 'broken line': 1 } },
    ],
    [
      'broken quotes that swallow a line end',
      `${HEAD}u1,2011-05-01,view,"a"b,"\n",1\n${GOOD}`,
      events,
      { in: 2, clean: 1, why: { 'broken line': 1 } },
    ],
    [
      'CRLF around quoted line feeds',
      `${HEAD}u2,2011-05-01,view,"a\nb\r\nc",1,1\n${GOOD}`.replaceAll(/(?<!\r|a)\n/g, '\r\n'),
      events,
      { in: 2, clean: 2 },
    ],
    [
      'broken lines behind quoted newlines',
      `${HEAD}u1,2011-05-01,view,"a\n\n\nb",1,1\nu2\n${GOOD}u3,x\n`,
      events,
      { in: 4, clean: 2, why: { 'broken line': 2 } },
    ],
    [
      'no user',
      `${HEAD},2011-05-01,view,a,1,1\n"  ",2011-05-01,view,b,1,1\n${GOOD}`,
      events,
      { in: 3, clean: 1, why: { 'no user': 2 } },
    ],
    ['no time', `${HEAD}u1,,view,a,1,1\n`, events, { in: 1, clean: 0, why: { 'no time': 1 } }],
    [
      'a day that does not exist',
      `${HEAD}u1,2011-13-45,view,a,1,1\n`,
      events,
      { in: 1, clean: 0, why: { 'time: no timestamp': 1 } },
    ],
    [
      'a day written another way',
      `${HEAD}u1,27/03/2011,view,a,1,1\n`,
      events,
      { in: 1, clean: 0, why: { 'time: no timestamp': 1 } },
    ],
    [
      'infinity as a time',
      `${HEAD}u1,infinity,view,a,1,1\n`,
      events,
      { in: 1, clean: 0, why: { 'time: no timestamp': 1 } },
    ],
    [
      'the year 1970',
      `${HEAD}u1,1970-01-01,view,a,1,1\n`,
      events,
      { in: 1, clean: 0, why: { 'time: before 1990': 1 } },
    ],
    [
      'the year 9999',
      `${HEAD}u1,9999-12-31,view,a,1,1\n`,
      events,
      { in: 1, clean: 0, why: { 'time: later than the drop': 1 } },
    ],
    [
      'an unknown type',
      `${HEAD}u1,2011-05-01,buy,a,1,1\n`,
      events,
      { in: 1, clean: 0, why: { 'type: unknown': 1 } },
    ],
    ['no type', `${HEAD}u1,2011-05-01,,a,1,1\n`, events, { in: 1, clean: 0, why: { 'no type': 1 } }],
    [
      'a quantity that is none',
      `${HEAD}u1,2011-05-01,view,a,many,1\n`,
      events,
      { in: 1, clean: 0, why: { 'quantity: no number': 1 } },
    ],
    [
      'NaN and infinity',
      `${HEAD}u1,2011-05-01,view,a,NAN,1\nu1,2011-05-01,view,a,1,-inf\n`,
      events,
      { in: 2, clean: 0, why: { 'quantity: no number': 1, 'price: no number': 1 } },
    ],
    [
      'a price beyond all money',
      `${HEAD}u1,2011-05-01,view,a,1,1e300\n`,
      events,
      { in: 1, clean: 0, why: { 'price: out of range': 1 } },
    ],
    [
      'an amount beyond all money',
      `${HEAD}u1,2011-05-01,view,a,1e6,1e10\n`,
      events,
      { in: 1, clean: 0, why: { 'amount: out of range': 1 } },
    ],
    [
      'an expression that fails on one row',
      `${HEAD}u1,2011-05-01,view,a,x,1\n${GOOD}`,
      { ...events, columns: { ...events.columns, quantity: 'quantity::DOUBLE * 2' } },
      { in: 2, clean: 1, why: { 'quantity: expression fails': 1 } },
    ],
    [
      'a rule that quarantines',
      HEAD + GOOD + GOOD.replace('tea', 'test'),
      { ...events, rules: [{ name: 'tests', when: "item = 'test'", action: 'quarantine' }] },
      { in: 2, clean: 1, why: { 'rule tests': 1 } },
    ],
    ['equal lines', HEAD + GOOD + GOOD, events, { in: 2, clean: 1 }],
    ['equal lines that are kept', HEAD + GOOD + GOOD, { ...events, duplicates: 'keep' }, { in: 2, clean: 2 }],
    ['equal keys', HEAD + GOOD + GOOD.replace('u1', 'u2'), keyed, { in: 2, clean: 1 }],
    [
      'empty keys, which are no identity',
      HEAD + GOOD.replace('tea', '') + GOOD.replace('tea', ''),
      keyed,
      { in: 2, clean: 2 },
    ],
    [
      'an equal key whose first row is bad',
      HEAD + GOOD.replace('2011', '1911') + GOOD,
      keyed,
      { in: 2, clean: 1, why: { 'time: before 1990': 1 } },
    ],
    ['a file without a header', GOOD, naked, { in: 1, clean: 1 }],
    ['one column with an empty line', 'user\na\n\nb\n', one, { in: 3, clean: 2, why: { 'no user': 1 } }],
    ['UTF-16 with a byte order mark', utf16, events, { in: 1, clean: 1 }],
    ['a column without a name', `,${HEAD}0,${GOOD}`, events, { in: 1, clean: 1 }],
    ['gzip by another name', gzipSync(HEAD + GOOD), events, { in: 1, clean: 1 }],
    ['gzip in two members', Buffer.concat([gzipSync(HEAD), gzipSync(GOOD)]), events, { in: 1, clean: 1 }],
    [
      'another delimiter and quote',
      `${HEAD.replaceAll(',', ';')}u1;2011-05-01;view;'a;b';1;1\n`,
      { ...events, csv: { delimiter: ';', quote: "'" } },
      { in: 1, clean: 1 },
    ],
    ['jsonl: nothing at all', '', jsonl, { in: 0, clean: 0 }],
    [
      'jsonl: broken, empty and foreign lines',
      '{"user":"a","time":"2011-05-01","type":"view","item":"x","quantity":1,"price":1}\n\n[1]\r\n{"user":\n"text"\n',
      jsonl,
      { in: 4, clean: 1, why: { 'broken line': 3 } },
    ],
    [
      'jsonl: missing values and nested ones',
      '{"user":"a","time":"2011-05-01","type":"view","item":{"id":1},"quantity":null,"price":""}\n',
      jsonl,
      { in: 1, clean: 1 },
    ],
    [
      'jsonl: a control character in a line',
      '{"user":"a","time":"2011-05-01","type":"view","item":"x","quantity":1,"price":1}\n{"user":"\u0001b"}\n',
      jsonl,
      { in: 2, clean: 1, why: { 'broken line': 1 } },
    ],
  ];

/** Files that cannot be used, and what the refusal says. */
const refused: [string, string | Buffer, object, RegExp][] = [
  ['a truncated gzip file', gz.subarray(0, gz.length - 20), events, /gzip file is broken/],
  ['a gzip header alone', gz.subarray(0, 5), events, /gzip file is broken/],
  ['a gzip file with a wrong byte', flip(gz, gz.length - 6), events, /gzip file is broken/],
  ['bytes behind the gzip data', Buffer.concat([gz, Buffer.from('trailing')]), events, /gzip file is broken/],
  ['zeros behind the gzip data', Buffer.concat([gz, Buffer.alloc(8)]), events, /8 bytes follow the end/],
  ['UTF-16 without a byte order mark', utf16.subarray(2), events, /looks like UTF-16 without/],
  ['Latin-1', latin, events, /not UTF-8/],
  [
    'UTF-8 cut in a character',
    Buffer.from(`${HEAD}u1,2011-05-01,view,é`).subarray(0, -1),
    events,
    /not UTF-8/,
  ],
  [
    'a column named twice',
    `user,User,time,type,item,quantity,price\n`,
    events,
    /has the columns "user", "User", and columns.user does not say which/,
  ],
  [
    'a missing column',
    HEAD.replace('quantity', 'quantitiy') + GOOD,
    events,
    /no column "quantity", which columns.quantity needs/,
  ],
  ['a missing key column', HEAD + GOOD, { ...events, key: ['id'] }, /no column "id", which key needs/],
  [
    'an expression that is none',
    HEAD + GOOD,
    { ...events, columns: { ...events.columns, time: 'strptime(time' } },
    /columns.time is no expression/,
  ],
  [
    'a time that is no time',
    HEAD + GOOD,
    { ...events, columns: { ...events.columns, time: 'true' } },
    /columns.time gives BOOLEAN/,
  ],
  [
    'a rule that is no condition',
    HEAD + GOOD,
    { ...events, rules: [{ name: 'odd', when: 'nothing > 1' }] },
    /rules.odd is no condition/,
  ],
  [
    'a quote that is never closed',
    `${HEAD}u1,2011-05-01,view,"tea,1,1\n${GOOD}`,
    events,
    /unclosed quote in record 0/,
  ],
  [
    'parquet that is none',
    'PAR1 and so on',
    { ...events, format: 'parquet' },
    /parquet file is cut off or damaged/,
  ],
  ['jsonl without an object', '[1]\n2\n', jsonl, /none of the 2 lines is a JSON object/],
  [
    'jsonl with keys as data',
    `{${Array.from({ length: 100_001 }, (_, i) => `"k${i}":1`).join(',')}}\n`,
    jsonl,
    /more than 100000 different top-level keys/,
  ],
];

describe('files that can be used', () => {
  it.each(used)('%s', async (_name, content, source, expected) => {
    // given / when
    const { quality, rows, quarantine } = await clean(content, shopOf(Object.assign({}, events, source)));
    // then
    const told = cleanedQuality(quality);
    expect(told).toMatchObject({
      rowsIn: expected.in,
      clean: expected.clean,
      quarantined: expected.why ?? {},
    });
    expect(told.clean + told.duplicates.dropped + told.quarantinedRows).toBe(told.rowsIn);
    expect(rows).toHaveLength(expected.clean);
    expect(quarantine).toHaveLength(told.quarantinedRows);
  });
});

describe('files that are refused', () => {
  it.each(refused)('%s', async (_name, content, source, reason) => {
    // given / when
    const { quality, arrow } = await clean(content, shopOf(Object.assign({}, events, source)));
    // then
    expect(quality).toMatchObject({ status: 'refused', refused: { reason: expect.stringMatching(reason) } });
    expect(arrow).toBeUndefined();
  });

  it('a key that no source takes', async () => {
    // given / when
    const { quality } = await clean('x', shopOf(events), 'drop/elsewhere/day.csv');
    // then
    expect(quality).toMatchObject({ refused: { reason: 'no source takes this key' }, source: null });
  });

  it('a missing column is told with the columns of the file and the closest name', async () => {
    // given / when
    const { quality } = await clean(HEAD.replace('quantity', 'quantitiy') + GOOD, shopOf(events));
    // then
    expect(quality).toMatchObject({
      refused: {
        hint: 'its columns are "user", "time", "type", "item", "quantitiy", "price". Did you mean "quantitiy"? Change the config or the file; where files may lack it, say so: optional: ["quantity"]',
      },
    });
  });
});

it('a quarantined row keeps its number, its reason with the value, and its text', async () => {
  // given
  const file = `${HEAD}u1,2011-05-01,view,"a\n\nb",1,1\nu2,2011-13-45,view,x,1,1\nbroken\nu3,2011-05-01,buy,x,1,1\n`;
  // when
  const { quarantine } = await clean(file, shopOf(events));
  // then
  expect(quarantine.map(({ row, column, reason }) => [Number(row), column, reason])).toEqual([
    [1, 'time', 'time: "2011-13-45" is no timestamp'],
    [2, 'line', 'wrong number of columns: Expected Number of Columns: 6 Found: 1'],
    [
      3,
      'type',
      'type: "buy" is none of view, search, cart, uncart, favorite, purchase, return, review, message',
    ],
  ]);
  expect(quarantine.map(({ text }) => text)).toEqual([
    '{"user":"u2","time":"2011-13-45","type":"view","item":"x","quantity":"1","price":"1"}',
    'broken',
    '{"user":"u3","time":"2011-05-01","type":"buy","item":"x","quantity":"1","price":"1"}',
  ]);
});

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}
