import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../bin/home.ts';
import { nightjar } from '../e2e/command.ts';
import { emptyFolder } from './start.ts';

const ORDERS =
  'customer_id,ordered_at,sku,quantity,unit_price,order_id\nc1,2025-01-10 12:00,s1,1,9.99,o1\nc2,2025-01-11 12:00,s2,2,5.00,o2\n';

describe('init', { timeout: 120_000 }, () => {
  it('makes a folder for a shop, whose key and bucket git does not see', async () => {
    // when
    const home = await emptyFolder();
    const { code, stdout } = await nightjar(['init', 'my-shop'], home);
    // then
    expect(code).toBe(0);
    expect(stdout).toContain('written   my-shop/.gitignore\nwritten   my-shop/package.json\n');
    expect(await readFile(join(home, 'my-shop/.gitignore'), 'utf8')).toContain('\n.nightjar/\n');
    expect(JSON.parse(await readFile(join(home, 'my-shop/package.json'), 'utf8'))).toEqual({
      name: 'my-shop',
      private: true,
      type: 'module',
      dependencies: { 'nightjar-shop': VERSION },
    });
  });

  it('keeps what is there, and says what to add to it', async () => {
    // given
    const home = await emptyFolder();
    await writeFile(join(home, '.gitignore'), 'node_modules\n');
    await writeFile(join(home, 'package.json'), '{ "name": "mine" }\n');
    await writeFile(join(home, 'orders.csv'), ORDERS);
    // when
    const { code, stdout } = await nightjar(['init', '.', '--from', 'csv', 'orders.csv'], home);
    // then
    expect(code).toBe(0);
    expect(stdout).toContain(
      'kept      .gitignore: add the line .nightjar/ to it: the bucket and its key lie there\n',
    );
    expect(stdout).toContain(
      'kept      package.json: npm install nightjar-shop there gives the config its types\n',
    );
    expect(await readFile(join(home, 'package.json'), 'utf8')).toBe('{ "name": "mine" }\n');
    // and: what it says to type next works
    const next = /next:\n {2}npx nightjar-shop (.*?) +#/.exec(stdout)?.[1]?.split(' ') ?? [];
    expect(await nightjar(next, home)).toMatchObject({ code: 0, stderr: '' });
    const again = await nightjar(['init', '.', '--from', 'csv', 'orders.csv'], home);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('nightjar.config.ts is there already: it was left as it is');
  });

  it.each([
    [['--from', 'csv'], '--from csv needs a file: npx nightjar-shop init FOLDER --from csv FILE'],
    [['orders.csv'], 'say what orders.csv is: --from csv for any file, or one of shopify, '],
    [['--from', 'csv', 'orders.csv', '--time-zone', 'BST'], '--time-zone BST: give an IANA zone'],
    [['--from', 'shopify', 'orders.csv'], 'it lacks "Name", "Email"'],
  ])('%j writes nothing and says why', async (words, told) => {
    const home = await emptyFolder();
    await writeFile(join(home, 'orders.csv'), ORDERS);
    const { code, stderr } = await nightjar(['init', 'shop', ...words], home);
    expect(code).not.toBe(0);
    expect(stderr).toContain(told);
    await expect(readFile(join(home, 'shop/nightjar.config.ts'))).rejects.toThrow();
  });
});

