import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { clean, cleanedQuality, refusalOf, rowsIn, shopOf } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

const jsonl: Source = {
  table: 'events',
  format: 'jsonl',
  unnest: 'items',
  columns: {
    user: 'user',
    time: 'at',
    type: "'purchase'",
    item: 'element.sku',
    quantity: 'element.qty',
    session: 'id',
    amount: 'total',
  },
};
const order = (id: string, items: string, more = '') =>
  `{"id":"${id}","user":"u${id}","at":"2024-05-01","total":5${more},"items":${items}}\n`;

describe('one record, many events', () => {
  const lists =
    order('1', '[{"sku":"A","qty":2},{"sku":"B","qty":1}]') +
    order('2', '[]') +
    order('3', 'null') +
    '{"id":"4","user":"u4","at":"2024-05-01"}\n' +
    order('5', '{"sku":"C","qty":3}');

  it.each([
    ['a column', 'items'],
    ['a path', '$.items'],
    ['an expression', "json -> '$.items'"],
  ])('a list in %s becomes a row an element; a record without one stays a row', async (_, unnest) => {
    const { rows, rowsIn: count } = await rowsIn(lists, { ...jsonl, unnest });
    expect(count).toBe(6);
    expect(rows.map(({ session, item, quantity, amount }) => [session, item, quantity, amount])).toEqual([
      ['1', 'A', 2, 5],
      ['1', 'B', 1, 5],
      ['2', null, 1, 5],
      ['3', null, 1, 5],
      ['4', null, 1, 0],
      ['5', 'C', 3, 5],
    ]);
  });

  it.each(['items', '$.items', '$.items[*]'])(
    'an empty text in the place of the list is an empty list, text that holds a list is one: %s',
    async (unnest) => {
      const texts = order('1', '""') + order('2', '"[{\\"sku\\":\\"A\\"}]"') + order('3', '[{"sku":"B"}]');
      const { rows, quarantined } = await rowsIn(texts, { ...jsonl, unnest });
      const held = unnest.endsWith('[*]') ? null : 'A';
      expect([rows.map(({ item }) => item), quarantined]).toEqual([[null, held, 'B'], {}]);
    },
  );

  it('a list of plain values, and the number of each in its record', async () => {
    const plain: Source = {
      ...jsonl,
      columns: { ...jsonl.columns, item: 'element', quantity: 'element_number::INTEGER + 1' },
    };
    const { rows } = await rowsIn(order('1', '["A","B",7]'), plain);
    expect(rows.map(({ item, quantity }) => [item, quantity])).toEqual([
      ['A', 1],
      ['B', 2],
      ['7', 3],
    ]);
  });

  it('a list of JSON in a column of csv', async () => {
    const csv: Source = {
      ...jsonl,
      format: 'csv',
      columns: { user: 'user', time: 'at', type: "'purchase'", item: 'element.sku' },
    };
    const file =
      'user,at,items\na,2024-05-01,"[{""sku"":""A""},{""sku"":""B""}]"\nb,2024-05-01,\nc,2024-05-01,"[{\'sku\': \'A\'}]"\nd,2024-05-01,text\n';
    const { rows, rowsIn: count, quarantined, errors } = await rowsIn(file, csv);
    expect(count).toBe(5);
    expect(rows.map(({ user, item }) => [user, item])).toEqual([
      ['a', 'A'],
      ['a', 'B'],
      ['b', null],
    ]);
    expect(quarantined).toEqual({ 'unnest: no list': 2 });
    expect(errors[0]?.reason).toBe(`unnest: "[{'sku': 'A'}]" is no list`);
  });

  it('equal elements of one record are no duplicates, equal records are', async () => {
    const two = order('1', '[{"sku":"A","qty":1},{"sku":"A","qty":1}]');
    const { quality } = await clean(two + two, shopOf(jsonl));
    expect(cleanedQuality(quality)).toMatchObject({
      rowsIn: 4,
      clean: 2,
      duplicates: { found: 2, dropped: 2 },
    });
  });

  it('a key may name fields of the element', async () => {
    const keyed: Source = { ...jsonl, key: ['id', 'element.sku'] };
    const { quality, rows } = await clean(
      order('1', '[{"sku":"A","qty":1},{"sku":"B","qty":1},{"sku":"A","qty":9}]'),
      shopOf(keyed),
    );
    expect(cleanedQuality(quality)).toMatchObject({ rowsIn: 3, clean: 2 });
    expect(new Set(rows.map(({ id }) => id)).size).toBe(2);
  });

  it('what is no list by its type, and labels, are told', async () => {
    expect(await refusalOf(order('1', '[]'), { ...jsonl, unnest: 'total::INTEGER' })).toMatch(
      /unnest gives INTEGER, which is no list/,
    );
    const labels: ConfigInput['sources'][string] = {
      table: 'labels',
      format: 'jsonl',
      columns: { label: 'id' },
      unnest: 'items',
    };
    await expect(rowsIn(order('1', '[]'), labels)).rejects.toThrow(/a label belongs to one row/);
  });

  it('a purchase of GA4 with two items is two purchases', async () => {
    // given an export of the published shape, with parameters as lists of keys and values
    const ga4: Source = {
      table: 'events',
      format: 'jsonl',
      unnest: 'items',
      epoch: 'us',
      columns: {
        user: 'coalesce(user_id, user_pseudo_id)',
        time: 'event_timestamp',
        type: "CASE event_name WHEN 'page_view' THEN 'view' WHEN 'view_item' THEN 'view' ELSE event_name END",
        item: 'element.item_id',
        quantity: 'element.quantity',
        price: 'element.price',
        session: `list_filter(json_extract(event_params, '$[*]'), lambda x: x ->> '$.key' = 'ga_session_id')[1] ->> '$.value.int_value'`,
      },
    };
    const event = (name: string, items: string) =>
      `{"event_timestamp":"1714550460000000","event_name":"${name}","user_id":null,"user_pseudo_id":"111.222","event_params":[{"key":"page","value":{"string_value":"x"}},{"key":"ga_session_id","value":{"int_value":"77"}}],"items":${items}}\n`;
    // when
    const { rows } = await rowsIn(
      event('page_view', '[]') +
        event(
          'purchase',
          '[{"item_id":"A","price":10.5,"quantity":"2"},{"item_id":"B","price":21.0,"quantity":"1"}]',
        ),
      ga4,
    );
    // then
    expect(
      rows.map(({ type, item, quantity, amount, session, user }) => [
        type,
        item,
        quantity,
        amount,
        session,
        user,
      ]),
    ).toEqual([
      ['view', null, 1, 0, '77', '111.222'],
      ['purchase', 'A', 2, 21, '77', '111.222'],
      ['purchase', 'B', 1, 21, '77', '111.222'],
    ]);
  });
});

