import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withConnection } from '../../lib/clean/duckdb/index.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { decodeArrow, userHash } from '../../lib/data/index.ts';
import { encodeDays } from '../../lib/features/build-days.ts';
import { clean, cleanedQuality, pseudonyms, rowsIn, shopOf } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

const csv: Source = {
  table: 'events',
  format: 'csv',
  csv: { columns: ['u', 't', 'i', 'p'] },
  columns: { user: 'u', time: 't', type: "'purchase'", item: 'i', amount: 'p' },
};

/** Ends and middles that readers of text take for nothing, for the end, or for something else. */
const PIECES = [
  ...['a', 'A', 'z', '0', ' ', 'é', 'e\u0301', 'ﬁ', 'ß', 'İ', 'ı', 'Σ', 'ς', '語', '😀', '👩\u200d👩'],
  ...['\ufeff', '\u200b', '\u200c', '\u200d', '\u2060', '\u00a0', '\u2028', '\u2029', '\u0085', '\u3000'],
  ...[
    '\u200e',
    '\u202c',
    '\u00ad',
    '\0',
    '\u0001',
    '\u001f',
    '\u007f',
    '\\',
    "'",
    '"',
    ',',
    '%',
    '_',
    '.',
    '-',
    '~',
    '{',
    '\u{10ffff}',
    '\ufffd',
    '\uffff',
  ],
];
const EDGE = String.raw`[\s\u0085\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+`;
const BLANK = new RegExp(`^${EDGE}|${EDGE}$`, 'g');
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

describe('the same text is the same user on both sides of DuckDB', () => {
  it('whatever of Unicode an id holds: each row once, with its own values, in the file that features reads', async () => {
    const id = fc.string({ unit: fc.constantFrom(...PIECES), minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(id, { minLength: 1, maxLength: 40 }), async (ids) => {
        // given a row per id, told apart by its amount
        const file = ids
          .map((one, i) => `${quoted(one)},2024-05-0${1 + (i % 9)},${quoted(one)},${i + 1}\n`)
          .join('');
        // when
        const { rows, arrow, quality } = await clean(file, shopOf(csv));
        // then
        const known = ids.map((one) => one.replace(BLANK, ''));
        const expected = known.flatMap((one, i) =>
          one === '' || one === 'nan' ? [] : [[one, one, (i + 1) * 100]],
        );
        const seen = rows.map(({ user, item, amount }) => [
          pseudonyms.open(String(user)),
          item,
          Number(amount),
        ]);
        expect(seen.sort(byAmount)).toEqual(expected);
        for (const { user, hash } of rows) expect(hash).toBe(userHash(String(user)));
        if (arrow) expect(encodeDays(decodeArrow(arrow).batches, 'clean').length).toBeGreaterThan(0);
        expect(quality).toMatchObject({ users: new Set(expected.map(([one]) => one)).size });
      }),
      { seed: 20240501, numRuns: 30 },
    );
  });

  it('JSON escapes give the same users as the characters themselves', async () => {
    // given
    const source = { ...csv, format: 'jsonl', csv: {} } as const;
    const escaped = PIECES.map((piece) => {
      const units = Array.from({ length: piece.length }, (_, k) => piece.charCodeAt(k));
      return `"x${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}y"`;
    });
    const surrogates = PIECES.map((piece) => JSON.stringify(`x${piece}y`));
    const file = [...escaped, ...surrogates].map((u, i) => `{"u":${u},"t":"2024-05-01","i":"a","p":${i}}`);
    // when
    const { rows, quality } = await clean(
      `${file.join('\n')}\n{"u":"\\ud800","t":"2024-05-01"}\n`,
      shopOf(source),
    );
    // then two rows each, and half of a surrogate pair is no JSON
    expect(cleanedQuality(quality).quarantined).toEqual({ 'broken line': 1 });
    const users = rows.map(({ user }) => pseudonyms.open(String(user)));
    expect(new Set(users).size).toBeLessThanOrEqual(new Set(PIECES).size);
    expect(users.length).toBe(2 * PIECES.length);
  });

  it.each([
    [
      'csv whose parts each begin with a byte order mark',
      'csv',
      '\ufeffann,2024-05-01,A,1\nbob,2024-05-01,B,2\n\ufeff"cy, jr",2024-05-01,C,3\n\ufeff\ufeffdan,2024-05-01,D,4\n',
    ],
    [
      'JSON lines whose parts do',
      'jsonl',
      '\ufeff{"u":"ann","t":"2024-05-01","i":"A","p":1}\n{"u":"bob","t":"2024-05-01","i":"B","p":2}\n\ufeff{"u":"cy, jr","t":"2024-05-01","i":"C","p":3}\n{"u":"\ufeffdan","t":"2024-05-01","i":"D","p":4}\n',
    ],
  ] as const)('files that were joined: %s', async (_, format, file) => {
    // given / when
    const { rows } = await rowsIn(file, format === 'csv' ? csv : { ...csv, format, csv: {} });
    // then
    expect(rows.map(({ user, item, amount }) => [user, item, amount])).toEqual([
      ['ann', 'A', 1],
      ['bob', 'B', 2],
      ['cy, jr', 'C', 3],
      ['dan', 'D', 4],
    ]);
  });
});

