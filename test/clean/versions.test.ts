import { describe, expect, it } from 'vitest';
import { cleanDrop, cleanKeys, parseQuality } from '../../lib/clean/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { bytesOf, clean, cleanedQuality, emptyStore, events, pseudonyms, rowsOf, shopOf } from './shop.ts';

const HEAD = 'user,time,type,item,quantity,price,id,changed\n';
const line = (id: string, changed: string, item = 'tea') =>
  `ann,2011-05-01,view,${item},1,1,${id},${changed}\n`;
const keyed = (newestBy?: string[], duplicates: 'keep' | 'drop' = 'drop') =>
  shopOf({ ...events, key: ['id'], duplicates, ...(newestBy ? { newestBy } : {}) }, 'Europe/Berlin');

describe('the version of an event', () => {
  /** Expression, what stands in the column, and the version that it gives. */
  const values: [string, string, string, number | null][] = [
    ['a whole number in text', 'changed', '17', 17],
    ['a fraction in text', 'changed', '-2.5', -2.5],
    ['a number by a cast', 'changed::BIGINT', '17', 17],
    ['a naive time in text, read in the zone', 'changed', '2011-05-01 02:00:00', Date.UTC(2011, 4, 1)],
    ['a time with its offset', 'changed', '2011-05-01T02:00:00+00:00', Date.UTC(2011, 4, 1, 2)],
    ['a day', 'changed::DATE', '2011-05-01', Date.UTC(2011, 3, 30, 22)],
    ['a timestamp', 'changed::TIMESTAMP', '2011-05-01 02:00:00', Date.UTC(2011, 4, 1)],
    ['an instant', 'changed::TIMESTAMPTZ', '2011-05-01 02:00:00+02', Date.UTC(2011, 4, 1)],
    [
      'a time in text, with what is beyond its milliseconds',
      'changed',
      '2011-05-01 02:00:00.123456',
      Date.UTC(2011, 4, 1) + 123.456,
    ],
    [
      'a time that is read row by row, with what is beyond its milliseconds',
      'changed',
      '2011/05/01 02:00:00.1234567',
      Date.UTC(2011, 4, 1) + 123.456,
    ],
    [
      'a timestamp of microseconds',
      'changed::TIMESTAMP',
      '2011-05-01 02:00:00.000250',
      Date.UTC(2011, 4, 1) + 0.25,
    ],
    [
      'an instant of microseconds',
      'changed::TIMESTAMPTZ',
      '2011-05-01 02:00:00.000250+02',
      Date.UTC(2011, 4, 1) + 0.25,
    ],
    ['nothing', 'changed', '', null],
    ['an expression over the columns', `CASE WHEN changed = 'b' THEN 2 ELSE 1 END`, 'b', 2],
  ];
  it.each(values)('is a number or the milliseconds of a time: %s', async (_, newestBy, value, version) => {
    const { rows } = await clean(HEAD + line('1', value), keyed([newestBy, 'drop']));
    expect(rows.map((row) => row.version)).toEqual([version]);
  });

  it.each(['soon', 'NAN', 'inf', '-inf', 'infinity', '2011-13-01'])(
    'that is neither has its row quarantined: %s',
    async (value) => {
      const { quality, quarantine } = await clean(HEAD + line('1', value), keyed(['changed']));
      expect(cleanedQuality(quality)).toMatchObject({
        rowsIn: 1,
        clean: 0,
        quarantined: { 'newestBy: no number and no time': 1 },
      });
      expect(quarantine[0]).toMatchObject({
        column: 'newestBy',
        reason: `newestBy: "${value}" is no number and no time`,
      });
    },
  );

  it('of more digits than are compared has its row quarantined', async () => {
    const { quality } = await clean(
      HEAD + line('1', '1789123456789012481') + line('2', '9007199254740991'),
      keyed(['changed']),
    );
    expect(cleanedQuality(quality)).toMatchObject({ clean: 1, quarantined: { 'newestBy: lost digits': 1 } });
  });

  it('is read as the setting number says', async () => {
    const source = { ...events, key: ['id'], newestBy: ['changed'] };
    const config = shopOf({ ...source, number: { decimal: ',', thousands: '.' } }, 'Europe/Berlin');
    const { rows } = await clean(`${HEAD}${line('1', '1.234', 'new')}${line('1', '999', 'old')}`, config);
    expect(rows).toMatchObject([{ item: 'new', version: 1234 }]);
  });

  it('that cannot be ordered has the drop refused, and an expression that fails its row quarantined', async () => {
    const refused = await clean(HEAD + line('1', 'x'), keyed(['[changed]']));
    expect(refused.quality).toMatchObject({
      status: 'refused',
      refused: { reason: /newestBy gives VARCHAR\[\]/ },
    });
    const { quality } = await clean(HEAD + line('1', 'x') + line('2', '7'), keyed(['changed::INTEGER']));
    expect(cleanedQuality(quality)).toMatchObject({
      clean: 1,
      quarantined: { 'newestBy: expression fails': 1 },
    });
  });

  it('chooses between rows of one key within a drop; without one the first is kept', async () => {
    const lines =
      HEAD + line('1', '2', 'old') + line('1', '9', 'new') + line('1', '', 'none') + line('1', '3', 'mid');
    const items = async (...settings: Parameters<typeof keyed>) =>
      (await clean(lines, keyed(...settings))).rows.map(({ item }) => item);
    expect(await items(['changed'])).toEqual(['new']);
    expect(await items(['drop', 'changed'])).toEqual(['new']);
    expect(await items()).toEqual(['old']);
    expect((await items(['changed'], 'keep')).sort()).toEqual(['mid', 'new', 'none', 'old']);
  });
});

