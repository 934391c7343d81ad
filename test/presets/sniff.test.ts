import { describe, expect, it } from 'vitest';
import { numberFormOf } from '../../lib/presets/sniff/index.ts';
import { readOf, startWith } from './start.ts';

const guessed = async (content: string | Uint8Array, name = 'file.csv', timeZone?: string) => {
  const started = await startWith('csv', { [name]: content }, timeZone);
  const guesses = Object.fromEntries(started.guesses.map(({ what, guess }) => [what, guess]));
  return { started, guesses, read: readOf(started), others: started.guesses };
};

const UCI = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
536365,71053,WHITE METAL LANTERN,6,12/1/2010 8:26,3.39,17850,United Kingdom
C536379,22622,BOX OF LETTERS,-1,12/13/2010 9:41,11.95,14527,United Kingdom
536370,22728,ALARM CLOCK,24,12/14/2010 8:45,3.75,12583,France
`;

describe('any file', () => {
  it('invoice lines: each column by its name and content, returns by negative quantities', async () => {
    const { guesses, read } = await guessed(UCI);
    expect(guesses).toMatchObject({
      'columns.user': 'CustomerID',
      'columns.time': `strptime(InvoiceDate, '%m/%d/%Y %H:%M')`,
      'columns.item': 'StockCode',
      'columns.quantity': 'Quantity',
      'columns.price': 'UnitPrice',
      'columns.session': 'InvoiceNo',
      'columns.type': `CASE WHEN Quantity::DOUBLE < 0 THEN 'return' ELSE 'purchase' END`,
      'shop.timeZone': 'UTC',
    });
    expect(read).toMatchObject({ rowsIn: 4, clean: 4, days: { first: '2010-12-01', last: '2010-12-14' } });
  });

  it('a click log in lines of JSON: kinds of events by their words, and what means none is left out', async () => {
    const line = (event: string, i: number) =>
      JSON.stringify({
        event_id: `e${i}`,
        visitor_id: `v${i % 3}`,
        ts: 1_769_847_300 + i,
        event,
        product_id: `p${i % 2}`,
      });
    const { guesses, read, started } = await guessed(
      `${['pageview', 'addtocart', 'buy', 'checkout', 'pageview'].map(line).join('\n')}\n`,
      'log.jsonl',
    );
    expect(guesses).toMatchObject({
      format: 'jsonl',
      'columns.user': 'visitor_id',
      'columns.time': 'ts',
      'columns.item': 'product_id',
      'columns.type': 'pageview → view, addtocart → cart, buy → purchase',
      key: 'event_id',
    });
    expect(started.config.sources.events).toMatchObject({ epoch: 's', key: ['event_id'] });
    expect(read).toMatchObject({ rowsIn: 5, clean: 4, leftOut: { known_type: 1 } });
  });

  it('says what else it considered, and keeps it in the config as a comment', async () => {
    const { started, others } = await guessed(
      'email,customer_id,order_date,shipped_date,sku,total\na@b.example,7,2026-01-31,2026-02-02,s1,9.90\nc@b.example,8,2026-01-30,2026-02-01,s2,5.00\n',
    );
    expect(others.find(({ what }) => what === 'columns.user')).toMatchObject({
      guess: 'customer_id',
      others: ['email'],
    });
    expect(others.find(({ what }) => what === 'columns.time')).toMatchObject({
      guess: 'order_date',
      others: ['shipped_date'],
    });
    expect(started.text).toContain('// user: "email",\n        user: \'customer_id\',');
  });

  it('a doubt about day and month is told, a stated zone is no guess', async () => {
    const { others } = await guessed(
      'user,day,sku\na,03/04/2026,x\nb,05/06/2026,y\n',
      'a.csv',
      'Europe/Paris',
    );
    expect(others.find(({ what }) => what === 'order of day and month')).toMatchObject({
      guess: '%d/%m/%Y',
      others: ['%m/%d/%Y'],
    });
    expect(others.find(({ what }) => what === 'shop.timeZone')).toBeUndefined();
  });

  it('delimiter, title lines, decimal comma, encoding and a missing header', async () => {
    const text =
      'Auftr\u00e4ge;;;\nKunde;Datum;Artikel;Preis\nM\u00fcller;31.01.2026;A1;1.012,50\nMeier;30.01.2026;A2;3,50\n';
    const { started, read } = await guessed(Buffer.from(text, 'latin1'));
    expect(started.config.sources.orders).toMatchObject({
      encoding: 'windows-1252',
      csv: { delimiter: ';', skipLines: 1 },
      number: { decimal: ',', thousands: '.' },
    });
    expect(read.rows[0]).toMatchObject({ user: 'M\u00fcller', amount: 1012.5 });
    const bare = startWith('csv', { 'bare.csv': '1,2026-01-31,s1\n2,2026-01-30,s2\n' });
    await expect(bare).rejects.toThrow(
      /no column can be taken for the user of events\. Its columns.*column_1 \(1\)/,
    );
  });

  it('a file without times or rows is told to be that', async () => {
    await expect(startWith('csv', { 'a.csv': 'user,sku\nu1,s1\n' })).rejects.toThrow(
      /a\.csv: no column can be taken for the time of events.*user \(u1\), sku \(s1\)/,
    );
    await expect(startWith('csv', { 'a.csv': '' })).rejects.toThrow(/a\.csv is empty/);
    await expect(startWith('csv', { 'a.json': '[{"a":1}]' })).rejects.toThrow(/is one JSON list.*jq -c/);
  });

  it('horizons follow the days that there are', async () => {
    const rows = (days: number) =>
      Array.from(
        { length: days },
        (_, i) => `u${i % 5},${new Date(Date.UTC(2025, 0, 1 + i)).toISOString().slice(0, 10)},s\n`,
      ).join('');
    const short = await guessed(`user,day,sku\n${rows(40)}`);
    expect(short.started.config.tasks.purchase).toMatchObject({ horizonDays: 7 });
    const long = await guessed(`user,day,sku\n${rows(400)}`);
    expect(long.started.config.tasks.churn).toMatchObject({ activeDays: 180, horizonDays: 90 });
  });
});

describe('numbers', () => {
  it.each([
    [['1', '-2.5', '3'], {}],
    [['1,5', '2'], { decimal: ',' }],
    [['1.234,50', '2,00'], { decimal: ',', thousands: '.' }],
    [['1,234.50', '2.00'], { thousands: ',' }],
    [['1 234,50', '2,00'], { decimal: ',', thousands: ' ' }],
    [['$1.50', '$20'], { marks: ['$'] }],
    [['12,50 EUR', '(3,00) EUR'], { decimal: ',', marks: ['EUR'] }],
  ])('%j', (values, form) => {
    expect(numberFormOf(values)).toEqual(form);
  });

  it.each([[['a1']], [['1-2-3']], [[]], [['2026-01-31']], [['1.2.3']]])('%j are none', (values) => {
    expect(numberFormOf(values)).toBeUndefined();
  });
});

describe('a file', () => {
  it('is what its bytes say, packed or not', async () => {
    const { gzipSync } = await import('node:zlib');
    const { guesses } = await guessed(gzipSync(UCI), 'orders.csv.gz');
    expect(guesses.format).toBe('csv');
  });
});