describe('one form of an id whatever the format', () => {
  it.each([
    ['an integer', '17850::INTEGER', '17850'],
    ['an unsigned integer', '18446744073709551615::UBIGINT', '18446744073709551615'],
    ['a float', '17850::FLOAT', '17850'],
    ['a double, as integers with gaps arrive', '17850::DOUBLE', '17850'],
    ['a large double', '1e15::DOUBLE', '1000000000000000'],
    ['minus zero', '(-0.0)::DOUBLE', '0'],
    ['a decimal', '17850::DECIMAL(10,2)', '17850'],
    ['a decimal with a fraction', '17850.50::DECIMAL(10,2)', '17850.5'],
    ['text of a float', "'17850.0'", '17850'],
    ['text', "'17850'", '17850'],
    ['text with blanks, as fixed-width columns have', "'17850   '", '17850'],
    ['a UUID', "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::UUID", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['bytes that are text', "'abc'::BLOB", 'abc'],
    ['an ENUM', "'x'::ENUM('x')", 'x'],
    ['a boolean', 'true', 'true'],
    ['a zero in front', "'007'", '007'],
  ])('parquet: %s', async (_, sql, expected) => {
    // given
    const file = await parquet(`SELECT ${sql} AS u, TIMESTAMP '2024-05-01' AS t, ${sql} AS i, 1 AS p`);
    // when
    const { rows } = await rowsIn(file, { ...csv, format: 'parquet', csv: {} });
    // then
    expect(rows).toMatchObject([{ user: expected, item: expected }]);
  });

  it('csv, JSON numbers and JSON texts of one user are one user', async () => {
    // given
    const jsonl = { ...csv, format: 'jsonl', csv: {} } as const;
    const lines = ['17850', '17850.0', '"17850"', '"17850.0"', '1785e1', '" 17850"'];
    // when
    const json = await rowsIn(
      lines.map((u) => `{"u":${u},"t":"2024-05-01","i":"a","p":1}\n`).join(''),
      jsonl,
    );
    const text = await rowsIn('17850,2024-05-01,a,1\n17850.0,2024-05-02,a,1\n 17850 ,2024-05-03,a,1\n', csv);
    // then
    expect(new Set([...json.rows, ...text.rows].map(({ user }) => user))).toEqual(new Set(['17850']));
  });

  it.each([
    ['csv, beyond 2^53 with .0', '9007199254740993.0,2024-05-01,a,1\n', csv],
    ['csv, in exponents', '1.2345678901234568e+18,2024-05-01,a,1\n', csv],
    ['csv, as Excel writes it', '4.00638E+12,2024-05-01,a,1\n', csv],
    ['csv, as Java and Spark write doubles', '1.2345678E7,2024-05-01,a,1\n', csv],
    [
      'JSON, beyond what is written out',
      '{"u":1.2345678901234568e+21,"t":"2024-05-01","i":"a","p":1}\n',
      { ...csv, format: 'jsonl', csv: {} } as const,
    ],
    [
      'JSON, in exponents',
      '{"u":1.2345678901234568e+18,"t":"2024-05-01","i":"a","p":1}\n',
      { ...csv, format: 'jsonl', csv: {} } as const,
    ],
  ])('digits that a float has lost are told: %s', async (_, file, source) => {
    // given / when
    const { quarantined, errors } = await rowsIn(file, source);
    // then
    expect(quarantined).toEqual({ 'user: lost digits': 1 });
    expect(errors[0]?.reason).toMatch(/went through a float.*export the column as text/);
  });

  it.each([
    ['a double beyond 2^53', '1.2345678901234568e18::DOUBLE'],
    ['a float beyond 2^24', '16777217::FLOAT'],
  ])('digits that a float has lost are told: parquet, %s', async (_, sql) => {
    const file = await parquet(`SELECT ${sql} AS u, TIMESTAMP '2024-05-01' AS t, 'a' AS i, 1 AS p`);
    expect((await rowsIn(file, { ...csv, format: 'parquet', csv: {} })).quarantined).toEqual({
      'user: lost digits': 1,
    });
  });

  it.each(['12345678901234567890', '123456789012345678901234567890', '-9223372036854775809'])(
    'JSON number %s keeps its digits',
    async (digits) => {
      const jsonl = { ...csv, format: 'jsonl', csv: {} } as const;
      expect((await rowsIn(`{"u":${digits},"t":"2024-05-01","i":"a","p":1}\n`, jsonl)).rows).toMatchObject([
        { user: digits },
      ]);
    },
  );

  it('texts that stand for no value are nobody, and a setting says which', async () => {
    // given
    const texts = ['NaN', 'nan', 'null', 'NULL', 'None', 'undefined', '<NA>', 'NaT', ' null ', 'Null', 'n/a'];
    const file = texts.map((u) => `${u},2024-05-01,a,1\n`).join('');
    // when
    const usual = await rowsIn(file, csv);
    const stated = await rowsIn(file, { ...csv, missing: ['n/a'] });
    // then
    expect(usual.quarantined).toEqual({ 'no user': 9 });
    expect(usual.rows.map(({ user }) => user)).toEqual(['Null', 'n/a']);
    expect(stated.quarantined).toEqual({ 'no user': 1 });
  });

  it('NaN in a double column of parquet is nobody', async () => {
    const file = await parquet(
      `SELECT unnest(['nan'::DOUBLE, 5::DOUBLE]) AS u, TIMESTAMP '2024-05-01' AS t, 'a' AS i, 1 AS p`,
    );
    const { rows, quarantined } = await rowsIn(file, { ...csv, format: 'parquet', csv: {} });
    expect([rows.map(({ user }) => user), quarantined]).toEqual([['5'], { 'no user': 1 }]);
  });

  it('labels and categories that went through a float are the same label and category', async () => {
    // given
    const source = {
      table: 'labels',
      format: 'parquet',
      columns: { label: 'y' },
    } as const;
    const file = await parquet('SELECT unnest([1.0, 0.0]::DOUBLE[]) AS y, unnest([3.0, 4.5]::DOUBLE[]) AS k');
    // when
    const { rows } = await rowsIn(file, { ...source, attributes: { categories: ['k'] } });
    // then
    expect(rows).toMatchObject([
      { label: '1', k: '3' },
      { label: '0', k: '4.5' },
    ]);
  });
});

const byAmount = (a: unknown[], b: unknown[]) => Number(a[2]) - Number(b[2]);

async function parquet(query: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  const path = join(folder, 'file.parquet');
  try {
    await withConnection({ threads: 1 }, (sql) => sql.run(`COPY (${query}) TO '${path}' (FORMAT parquet)`));
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
