import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { withConnection } from '../../lib/clean/duckdb/index.ts';
import { cleanDrop, cleanKeys, previewDrop, sourceOf } from '../../lib/clean/index.ts';
import { keyFacts, readRecords } from '../../lib/clean/read/index.ts';
import { parseConfig } from '../../lib/config/index.ts';
import { batchCount, decodeArrow, parseDay, shardOf, shopClock, userHash } from '../../lib/data/index.ts';
import { bytesOf, clean, cleanedQuality, events, pseudonyms, shopOf } from './shop.ts';

const HEAD = 'user,time,type,item,quantity,price\n';

/** The time of one event whose `time` column holds this text. */
async function timeOf(text: string, source: object = {}, shopZone = 'Europe/London') {
  const { rows } = await clean(
    `${HEAD}u,${text},view,a,1,1\n`,
    shopOf(Object.assign({}, events, source), shopZone),
  );
  const [row] = rows;
  return row && { time: new Date(Number(row.time)).toISOString(), day: row.day, hour: row.hour };
}

describe('times', () => {
  it.each([
    ['winter in London', '2011-01-15 12:00', {}, '2011-01-15T12:00:00.000Z'],
    ['summer in London', '2011-07-15 12:00', {}, '2011-07-15T11:00:00.000Z'],
    [
      'an hour that the clocks skip is read an hour later',
      '2011-03-27 01:30',
      {},
      '2011-03-27T01:30:00.000Z',
    ],
    ['an hour that comes twice means the later', '2011-10-30 01:30', {}, '2011-10-30T01:30:00.000Z'],
    ['an offset wins over the zone', '2011-07-15T12:00:00+05:00', {}, '2011-07-15T07:00:00.000Z'],
    ['Z means UTC', '2011-07-15T12:00:00.123Z', {}, '2011-07-15T12:00:00.123Z'],
    [
      "the source's own zone",
      '2011-07-15 12:00',
      { timeZone: 'America/New_York' },
      '2011-07-15T16:00:00.000Z',
    ],
    [
      'a naive TIMESTAMP',
      '15/07/2011',
      { columns: { ...events.columns, time: "strptime(time, '%d/%m/%Y')" } },
      '2011-07-14T23:00:00.000Z',
    ],
    [
      'unix seconds',
      '1310731200',
      { columns: { ...events.columns, time: 'to_timestamp(time::BIGINT)' } },
      '2011-07-15T12:00:00.000Z',
    ],
    [
      'milliseconds',
      '1310731200000',
      { columns: { ...events.columns, time: 'time::BIGINT' } },
      '2011-07-15T12:00:00.000Z',
    ],
    [
      'a DATE',
      '2011-07-15',
      { columns: { ...events.columns, time: 'time::DATE' } },
      '2011-07-14T23:00:00.000Z',
    ],
  ])('%s', async (_name, text, source, expected) => {
    // given / when
    const event = await timeOf(text, source);
    // then
    expect(event?.time).toBe(expected);
    expect(event).toMatchObject(shopClock('Europe/London')(Date.parse(expected)));
  });

  it('the shop day is that of the shop, whatever the zone of the source', async () => {
    // given / when
    const event = await timeOf('2011-07-15 20:00', { timeZone: 'UTC' }, 'Asia/Tokyo');
    // then
    expect(event).toMatchObject({ day: parseDay('2011-07-16'), hour: 5 });
  });
});

