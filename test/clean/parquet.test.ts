import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { refusalOf, rowsIn } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

/** Made by test/fixtures/parquet/make.py. */
const fixture = (name: string) => readFile(new URL(`../fixtures/parquet/${name}.parquet`, import.meta.url));
const source: Source = {
  table: 'events',
  format: 'parquet',
  columns: { user: 'u', time: "TIMESTAMP '2024-05-01'", type: "'purchase'" },
};
const timed: Source = { ...source, columns: { ...source.columns, time: 't' } };
const priced: Source = { ...source, columns: { ...source.columns, price: 'p' } };

/** 2024-07-01T10:00:00.123Z and 23:30:00.123Z: the second one is the next day in Berlin. */
const UTC = ['2024-07-01T12:00:00.123+02:00', '2024-07-02T01:30:00.123+02:00'];
const NAIVE = ['2024-07-01T10:00:00.123+02:00', '2024-07-01T23:30:00.123+02:00'];

describe('timestamps of parquet', () => {
  it.each([
    ['UTC in milliseconds', 'utc-ms', UTC],
    ['UTC in microseconds', 'utc-us', UTC],
    ['UTC in nanoseconds', 'utc-ns', UTC],
    ['of a zone, which are UTC in the file', 'zoned-us', UTC],
    ['INT96, which is UTC by convention', 'int96', UTC],
    ['the old converted type in milliseconds, which is UTC', 'converted-ms', UTC],
    ['the old converted type in microseconds, which is UTC', 'converted-us', UTC],
    ['without zone, in milliseconds', 'naive-ms', NAIVE],
    ['without zone, in microseconds', 'naive-us', NAIVE],
    ['without zone, in nanoseconds', 'naive-ns', NAIVE],
  ])('%s', async (_, name, expected) => {
    expect((await rowsIn(await fixture(name), timed)).rows.map(({ time }) => time)).toEqual(expected);
  });

  it("the source's zone reads those without, and no others", async () => {
    // given / when
    const [naive, utc] = await Promise.all(
      ['naive-us', 'int96'].map(async (name) => rowsIn(await fixture(name), { ...timed, timeZone: 'UTC' })),
    );
    // then
    expect(naive!.rows.map(({ time }) => time)).toEqual(UTC);
    expect(utc!.rows.map(({ time }) => time)).toEqual(UTC);
  });

  it('INT96 inside a struct cannot be set right, and is told where an expression reads it', async () => {
    const nested: Source = { ...source, key: ['u'], columns: { ...source.columns, time: 's.t' } };
    expect(await refusalOf(await fixture('int96-in-struct'), nested)).toMatch(
      /column "s" holds INT96 timestamps inside STRUCT/,
    );
    expect((await rowsIn(await fixture('int96-in-struct'), { ...source, key: ['u'] })).clean).toBe(2);
  });
});

describe('decimals of parquet', () => {
  it('up to 38 digits are exact', async () => {
    expect((await rowsIn(await fixture('decimal-38'), priced)).rows.map(({ price }) => price)).toEqual([
      5.01, 12.35,
    ]);
  });

  it.each(['decimal-39', 'decimal-50', 'decimal-76', 'decimal-39-in-list'])(
    '%s: DuckDB gives numbers that mean nothing, so the type is refused where it is read',
    async (name) => {
      const expression = name.endsWith('list') ? 'p[1]' : 'p';
      const read: Source = { ...source, key: ['u'], columns: { ...source.columns, price: expression } };
      expect(await refusalOf(await fixture(name), read)).toMatch(
        /column "p" holds DECIMAL of \d+ digits.*38 digits/,
      );
    },
  );

  it('where nobody reads it, it does no harm, unless it alone may tell rows apart', async () => {
    // given
    const file = await fixture('decimal-50');
    // when / then
    expect((await rowsIn(file, { ...source, duplicates: 'keep' })).clean).toBe(2);
    expect((await rowsIn(file, { ...source, key: ['u'] })).clean).toBe(2);
    expect(await refusalOf(file, source)).toMatch(/DECIMAL of 50 digits/);
  });
});