describe('fields that stand on the first line of an order alone', () => {
  const csv: Source = {
    table: 'events',
    format: 'csv',
    fill: { by: 'Name', columns: ['Email', 'Created at'] },
    columns: { user: 'Email', time: 'Created at', type: "'purchase'", item: 'Sku', session: 'Name' },
  };
  const HEAD = 'Name,Email,Created at,Sku\n';

  it('are filled in the other lines of the order, wherever they stand', async () => {
    const { rows } = await rowsIn(
      `${HEAD}#1,a@x,2024-05-01,A\n#1,,,B\n#2,b@x,2024-05-02,C\n#1,,,D\n#2,,,E\n`,
      csv,
    );
    expect(rows.map(({ item, user }) => [item, user])).toEqual([
      ['A', 'a@x'],
      ['B', 'a@x'],
      ['C', 'b@x'],
      ['D', 'a@x'],
      ['E', 'b@x'],
    ]);
  });

  it('keep what they have, take the nearest above, and the next below where none is above', async () => {
    const { rows } = await rowsIn(`${HEAD}#1,,2024-05-01,A\n#1,a@x,,B\n#1,,,C\n#1,b@x,,D\n#1,,,E\n`, csv);
    expect(rows.map(({ user }) => user)).toEqual(['a@x', 'a@x', 'a@x', 'b@x', 'b@x']);
  });

  it('are not filled where the group is empty', async () => {
    const { quarantined } = await rowsIn(`${HEAD},a@x,2024-05-01,A\n,,2024-05-01,B\n`, csv);
    expect(quarantined).toEqual({ 'no user': 1 });
  });

  it('equal lines are told by what stands in the file, not by what was filled in', async () => {
    const { rows, duplicates } = await rowsIn(`${HEAD}#1,a@x,2024-05-01,A\n#1,,,A\n#1,,,A\n`, csv);
    expect([rows.length, duplicates]).toEqual([2, 1]);
  });

  it('a column that is missing is told by the setting', async () => {
    expect(
      await refusalOf('Name,Email,Created at,Sku\n', { ...csv, fill: { by: 'Order', columns: ['Email'] } }),
    ).toMatch(/no column "Order", which fill.by needs/);
  });
});

