import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { rowsIn } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

const source: Source = {
  table: 'events',
  format: 'csv',
  csv: { columns: ['u', 'p'] },
  columns: { user: 'u', time: "'2024-05-01'", type: "'purchase'", amount: 'p' },
  duplicates: 'keep',
};
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

async function amountsOf(texts: readonly string[], changes: Partial<Source> = {}, currency?: string) {
  const file = texts.map((text, i) => `u${i},${quoted(text)}\n`).join('');
  const read = await rowsIn(
    file,
    { ...source, ...changes } as Source,
    currency === undefined ? {} : { currency },
  );
  const byUser = new Map(read.rows.map(({ user, amount }) => [user, amount]));
  return texts.map((_, i) => byUser.get(`u${i}`) ?? null);
}

describe('numbers in text', () => {
  it('without a setting: a decimal point, and what is written otherwise is told', async () => {
    expect(await amountsOf(['12', '12.50', '-3', '+4', '.5', '5.', '1e3', ' 7 ', '007'])).toEqual([
      12, 12.5, -3, 4, 0.5, 5, 1000, 7, 7,
    ]);
    expect(
      await amountsOf([
        '1,5',
        '1.234,56',
        '1,234.56',
        '€ 5',
        '5-',
        '(5)',
        '1_000',
        '0x10',
        'inf',
        '١٢',
        '--5',
        '1e',
        '5 %',
      ]),
    ).toEqual(Array(13).fill(null));
  });

  it.each([
    [
      'a decimal comma and points between thousands',
      { decimal: ',', thousands: '.' },
      ['1.234', '1.234,5', '1.234.567,89', '12,50', '12', '-1.234,00', '1.234,00-', '(12,00)'],
      [1234, 1234.5, 1234567.89, 12.5, 12, -1234, -1234, -12],
      ['1.23', '12.34', '1.2345', '1,234.5', '12.50', '1.234.5', '.123', '1..234'],
    ],
    [
      'a decimal comma alone',
      { decimal: ',' },
      ['1,5', '12', ',5'],
      [1.5, 12, 0.5],
      ['1.5', '1.234', '1.234,5'],
    ],
    [
      'commas between thousands',
      { thousands: ',' },
      ['1,234', '1,234.5', '12'],
      [1234, 1234.5, 12],
      ['1,23', '12,34', '1,2345', '1.234,5'],
    ],
    [
      'blanks between thousands, of whatever kind',
      { decimal: ',', thousands: ' ' },
      ['1 234,5', '1\u00a0234,5', '1\u202f234'],
      [1234.5, 1234.5, 1234],
      ['1 23', '1.5'],
    ],
    ['Swiss', { thousands: "'" }, ["1'234.50"], [1234.5], ['1,234.50']],
    ['Swiss, typeset', { thousands: '’' }, ['1’234.50'], [1234.5], ["1'234.50"]],
    ['underlines', { thousands: '_' }, ['1_234'], [1234], ['12_34']],
    [
      'currency marks',
      { decimal: ',', thousands: '.', marks: ['€', 'EUR', 'kr.'] },
      [
        '€ 12,50',
        '12,50 €',
        '-12,50€',
        '€-12,50',
        '- 12,50 €',
        'EUR 1.234',
        '1.234\u00a0EUR',
        '\u2212 5',
        '(€ 12,50)',
        '5 kr.',
        '12,50 €-',
        '5 kr.-',
      ],
      [12.5, 12.5, -12.5, -12.5, -12.5, 1234, 1234, -5, -12.5, 5, -12.5, -5],
      ['$ 5', '12.50 €', '€€ x'],
    ],
  ] as const)('%s', async (_, number, good, values, bad) => {
    // given
    const setting = { ...number, ...('marks' in number && { marks: [...number.marks] }) } as Source['number'];
    // when / then
    expect(await amountsOf(good, { number: setting })).toEqual(values);
    expect(await amountsOf(bad, { number: setting })).toEqual(bad.map(() => null));
  });

  it('numbers of JSON have their own form, texts of JSON the stated one', async () => {
    // given
    const jsonl: Source = { ...source, format: 'jsonl', csv: {}, number: { decimal: ',', thousands: '.' } };
    const file = ['1.234', '"1.234"', '12.5', '"12,5"', '"12.5"', '1e2']
      .map((p, i) => `{"u":"u${i}","p":${p}}\n`)
      .join('');
    // when
    const { rows } = await rowsIn(file, jsonl);
    // then
    expect(rows.map(({ user, amount }) => [user, amount])).toEqual([
      ['u0', 1.23],
      ['u1', 1234],
      ['u2', 12.5],
      ['u3', 12.5],
      ['u5', 100],
    ]);
  });

  it('attributes are read in the same form', async () => {
    const users: ConfigInput['sources'][string] = {
      table: 'users',
      format: 'csv',
      columns: { user: 'u' },
      attributes: { numbers: ['x'] },
      number: { decimal: ',' },
    };
    const { rows, quarantined } = await rowsIn('u,x\na,"1,5"\nb,1.5\nc,\n', users);
    expect(rows).toMatchObject([{ x: 1.5 }, { x: null }]);
    expect(quarantined).toEqual({ 'numbers.x: no number': 1 });
  });
});