describe('a row that `where` leaves out', () => {
  const where = { shown: `item <> 'gone'` };
  const config = (more: object = {}) => shopOf({ ...events, key: ['id'], where, ...more });
  const withdrawn = async ({ store, quality }: Awaited<ReturnType<typeof clean>>) => {
    const bytes = await bytesOf(store, `clean/withdrawn/${quality.dropId}/${quality.revision}.arrow`);
    return { bytes, rows: bytes ? rowsOf(bytes) : [] };
  };

  it('is kept as the version of its event: whose, of which day, how new', async () => {
    const lines = HEAD + line('1', '7', 'gone') + line('2', '8') + line('1', '9');
    const cleaned = await clean(lines, config({ newestBy: ['changed'], duplicates: 'keep' }));
    const again = cleaned.rows.find(({ version }) => version === 9)!;
    const { rows } = await withdrawn(cleaned);
    const { hash, id, day } = again;
    expect(rows).toEqual([{ hash, id, day, version: 7 }]);
    // and counts where it did
    expect(cleanedQuality(cleaned.quality)).toMatchObject({
      rowsIn: 3,
      clean: 2,
      leftOut: { shown: 1 },
      withdrawn: 1,
    });
  });

  it('is the same bytes in any order of the file, and leaves those of the clean rows alone', async () => {
    const gone = Array.from({ length: 50 }, (_, i) =>
      line(`${i % 20}`, '', 'gone').replace('ann', `u${i % 7}`),
    );
    const shown = Array.from({ length: 9 }, (_, i) => line(`x${i}`, '').replace('ann', `v${i % 4}`));
    const one = await clean(HEAD + [...gone, ...shown].join(''), config());
    const other = await clean(HEAD + [...gone, ...shown].reverse().join(''), config());
    const plain = await clean(HEAD + shown.join(''), config());
    const [a, b] = [await withdrawn(one), await withdrawn(other)];
    expect(a.rows).toHaveLength(50);
    expect(b.bytes).toEqual(a.bytes);
    expect(one.arrow).toEqual(other.arrow);
    expect(one.arrow).toEqual(plain.arrow);
    expect(await withdrawn(plain)).toEqual({ rows: [] });
  });

  it('says nothing where its event, its day or its version is not known, or events have no key', async () => {
    const gone = line('1', '7', 'gone');
    const unknown = [
      gone.replace('ann', ''),
      gone.replace('2011-05-01', ''),
      gone.replace('2011-05-01', 'soon'),
      gone.replace('2011', '1989'),
      gone.replace('2011', '2199'),
      line('', '7', 'gone'),
      line('1', 'soon', 'gone'),
      line('1.0e+17', '7', 'gone'),
      line('1', '7', 'gone').replace('gone', ''),
    ];
    const cleaned = await clean(HEAD + unknown.join('') + gone, config({ newestBy: ['changed'] }));
    expect((await withdrawn(cleaned)).rows).toHaveLength(2);
    expect(cleanedQuality(cleaned.quality)).toMatchObject({ leftOut: { shown: 10 }, withdrawn: 2 });
    const unkeyed = await clean(HEAD + gone, shopOf({ ...events, where }));
    expect(await withdrawn(unkeyed)).toEqual({ rows: [] });
    expect(cleanedQuality(unkeyed.quality).withdrawn).toBe(0);
  });

  it('takes back older rows of its own file where a column says what is older', async () => {
    const lines = line('1', '2') + line('1', '5', 'gone') + line('2', '5', 'gone') + line('2', '6');
    const items = async (more: object, text = lines) => {
      const cleaned = await clean(HEAD + text, config(more));
      const { rowsIn, clean: rows, duplicates, leftOut } = cleanedQuality(cleaned.quality);
      expect(rows + duplicates.dropped + leftOut.shown!).toBe(rowsIn);
      return cleaned.rows.map(({ version }) => version ?? null);
    };
    expect(await items({ newestBy: ['changed'] })).toEqual([6]);
    // Of the same age, by the drop alone, and where all rows are kept: what the file tells stands.
    expect(await items({ newestBy: ['changed'] }, line('1', '5', 'gone') + line('1', '5'))).toEqual([5]);
    expect(await items({})).toHaveLength(2);
    expect(await items({ newestBy: ['changed'], duplicates: 'keep' })).toHaveLength(2);
  });

  it('stands before the clean rows do, and a record that does not tell of it has none', async () => {
    const store = await emptyStore();
    const puts: string[] = [];
    const watched: ObjectStore = {
      ...bound(store),
      head: store.head.bind(store),
      get: store.get.bind(store),
      put: async (key, body, options) => {
        const result = await store.put(key, body, options);
        puts.push(key.split('/').slice(0, 2).join('/'));
        return result;
      },
    };
    const { quality } = await clean(
      HEAD + line('1', '') + line('2', '', 'gone'),
      config(),
      undefined,
      watched,
    );
    expect(puts.map((key) => key.replace(quality.dropId, '…'))).toEqual([
      'drop/shop',
      'clean/withdrawn',
      'clean/events',
      'quality/…',
    ]);
    const { withdrawn: _, ...before } = cleanedQuality(quality);
    expect(parseQuality(JSON.stringify(before), 'quality')).toMatchObject({ withdrawn: 0 });
  });
});