describe('money, types and flags of events', () => {
  it('prices become minor units, the amount follows from quantity and exact price', async () => {
    // given / when
    const { rows } = await clean(
      `${HEAD}a,2011-05-01,purchase,x,6,2.55\nb,2011-05-01,return,x,-2,2.55\nc,2011-05-01,purchase,x,1000,0.0425\nd,2011-05-01,view,x,,\n`,
      shopOf(events),
    );
    // then
    const money = rows.map(({ user, type, quantity, price, amount }) => [
      pseudonyms.open(String(user)),
      type,
      quantity,
      price === null ? null : Number(price),
      Number(amount),
    ]);
    expect(money.sort()).toEqual([
      ['a', 5, 6, 255, 1530],
      ['b', 6, -2, 255, -510],
      ['c', 5, 1000, 4, 4250],
      ['d', 0, 1, null, 0],
    ]);
  });

  it('a mapped amount wins, and stands in for nothing where it is empty', async () => {
    // given / when
    const { rows } = await clean(
      'u,t,a,q,p\nx,2011-05-01,7.5,2,3\ny,2011-05-01,,2,3\n',
      shopOf({
        ...events,
        columns: { user: 'u', time: 't', type: "'purchase'", amount: 'a', quantity: 'q', price: 'p' },
      }),
    );
    // then
    expect(rows.map(({ amount }) => Number(amount)).sort()).toEqual([600, 750]);
  });

  it('rules flag rows and leave them in; absurd amounts and busy days are flagged without a rule', async () => {
    // given
    const usual = Array.from({ length: 200 }, (_, i) => `u${i},2011-05-01,purchase,i${i},1,10\n`).join('');
    const busy = Array.from({ length: 2001 }, (_, i) => `bot,2011-05-02,view,i${i},1,\n`).join('');
    const rules = [
      { name: 'big', when: "type = 'purchase' AND amount > 100000" },
      { name: 'fails', when: 'item::INTEGER > 1' },
    ];
    // when
    const { quality, rows } = await clean(
      `${HEAD}${usual}${busy}rich,2011-05-01,purchase,x,80995,2.08\n`,
      shopOf({ ...events, rules }),
    );
    // then
    expect(cleanedQuality(quality)).toMatchObject({
      clean: 2202,
      flagged: { 'absurd-amount': 1, 'bot-like-day': 2001, big: 1 },
    });
    expect(rows.filter(({ flags }) => flags === 0b101)).toHaveLength(1);
    expect(rows.filter(({ flags }) => flags === 0b010)).toHaveLength(2001);
  });

  it('a key gives events an id that is the same in every drop, and in no other source', async () => {
    // given
    const config = parseConfig({
      shop: { timeZone: 'UTC' },
      tasks: {},
      sources: { a: { ...events, key: ['item'] }, b: { ...events, key: ['item'] }, c: events },
    });
    const row = (user: string) => `${HEAD}${user},2011-05-01,view,order 7,1,1\n`;
    // when
    const ids = [];
    for (const [key, user] of [
      ['a/1', 'x'],
      ['a/2', 'y'],
      ['b/1', 'x'],
      ['c/1', 'x'],
    ]) {
      ids.push((await clean(row(user ?? ''), config, `drop/${key}.csv`)).rows[0]?.id);
    }
    // then
    expect(ids[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(ids[3]).toBeNull();
  });

  it('users are pseudonyms whose hash chooses the batch', async () => {
    // given
    const lines = Array.from({ length: 5000 }, (_, i) => `user ${i},2011-05-01,view,i,1,1\n`);
    // when
    const { arrow } = await clean(HEAD + lines.join(''), shopOf(events));
    // then
    const { batches } = decodeArrow(arrow ?? new Uint8Array());
    expect(batches).toHaveLength(batchCount(5000, 4));
    for (const [index, batch] of batches.entries()) {
      for (const row of batch) {
        expect(row.hash).toBe(userHash(row.user));
        expect(shardOf(row.hash, batches.length)).toBe(index);
        expect(pseudonyms.open(row.user)).toMatch(/^user \d+$/);
      }
    }
  });
});

describe('tables of attributes', () => {
  const attributes = {
    numbers: { size: 'size' },
    categories: ['colour'],
    texts: { about: "colour || ' ' || size" },
  };

  it('items: one batch, typed attributes, kinds in the metadata', async () => {
    // given
    const config = shopOf({
      table: 'items',
      format: 'csv',
      columns: { item: 'id', valid_from: 'since' },
      attributes,
    });
    // when
    const { rows, quarantine, arrow } = await clean(
      'id,since,colour,size\nb,2011-01-01,red,2\na,,blue,\n,,red,1\nc,,red,big\nd,soon,red,1\n',
      config,
    );
    // then
    expect(
      rows.map(({ item, valid_from, size, colour, about }) => [item, valid_from, size, colour, about]),
    ).toEqual([
      ['a', null, null, 'blue', null],
      ['b', Date.UTC(2011, 0, 1), 2, 'red', 'red 2'],
    ]);
    expect(quarantine.map(({ reason }) => reason)).toEqual([
      'no item',
      'numbers.size: "big" is no number',
      'valid_from: "soon" is no timestamp',
    ]);
    const { batches } = decodeArrow(arrow ?? new Uint8Array());
    const kinds = batches[0]?.schema.fields.flatMap(({ name, metadata }) =>
      metadata.has('nightjar.kind') ? [[name, metadata.get('nightjar.kind')]] : [],
    );
    expect(kinds).toEqual([
      ['size', 'number'],
      ['colour', 'category'],
      ['about', 'text'],
    ]);
  });

  it('users: pseudonyms, and no valid_from where none is mapped', async () => {
    // given
    const config = shopOf({
      table: 'users',
      format: 'csv',
      columns: { user: 'id' },
      attributes: { categories: ['colour'] },
    });
    // when
    const { rows } = await clean('id,colour\n7,red\n,blue\n', config);
    // then
    expect(rows).toEqual([
      { user: pseudonyms.seal('7'), hash: userHash(pseudonyms.seal('7')), colour: 'red', flags: 0 },
    ]);
  });

  it('labels: the split by crc32 of the row number, counted over all rows of the file', async () => {
    // given
    const split = "CASE WHEN crc32(row_number::VARCHAR) % 5 = 0 THEN 'test' ELSE 'train' END";
    const config = shopOf({
      table: 'labels',
      format: 'csv',
      columns: { label: 'y', split },
      attributes: { numbers: ['x'] },
    });
    const lines = Array.from({ length: 2500 }, (_, i) => (i % 100 === 50 ? 'broken\n' : `${i},${i % 2}\n`));
    // when
    const { rows, quality } = await clean(`x,y\n${lines.join('')}`, config);
    // then
    expect(cleanedQuality(quality)).toMatchObject({ rowsIn: 2500, quarantined: { 'broken line': 25 } });
    expect(rows).toHaveLength(2475);
    for (const row of rows) {
      expect(row.x).toBe(row.row_id);
      expect(row.split).toBe(crc32(String(row.row_id)) % 5 === 0 ? 'test' : 'train');
      expect(row.hash).toBe(userHash(String(row.row_id)));
    }
  });

  it('an unknown split, a missing label and a taken name are told', async () => {
    // given
    const source = { table: 'labels', format: 'csv', columns: { label: 'y', split: 'x' } } as const;
    // when
    const read = await clean('x,y\ntrain,1\nlater,1\ntest,\n', shopOf(source));
    const taken = await clean('x,y\n', shopOf({ ...source, attributes: { numbers: { Label: 'x' } } }));
    // then
    expect(cleanedQuality(read.quality)).toMatchObject({
      clean: 1,
      quarantined: { 'split: unknown': 1, 'no label': 1 },
    });
    expect(taken.quality).toMatchObject({
      refused: { reason: 'the attribute "Label" has a name that is taken' },
    });
  });
});

describe('drops', () => {
  it('are cleaned once; another content or config is another revision', async () => {
    // given
    const config = shopOf(events);
    const first = await clean(`${HEAD}u,2011-05-01,view,a,1,1\n`, config);
    const { store } = first;
    const key = 'drop/shop/day.csv';
    // when
    const again = await cleanDrop({ store, config, pseudonyms, key });
    const second = await clean(`${HEAD}u,2011-05-01,view,b,1,1\n`, config, key, store);
    const other = await cleanDrop({
      store,
      config: shopOf({ ...events, duplicates: 'keep' }),
      pseudonyms,
      key,
    });
    const gone = await cleanDrop({ store, config, pseudonyms, key: 'drop/shop/none.csv' });
    // then
    expect(again.status).toBe('done');
    expect(second.quality.revision).not.toBe(first.quality.revision);
    expect(second.quality.dropId).toBe(first.quality.dropId);
    expect(other.status).toBe('clean');
    expect(gone).toEqual({ status: 'gone' });
  });

  it('whose cleaning was cut off are finished by the next call, with the same bytes', async () => {
    // given: everything but the quality record was written
    const config = shopOf(events);
    const whole = await clean(`${HEAD}u,2011-05-01,view,a,1,1\nx\n`, config);
    const { store } = whole;
    const head = await store.head('drop/shop/day.csv');
    const keys = cleanKeys(config, 'drop/shop/day.csv', head?.digest ?? '');
    await store.delete(keys.quality);
    // when
    const result = await cleanDrop({ store, config, pseudonyms, key: 'drop/shop/day.csv' });
    // then
    expect(result).toMatchObject({ status: 'clean', quality: whole.quality });
    expect(await bytesOf(store, keys.clean ?? '')).toEqual(whole.arrow);
  });

  it('are cleaned side by side without touching each other', async () => {
    // given
    const config = shopOf(events);
    const files = Array.from(
      { length: 6 },
      (_, i) => `${HEAD}${`u${i},2011-05-01,view,a,1,1\nx\n`.repeat(i + 1)}`,
    );
    // when
    const cleaned = await Promise.all(files.map((file) => clean(file, config)));
    // then
    for (const [index, { quality, rows }] of cleaned.entries()) {
      expect(cleanedQuality(quality)).toMatchObject({
        rowsIn: 2 * (index + 1),
        quarantined: { 'broken line': index + 1 },
      });
      expect(rows.map(({ user }) => pseudonyms.open(String(user)))).toEqual([`u${index}`]);
    }
  });

  it('belong to the source with the longest prefix that fits', () => {
    // given
    const config = parseConfig({
      shop: { timeZone: 'UTC' },
      tasks: {},
      sources: {
        web: events,
        late: { ...events, prefix: 'web/late/' },
        all: { ...events, prefix: 'drop/web-all' },
      },
    });
    // when / then
    expect(sourceOf(config, 'drop/web/1.csv')?.name).toBe('web');
    expect(sourceOf(config, 'drop/web/late/1.csv')?.name).toBe('late');
    expect(sourceOf(config, 'drop/web-all/1.csv')?.name).toBe('all');
    expect(sourceOf(config, 'drop/webb/1.csv')).toBeUndefined();
  });

  it('of parquet keep their types', async () => {
    // given
    const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
    const path = join(folder, 'day.parquet');
    await withConnection({}, (sql) =>
      sql.run(`COPY (SELECT 'u' || i AS "user", TIMESTAMP '2011-07-01 12:00' AS time, 'view' AS type, i AS item, 2.5 AS price
        FROM range(3000) t(i)) TO '${path}' (FORMAT parquet)`),
    );
    const config = shopOf({
      ...events,
      format: 'parquet',
      columns: { user: 'user', time: 'time', type: 'type', item: 'item', price: 'price' },
    });
    const named = sourceOf(config, 'drop/shop/day.parquet');
    // when
    const preview = named && (await previewDrop({ file: path, named, config, pseudonyms, show: 1 }));
    await rm(folder, { recursive: true });
    // then
    expect(preview).toMatchObject({
      status: 'read',
      rowsIn: 3000,
      clean: 3000,
      rows: [{ user: 'u0', time: '2011-07-01T12:00:00+01:00', item: '0', price: 2.5, amount: 2.5 }],
    });
  });

  it('are refused when the reader finds another number of records than the counter', async () => {
    // given
    const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
    const path = join(folder, 'drop');
    await writeFile(path, 'a\nb\n');
    const source = sourceOf(shopOf(events), 'drop/shop/x')?.source;
    const intake = {
      path,
      sha256: '',
      bytes: 4,
      unpacked: 4,
      longest: 1,
      head: new Uint8Array(),
      linesEndInLf: true,
      header: ['user'],
      records: 3,
    };
    // when
    const reading = withConnection(
      {},
      async (sql) => source && readRecords(sql, intake, source, keyFacts('drop/shop/x', 'drop/shop/')),
    );
    // then
    await expect(reading).rejects.toThrow('DuckDB found 2 records, our own count 3');
    await rm(folder, { recursive: true });
  });
});