describe('check', { timeout: 120_000 }, () => {
  const config = (source: string, more = '') => `export default {
  shop: { timeZone: 'Europe/Berlin', currency: 'EUR' },
  sources: { orders: ${source} },
  tasks: {},${more}
};\n`;
  const SOURCE = `{ format: 'csv', table: 'events', columns: { user: 'customer_id', time: 'ordered_at', type: "'purchase'", item: 'sku', price: 'unit_price' } }`;

  it('shows times with their zone, days as dates and money with its currency', async () => {
    const home = await emptyFolder();
    await writeFile(join(home, 'orders.csv'), ORDERS);
    await writeFile(join(home, 'nightjar.config.ts'), config(SOURCE));
    const { code, stdout } = await nightjar(['check', 'orders.csv'], home);
    expect(code).toBe(0);
    const [head, first] = stdout.split('\n');
    expect(head).toMatch(
      /^user +time \(Europe\/Berlin\) +day +type +item +quantity +price \(EUR\) +amount \(EUR\)/,
    );
    expect(first).toMatch(/^c1 +2025-01-10T12:00:00\+01:00 +2025-01-10 +purchase +s1 +1 +9\.99 +9\.99/);
    expect(stdout).toContain('2 rows in: 2 clean, 0 duplicates, days 2025-01-10 to 2025-01-11\n');
    expect(stdout).toContain(
      'no value     the empty text, NaN, nan, NaT, null, NULL, None, undefined, <NA>\n',
    );
  });

  it('ends with 1 where no row is clean, or the file is refused, and says what to change', async () => {
    const home = await emptyFolder();
    await mkdir(join(home, 'files'));
    await writeFile(join(home, 'nightjar.config.ts'), config(SOURCE));
    await writeFile(join(home, 'files/dates.csv'), ORDERS.replaceAll(/2025-01-(\d\d)/g, '$1.01.2025'));
    const dates = await nightjar(['check', 'files/dates.csv'], home);
    expect(dates.code).toBe(1);
    expect(dates.stdout).toContain('quarantined  2 rows: time: no timestamp\n');
    expect(dates.stderr).toContain(
      "nightjar: no row of files/dates.csv is clean: nothing of it would be used\nthe file suggests, for orders in the config:\n  times are written like 10.01.2025 12:00:\n    time: `strptime(ordered_at, '%d.%m.%Y %H:%M')`\n",
    );
    await writeFile(join(home, 'files/tabs.csv'), ORDERS.replaceAll(',', '\t'));
    const tabs = await nightjar(['check', 'files/tabs.csv'], home);
    expect(tabs.code).toBe(1);
    expect(tabs.stderr).toContain("its lines fall into columns at tabs:\n    csv: { delimiter: '\\t' }\n");
  });

  it('tells all that is wrong with the config in one round, SQL included', async () => {
    const home = await emptyFolder();
    const wrong = `{ format: 'csv', table: 'events', columns: { user: 'lower(customer', time: 'Placed at', type: "'purchase'", price: 'a +' }, where: { paid: 'status = ' }, newestBy: ['x'] }`;
    const text = config(
      `${wrong}, visits: { format: 'xlsx', table: 'events', columns: {} }`,
      "\n  model: { width: 30, heads: 4 },\n  exports: { formats: ['pdf'] },",
    ).replace('Europe/Berlin', 'Europe/Atlantis');
    await writeFile(join(home, 'nightjar.config.ts'), text);
    const { code, stderr } = await nightjar(['check'], home);
    expect(code).toBe(2);
    for (const told of [
      'shop.timeZone: given "Europe/Atlantis"',
      'sources.visits.format: given "xlsx"',
      'sources.visits.columns.user: given nothing',
      'exports.formats.0: given "pdf"',
      'model.heads: given 4, expected a divisor of model.width, which is 30',
      'sources.orders.newestBy: given ["x"], expected a "key" beside it',
      'sources.orders.columns.user: given "lower(customer", expected an expression of DuckDB’s SQL: ',
      'sources.orders.columns.price: given "a +", expected an expression of DuckDB’s SQL: ',
      'sources.orders.where.paid: given "status = ", expected an expression of DuckDB’s SQL: ',
    ])
      expect(stderr).toContain(told);
    // A name with a blank is no SQL, and may be a column.
    expect(stderr).not.toContain('Placed at');
  });

  it('tells what the condition of a population may read, and which is none', async () => {
    const home = await emptyFolder();
    const asks = (where: string) =>
      config(SOURCE).replace(
        'tasks: {}',
        `tasks: { late: { kind: 'event', horizonDays: 7, population: { where: '${where}' } } }`,
      );
    await writeFile(join(home, 'nightjar.config.ts'), asks('"purchase.recncy" > 90'));
    const wrong = await nightjar(['check'], home);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain(
      'tasks.late.population.where: given "\\"purchase.recncy\\" > 90", expected a condition in DuckDB’s SQL over "TYPE.FEATURE" with a type of view, search,',
    );
    expect(wrong.stderr).toContain('(did you mean "purchase.recency"?)');
    await writeFile(join(home, 'nightjar.config.ts'), asks('"purchase.recency" > 90'));
    const { code, stdout } = await nightjar(['check', '--features'], home);
    expect(code).toBe(0);
    expect(stdout).toContain('"purchase.recency"  days since last purchase\n');
  });
});