describe('the time of a drop', () => {
  const KEY = 'drop/shop/day.csv';
  const dropped = async (store: ObjectStore, content: string, time: number, config = keyed()) => {
    await store.put(KEY, content);
    const info = (await store.head(KEY))!;
    // The object's time as a bucket tells it.
    const dated: ObjectStore = {
      ...bound(store),
      head: async (key) => (key === KEY ? { ...info, lastModified: new Date(time) } : store.head(key)),
      get: async (key, options) => {
        const object = await store.get(key, options);
        return key === KEY ? { ...object, info: { ...info, lastModified: new Date(time) } } : object;
      },
    };
    await cleanDrop({ store: dated, config, pseudonyms, key: KEY, engine: { threads: 1 } });
    const { quality } = cleanKeys(config, KEY, info.digest!);
    const text = new TextDecoder().decode(await (await store.get(quality)).bytes());
    return JSON.parse(text).droppedAt;
  };

  it('is that of the object the first time its bytes stood there: again, after others, by other settings', async () => {
    const store = await emptyStore();
    const [one, other] = [HEAD + line('1', '1'), HEAD + line('1', '2')];
    const at = (day: number) => Date.UTC(2011, 5, day);
    expect(await dropped(store, one, at(1))).toBe(at(1));
    expect(await dropped(store, one, at(2))).toBe(at(1));
    expect(await dropped(store, other, at(3))).toBe(at(3));
    expect(await dropped(store, one, at(4))).toBe(at(1));
    expect(await dropped(store, one, at(5), keyed(['changed']))).toBe(at(1));
    // What an older version of the code left says nothing, and is no fault.
    await store.put(`quality/${cleanKeys(keyed(), KEY, '').dropId}/0123.json`, '{"sha256":"x"}');
    expect(await dropped(store, `${one}${line('2', '1')}`, at(6))).toBe(at(6));
  });

  it('is asked of no earlier record where events have no key', async () => {
    const store = await emptyStore();
    expect(await dropped(store, HEAD + line('1', '1'), 5, shopOf(events))).toBe(5);
    expect(await dropped(store, HEAD + line('1', '1'), 6, shopOf({ ...events, toleranceHours: 1 }))).toBe(6);
  });
});

function bound(store: ObjectStore) {
  return {
    put: store.put.bind(store),
    list: store.list.bind(store),
    delete: store.delete.bind(store),
  };
}