describe('money', () => {
  it.each([
    [undefined, [12.35, 100]],
    ['EUR', [12.35, 100]],
    ['JPY', [12, 100]],
    ['KRW', [12, 100]],
    ['KWD', [12.345, 100]],
    ['TND', [12.345, 100]],
  ])('%s has the digits of ISO 4217', async (currency, expected) => {
    expect(await amountsOf(['12.345', '100'], {}, currency)).toEqual(expected);
  });

  it('a half is rounded away from zero, whatever a double makes of it', async () => {
    expect(
      await amountsOf(['1.005', '5.005', '-1.005', '0.005', '1.115', '1.004999', '2.675', '8.495']),
    ).toEqual([1.01, 5.01, -1.01, 0.01, 1.12, 1, 2.68, 8.5]);
  });

  it('a half of a large amount, too', async () => {
    const both: Source = {
      ...source,
      csv: { columns: ['u', 'q', 'p'] },
      columns: { user: 'u', time: "'2024-05-01'", type: "'purchase'", quantity: 'q', price: 'p' },
    };
    const { rows } = await rowsIn('a,934365,580.081\nb,-934365,580.081\nc,1,99999999999\nd,3,1.005\n', both);
    expect(rows.map(({ amount }) => amount)).toEqual([542007383.57, -542007383.57, 99999999999, 3.02]);
  });

  it('rows in another currency are told', async () => {
    // given
    const currency: Source = {
      ...source,
      csv: { columns: ['u', 'p', 'c'] },
      columns: { ...source.columns, currency: 'c' },
    };
    // when
    const { rows, quarantined, errors } = await rowsIn('a,5,EUR\nb,5,usd\nc,5,eur \nd,5,\n', currency, {
      currency: 'EUR',
    });
    // then
    expect(rows.map(({ user }) => user)).toEqual(['a', 'c', 'd']);
    expect(quarantined).toEqual({ 'currency: not the shop’s': 1 });
    expect(errors[0]?.reason).toMatch(/"usd" is not EUR.*convert price and amount/);
  });

  it('a currency needs the one of the shop, and a code that there is', async () => {
    const currency: Source = { ...source, columns: { ...source.columns, currency: 'p' } };
    await expect(rowsIn('a,5\n', currency)).rejects.toThrow(
      /shop.currency.*columns.currency of "shop" is compared with/,
    );
    await expect(rowsIn('a,5\n', source, { currency: 'XQX' })).rejects.toThrow(/ISO 4217/);
  });
});

describe('every number has bounds, so that none ends as NaN in a run', () => {
  it.each([
    ['quantity', ['1e300', '4006381333931', '-1e8', '10000001'], ['10000000', '0', '-3', '0.5']],
    ['price', ['1e300', '1e12', '-1e300'], ['99999999999', '-0.01']],
    ['amount', ['1e300', '1e12'], ['99999999999']],
  ])('%s', async (name, bad, good) => {
    // given
    const bounded: Source = {
      ...source,
      columns: { user: 'u', time: "'2024-05-01'", type: "'view'", [name]: 'p' },
    };
    const file = [...bad, ...good].map((p, i) => `u${i},${p}\n`).join('');
    // when
    const read = await rowsIn(file, bounded);
    // then
    expect(read.quarantined).toEqual({ [`${name}: out of range`]: bad.length });
    expect(read.clean).toBe(good.length);
  });

  it('quantity times price', async () => {
    const both: Source = {
      ...source,
      csv: { columns: ['u', 'q', 'p'] },
      columns: { user: 'u', time: "'2024-05-01'", type: "'view'", quantity: 'q', price: 'p' },
    };
    const { quarantined, errors } = await rowsIn('a,1000000,100000000\n', both);
    expect(quarantined).toEqual({ 'amount: out of range': 1 });
    expect(errors[0]?.reason).toBe('amount: quantity times price is out of range: "1000000.0 x 100000000"');
  });

  it('attributes', async () => {
    const items: ConfigInput['sources'][string] = {
      table: 'items',
      format: 'csv',
      columns: { item: 'i' },
      attributes: { numbers: ['x'] },
    };
    expect((await rowsIn('i,x\na,1e19\nb,-1e300\nc,1e18\nd,1e400\n', items)).quarantined).toEqual({
      'numbers.x: out of range': 2,
      'numbers.x: no number': 1,
    });
  });

  it('marks are taken off at the ends alone, and a line for no cents is no sign', async () => {
    const number = { decimal: ',', thousands: '.', marks: ['€', 'EUR'] } satisfies Source['number'];
    expect(
      await amountsOf(
        ['€ 5', '-5 €', '€-5', '(€ 5)', '5 EUR-', '12€50', '1€234', '5,-', '€ 1.234,-', '5,–'],
        {
          number,
        },
      ),
    ).toEqual([5, -5, -5, -5, -5, null, null, null, null, null]);
  });

  it('a group that begins with 0 is none', async () => {
    expect(
      await amountsOf(['0.125', '00.123', '1.234'], { number: { decimal: ',', thousands: '.' } }),
    ).toEqual([null, null, 1234]);
  });

  it('numbers of JSON are read as JSON however deep they stand, texts as the setting says', async () => {
    const file =
      '{"u":"a","c":{"p":1.25},"l":[{"p":1.25}]}\n{"u":"b","c":{"p":"1.250"},"l":[{"p":"1.250"}]}\n';
    const jsonl: Source = { ...source, format: 'jsonl', csv: {}, number: { decimal: ',', thousands: '.' } };
    for (const change of [{ amount: 'c.p' }, { amount: 'element.p' }]) {
      const unnest = change.amount === 'c.p' ? {} : { unnest: 'l' };
      const read = await rowsIn(file, { ...jsonl, ...unnest, columns: { ...source.columns, ...change } });
      expect(read.rows.map(({ user, amount }) => [user, amount])).toEqual([
        ['a', 1.25],
        ['b', 1250],
      ]);
    }
  });
});