describe('the other types of parquet', () => {
  it.each(['u8', 'u16', 'u32', 'u64', 'i8', 'i16', 'i32', 'i64'])(
    '%s as an id keeps its digits',
    async (name) => {
      // given
      const bits = BigInt(name.slice(1));
      const last = name.startsWith('u') ? 2n ** bits - 1n : -(2n ** (bits - 1n));
      // when
      const { rows } = await rowsIn(await fixture('integers'), {
        ...source,
        columns: { ...source.columns, user: name },
      });
      // then
      expect(rows.map(({ user }) => user)).toEqual(['1', String(last)]);
    },
  );

  it('float16 as money', async () => {
    expect((await rowsIn(await fixture('float16'), priced)).rows.map(({ price }) => price)).toEqual([
      1.5, 2.25,
    ]);
  });

  it('bytes are text where they are UTF-8 throughout, and refused where they are not', async () => {
    // given
    const file = await fixture('bytes');
    const of = (item: string): Source => ({ ...source, key: ['u'], columns: { ...source.columns, item } });
    // when / then
    expect((await rowsIn(file, of('q'))).rows.map(({ item }) => item)).toEqual(['x1', 'x2']);
    expect(await refusalOf(file, of('p'))).toMatch(/column "p" holds bytes that are no UTF-8 text/);
  });

  it.each([
    ['date', ['2024-07-01', null]],
    ['time', ['10:00:00', null]],
    ['flag', ['true', null]],
    ['nothing', [null, null]],
    ['kind', ['x', 'y']],
    ['long', ['1000000000000000', '5']],
  ])('%s as an id', async (name, expected) => {
    const { rows } = await rowsIn(await fixture('others'), {
      ...source,
      columns: { ...source.columns, item: name },
    });
    expect(rows.map(({ item }) => item)).toEqual(expected);
  });

  it('a list of structs becomes a row an element', async () => {
    const { rows, rowsIn: count } = await rowsIn(await fixture('others'), {
      ...source,
      unnest: 'lines',
      columns: { ...source.columns, item: 'element.sku', quantity: 'element.q', session: 'element_number' },
    });
    expect(count).toBe(3);
    expect(rows.map(({ user, item, quantity, session }) => [user, item, quantity, session])).toEqual([
      ['ann', 'A', 2, '0'],
      ['ann', 'B', 1, '1'],
      ['bob', null, 1, '0'],
    ]);
  });

  it('names that are doubled, differ by case or are empty are the columns of the file, not those that DuckDB makes of them', async () => {
    // given
    const file = await fixture('names');
    const of = (user: string): Source => ({ ...source, columns: { ...source.columns, user } });
    // when / then
    expect((await rowsIn(file, of('"U"'))).rows.map(({ user }) => user)).toEqual(['ann', 'bob']);
    expect(await refusalOf(file, of('"u"'))).toMatch(/2 columns named "u"/);
    expect(await refusalOf(file, of('u'))).toMatch(/columns "u", "U".*does not say which/);
    expect(await refusalOf(file, of('U_1'))).toMatch(/no column "U_1"/);
  });

  it.each([
    ['csv', 'u,t\nann,1\n', /cannot be read/],
    ['gzip', Buffer.from('1f8b0800', 'hex'), /a gzip file, no parquet/],
    ['zip', Buffer.from('PK\x03\x04....'), /a zip file, no parquet/],
    ['ORC', Buffer.from('ORC\x01\x02....'), /an ORC file, no parquet/],
    ['nothing', '', /cannot be read|too small/],
  ])('%s is told for what it is', async (_, bytes, message) => {
    expect(await refusalOf(bytes, source)).toMatch(message);
  });
});
