import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { nightjar } from '../e2e/command.ts';
import { openShop, SLOW } from '../e2e/nights.ts';
import { shopConfig } from '../e2e/shop.ts';

let folder: string;
let at: string[];

beforeAll(async () => {
  const shop = await openShop(shopConfig());
  folder = shop.folder;
  at = ['--config', folder, '--store', shop.root];
  await shop.store.put(
    'drop/log/a.csv',
    'customer,at,what,sku,quantity,price,basket\nann,2025-03-01 10:00:00,view,sku-1,1,,\nbob,2025-03-01 10:00:00,view,sku-1,1,,\n',
  );
}, SLOW);

const run = (...words: string[]) => nightjar([...at, ...words], folder);

it(
  'nightjar subject tells what is known, in a file that nobody else may read',
  async () => {
    const { code, stdout } = await run('subject', '--user', 'ann', '--out', 'ann.json');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const known = JSON.parse(await readFile(join(folder, 'ann.json'), 'utf8'));
    expect(known.drops).toMatchObject([{ key: 'drop/log/a.csv', records: [expect.stringContaining('ann')] }]);
    expect((await stat(join(folder, 'ann.json'))).mode & 0o077).toBe(0);
  },
  SLOW,
);

it(
  'nightjar forget shows first, asks where nobody said --yes, and says what is wrong with a call',
  async () => {
    const drop = () => readFile(join(at[3]!, 'drop/log/a.csv'), 'utf8');
    const before = await drop();
    const shown = await run('forget', '--user', 'ann', '--dry-run');
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/drop\/log\/a\.csv\s+1\n/) });
    expect(await run('forget', '--user', 'ann')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('say --yes'),
    });
    expect(await drop()).toBe(before);
    for (const [words, wrong] of [
      [[], /no user was named/],
      [['--user', 'ann', '--retrain-within', 'soon'], /whole number of days/],
      [['--file', 'none.txt'], /none\.txt/],
    ] as const) {
      const { code, stderr } = await run('forget', ...words);
      expect(code, stderr).toBeGreaterThan(0);
      expect(stderr).toMatch(wrong);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  },
  SLOW,
);

it(
  'nightjar forget --yes forgets, and --json is for machines',
  async () => {
    await writeFile(join(folder, 'ids.txt'), 'ann\n\n');
    const { code, stdout } = await run('forget', '--file', 'ids.txt', '--yes', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ done: true, drops: [{ key: 'drop/log/a.csv', records: 1 }] });
    expect(await readFile(join(at[3]!, 'drop/log/a.csv'), 'utf8')).not.toContain('ann');
    expect(await run('forget', '--user', 'ann', '--yes')).toMatchObject({
      code: 0,
      stdout: 'nothing is known of this person\n',
    });
  },
  SLOW,
);
