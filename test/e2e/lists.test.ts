import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';
import { SLOW } from './nights.ts';
import { AS_OF, file, shopConfig, shopLog } from './shop.ts';

const { sources, tasks } = shopConfig();
const listOf = tasks.preference as Extract<ConfigInput['tasks'][string], { kind: 'next' }>;
const SKUS = Array.from({ length: 12 }, (_, i) => `sku-${i}`);
const PRODUCTS = `sku,shelf,left\n${SKUS.map((sku, i) => `${sku},${i < 9 ? 'front' : 'back'},${i % 3}`).join('\n')}\n`;

const config = (rules: Partial<typeof listOf>): ConfigInput =>
  shopConfig({
    sources: {
      ...sources,
      products: {
        format: 'csv',
        table: 'items',
        columns: { item: 'sku' },
        attributes: { numbers: ['left'], categories: ['shelf'] },
      },
    },
    tasks: { preference: { ...listOf, ...rules } },
    exports: { formats: ['csv.gz', 'parquet'], items: true, listReasons: true },
  });

it('lists by rules: from a config and files to exports and a report', { timeout: SLOW }, async () => {
  // given a shop whose lists name what is on the front shelves, is left, and was not bought before
  const folder = await temporaryFolder();
  const write = (given: ConfigInput) =>
    writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(given)};\n`);
  const log = shopLog(100).filter(({ day }) => day < AS_OF);
  await write(config({ only: `shelf = 'front'`, stock: 'left', exclude: { boughtWithinDays: 20 } }));
  await writeFile(join(folder, 'log.csv'), file(log));
  await writeFile(join(folder, 'products.csv'), PRODUCTS);
  await nightjar(['drop', 'log.csv', '--source', 'log'], folder);
  await nightjar(['drop', 'products.csv', '--source', 'products'], folder);
  // when
  const run = await nightjar(['run', '--as-of', AS_OF, '--json'], folder);
  // then
  expect(run.code).toBe(0);
  const result = JSON.parse(run.stdout);
  const { rules, longTail } = result.lists.preference;
  expect(rules).toEqual([
    'No items that the user has bought within 20 days.',
    `Only items that meet the condition shelf = 'front'`,
    'No items with nothing left by "left".',
  ]);
  expect(longTail).toMatchObject({ catalogue: 12, coverage: 0.5, freshDays: 14 });
  expect(longTail.gini).toBeGreaterThanOrEqual(0.5);
  // and every list obeys
  const { files } = JSON.parse(await readFile(join(result.exports, 'manifest.json'), 'utf8'));
  const textOf = async (table: string) => {
    const { key } = files.find(
      (one: { table: string; format: string }) => one.table === table && one.format === 'csv.gz',
    );
    return gunzipSync(await readFile(join(folder, '.nightjar/bucket', key))).toString();
  };
  const users = await textOf('users');
  const listed = new Set([...users.matchAll(/""name"":""(sku-\d+)""/g)].map(([, item]) => item));
  expect([...listed].sort()).toEqual(['sku-1', 'sku-2', 'sku-4', 'sku-5', 'sku-7', 'sku-8']);
  // and says why, of what was bought longer ago than 20 days too
  expect(users.split('\n')[0]).toContain('preference_top,preference_top_reasons,');
  const words = [...users.matchAll(/""words"":""([^"]+)""/g)].map(([, text]) => text!);
  expect(words.some((text) => /^bought (?:\d+ times, last )?\d+ days ago$/.test(text))).toBe(true);
  expect(words.some((text) => /^goes with sku-\d+, bought /.test(text))).toBe(true);
  // and what goes with each item is a table of its own
  const [head, ...pairs] = (await textOf('items')).trimEnd().split('\n');
  expect(head).toBe('item,as_of_day,how,rank,other_item,support,confidence,lift');
  expect(pairs.length).toBeGreaterThan(20);
  expect(pairs[0]).toMatch(new RegExp(`^sku-0,${AS_OF},with,1,sku-[12],`));
  expect(files.map(({ table }: { table: string }) => table)).toEqual(['users', 'users', 'items', 'items']);
  // and the page says which rules were on
  const page = await readFile(result.report, 'utf8');
  expect(page).toContain('Rules of preference');
  // and why entries stand in lists, with an example
  expect(page).toMatch(/the user did something with it.*: (bought|viewed) [^<]* ago/s);
  // when the condition names what there is not, or gives no answer
  await write(config({ only: `colour = 'red'` }));
  const wrong = await nightjar(['check'], folder);
  // then it is told with the attributes there are
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain(
    `tasks.preference.only: given "colour = 'red'", expected a condition in DuckDB’s SQL over "item", "left", "shelf"`,
  );
});