describe('rows that are none of the table', () => {
  const csv: Source = {
    table: 'events',
    format: 'csv',
    where: { paid: "status = 'paid'", 'not-a-test': "user NOT LIKE 'test%'" },
    columns: { user: 'user', time: 'at', type: "'purchase'", quantity: 'qty' },
  };

  it('are left out by name and counted, and whatever else is wrong with them does not matter', async () => {
    const file =
      'user,at,status,qty\na,2024-05-01,paid,1\nb,2024-05-01,open,1\n,bad,open,x\ntest1,2024-05-01,paid,1\nc,bad,paid,1\nd,2024-05-01,,1\n';
    const { quality, rows, quarantine } = await clean(file, shopOf(csv));
    expect(cleanedQuality(quality)).toMatchObject({
      rowsIn: 6,
      clean: 1,
      quarantinedRows: 1,
      leftOut: { paid: 3, 'not-a-test': 1 },
    });
    expect([rows.length, quarantine.length]).toEqual([1, 1]);
  });

  it('a condition that fails on a row quarantines it', async () => {
    const { quarantined } = await rowsIn('user,at,status,qty\na,2024-05-01,paid,x\n', {
      ...csv,
      columns: { ...csv.columns, quantity: '1' },
      where: { many: 'qty::INTEGER > 0' },
    });
    expect(quarantined).toEqual({ 'where.many: expression fails': 1 });
  });

  it('a name of each condition is counted, also where it left nobody out', async () => {
    const { quality } = await clean('user,at,status,qty\na,2024-05-01,paid,1\n', shopOf(csv));
    expect(cleanedQuality(quality).leftOut).toEqual({ paid: 0, 'not-a-test': 0 });
  });
});

describe('columns that come and go', () => {
  const csv: Source = {
    table: 'events',
    format: 'csv',
    columns: {
      user: 'customer',
      time: 'placed',
      type: "'view'",
      text: 'coupon',
      item: "coalesce(sku, 'none')",
    },
  };
  const without = 'customer,placed,sku\nann,2024-05-01,A\n';
  const withIt = 'sku,coupon,placed,customer\nA,X5,2024-05-02,ann\n';

  it.each([
    ['the setting optional', { optional: ['coupon'] }],
    ['a question mark', { columns: { ...csv.columns, text: 'coupon?' } }],
    [
      'both, in an expression',
      { optional: ['Coupon'], columns: { ...csv.columns, text: "nullif(coupon, 'none')" } },
    ],
  ])('%s: NULL where a file lacks one, and said', async (_, setting) => {
    const old = await rowsIn(without, { ...csv, ...setting });
    const now = await rowsIn(withIt, { ...csv, ...setting });
    expect(old.rows).toMatchObject([{ item: 'A', text: null }]);
    expect(now.rows).toMatchObject([{ item: 'A', text: 'X5' }]);
    expect([old.absent, now.absent]).toEqual([['coupon'], []]);
  });

  it('a file that lacks one that it may not lack is refused with both ways out', async () => {
    expect(await refusalOf(without, csv)).toMatch(
      /no column "coupon", which columns.text needs.*optional: \["coupon"\]/,
    );
  });

  it('lines of JSON in which no line has it', async () => {
    const json: Source = { ...csv, format: 'jsonl', optional: ['coupon'] };
    expect((await rowsIn('{"customer":"a","placed":"2024-05-01","sku":"A"}\n', json)).rows).toMatchObject([
      { text: null },
    ]);
  });
});

describe('what the key of an object tells', () => {
  const csv: Source = {
    table: 'events',
    format: 'csv',
    columns: {
      user: 'customer',
      time: 'day',
      type: "'view'",
      item: "shop || '/' || file_name",
      session: 'key',
    },
  };
  const KEY = 'drop/shop/day=2024-05-01/shop=K%C3%B6ln/part-0.csv';

  it('partitions, file_name and key are columns', async () => {
    const { rows } = await rowsIn('customer\nann\n', csv, { key: KEY });
    expect(rows).toMatchObject([
      { item: 'Köln/part-0.csv', session: KEY, time: '2024-05-01T00:00:00+02:00' },
    ]);
  });

  it('a column of the file of that name comes first', async () => {
    const { rows } = await rowsIn('customer,shop,key,file_name,day\nann,s,k,f,2024-05-02\n', csv, {
      key: KEY,
    });
    expect(rows).toMatchObject([{ item: 's/f', session: 'k', time: '2024-05-02T00:00:00+02:00' }]);
  });

  it("Hive's default partition is no value", async () => {
    const { quarantined } = await rowsIn(
      'customer\nann\n',
      { ...csv, columns: { ...csv.columns, item: 'file_name' } },
      { key: KEY.replace('2024-05-01', '__HIVE_DEFAULT_PARTITION__') },
    );
    expect(quarantined).toEqual({ 'no time': 1 });
  });

  it('what was read of it stands in the quality record, so that equal bytes under two keys can be two drops', async () => {
    const one = await clean('customer\nann\n', shopOf(csv), KEY);
    const none = await clean(
      'customer,day,shop\nann,2024-05-01,x\n',
      shopOf({ ...csv, columns: { user: 'customer', time: 'day', type: "'view'" } }),
      KEY,
    );
    expect(cleanedQuality(one.quality).keyValues).toEqual({
      day: '2024-05-01',
      file_name: 'part-0.csv',
      key: KEY,
      shop: 'Köln',
    });
    expect(cleanedQuality(none.quality).keyValues).toEqual({});
  });
});
