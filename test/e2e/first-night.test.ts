import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Eta, span } from '../../bin/commands/eta.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';
import { SLOW } from './nights.ts';
import { HEADER, shopConfig, shopLog, weekly } from './shop.ts';

let folder: string;
let bucket: string;
/** Days of the log whose events go on until late. */
const log = shopLog().filter(({ day }) => day < '2025-03-12');

beforeAll(async () => {
  folder = await temporaryFolder();
  bucket = join(folder, '.nightjar/bucket');
  const config = shopConfig();
  const tasks = { ...config.tasks, winback: { kind: 'event', event: 'review', horizonDays: 10 } };
  const goods = { format: 'csv', table: 'items', columns: { item: 'sku' }, attributes: { texts: ['title'] } };
  const sources = { ...config.sources, goods };
  const changed = { ...config, sources, tasks, model: { ...config.model, layers: 0 } };
  await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(changed)};\n`);
  await mkdir(join(bucket, 'drop/log'), { recursive: true });
  for (const [name, text] of weekly(log)) await writeFile(join(bucket, 'drop/log', name), text);
  await mkdir(join(bucket, 'drop/goods'), { recursive: true });
  const titles = Array.from({ length: 12 }, (_, i) => `sku-${i},"Tea, blend no. ${i}"`);
  await writeFile(join(bucket, 'drop/goods/all.csv'), ['sku,title', ...titles].join('\n'));
  // Every third line of this file has no customer.
  const lines = Array.from(
    { length: 300 },
    (_, i) => `${i % 3 ? `"C-${i % 40}"` : ''},2025-02-01 12:00:${i % 60},view,sku-1,1,,`,
  );
  await writeFile(join(bucket, 'drop/log/kiosk.csv'), [HEADER, ...lines].join('\n'));
});

/** Every file of the bucket with its size and time. */
async function contents(): Promise<string[]> {
  const names = await readdir(bucket, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => `${file} ${(await stat(file)).size} ${(await stat(file)).mtimeMs}`),
  );
}

async function run(...args: string[]) {
  const { code, stdout, stderr } = await nightjar(['run', ...args], folder);
  expect(stderr).not.toContain('    at ');
  return { code, stdout, stderr };
}

describe('a first night', { timeout: SLOW }, () => {
  it('that is only tried says what it would do and changes nothing', async () => {
    const before = await contents();
    const { code, stdout } = await run('--dry-run', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).dryRun).toMatchObject({
      files: { cleaned: 0, pending: before.length, refused: 0 },
      asOf: null,
      train: ['churn', 'purchase', 'winback', 'preference'],
      served: {},
    });
    expect((await run('--dry-run')).stdout).toContain('nothing was changed');
    expect(await contents()).toEqual(before);
  });

  it('refuses a day beyond the data before it trains', async () => {
    const { code, stderr } = await run('--as-of', '2026-01-01');
    expect(code).toBe(1);
    expect(stderr).toContain('--as-of 2026-01-01 is beyond the data: events end on 2025-03-11');
    expect(stderr).not.toContain('finetune');
    expect(await readdir(bucket)).not.toContain('models');
  });

  it('scores as of the day after the last complete one, says how good it is, and what it went without', async () => {
    const { code, stdout } = await run('--json');
    expect(code).toBe(0);
    const told = JSON.parse(stdout);
    expect(told.asOfWhy).toMatch(
      /^as of 2025-03-12, the day after the last complete one: events end at 2025-03-11 2/,
    );
    expect(told).toMatchObject({
      asOf: '2025-03-12',
      resumed: false,
      leftOut: [{ task: 'winback', why: 'nobody had an event "review" before 2025-03-12' }],
    });
    const { purchase, churn, preference } = told.validation;
    for (const { heldOut, days, n, auroc, lift10, logLoss } of [purchase, churn]) {
      expect(heldOut).toBe('day');
      expect(days[0] <= days[1] && days[1] < told.asOf).toBe(true);
      expect(n).toBeGreaterThan(30);
      for (const { value, low, high } of [auroc, lift10, logLoss]) {
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
      }
    }
    expect(preference.recall.value).toBeGreaterThan(0.3);
    expect(told.losses).toHaveLength(0);
    const page = await readFile(told.report, 'utf8');
    expect(page).toContain('What to do with these lists');
    expect(page).toContain('winback: nobody had an event');
    // and: items by their titles, features in words
    expect(page).toMatch(/Tea, blend no\. \d+ \(sku-\d+\)/);
    expect(page).not.toMatch(/purchase\.[a-z_]+\b/);
  });

  it('is told again by the champion of the next night, with the day of its own training', async () => {
    const { stdout, stderr } = await run();
    expect(stderr).toContain('the models that serve are used');
    expect(stdout).toMatch(
      /purchase +days from 2025-0[12]-\d\d to 2025-0[23]-\d\d +\d+ +0\.\d{3} +0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)/,
    );
    expect(stdout).toContain('no test. 95 % intervals in brackets.');
  });

  it('tells of a large share of rows that could not be used', async () => {
    const kiosk = join(bucket, 'drop/log/kiosk2.csv');
    const rows = Array.from({ length: 900 }, (_, i) => `,2025-02-02 12:00:${i % 60},view,sku-1,${i},,`);
    await writeFile(kiosk, [HEADER, ...rows].join('\n'));
    const { stdout } = await run();
    expect(stdout).toMatch(
      /lost {5}log: 1,\d{3} of \d,\d{3} rows \(\d\d\.\d %\) could not be used and are in quarantine: no user \(1,\d{3}\)/,
    );
  });
});

describe('a backtest', { timeout: SLOW }, () => {
  it('names the tasks that it does not compare, and refuses one that cannot be trained', async () => {
    const asked = await nightjar(['backtest', '--task', 'churn', '--as-of', '2025-02-20'], folder);
    expect(asked.code).toBe(0);
    expect(asked.stdout).toContain('not compared: purchase (trained with churn; ask with --task)');
    const none = await nightjar(['backtest', '--task', 'winback', '--as-of', '2025-02-20'], folder);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain(
      'task winback cannot be trained as of this day: nobody had an event "review" before 2025-02-20',
    );
  });
});

describe('time left', () => {
  it('is told by the pace of a part, once there is one', () => {
    const eta = new Eta();
    expect(eta.withEta('users: step 1 of 900', 0)).toBe('users: step 1 of 900');
    expect(eta.withEta('users: step 101 of 900', 4000)).toBe('users: step 101 of 900');
    expect(eta.withEta('users: step 201 of 900, loss 0.5', 8000)).toBe(
      'users: step 201 of 900, loss 0.5, about 28 s left',
    );
    // another part begins anew, and so does one that starts over
    expect(eta.withEta('lists: step 1 of 10', 9000)).toBe('lists: step 1 of 10');
    expect(eta.withEta('users: step 5 of 900', 90_000)).toBe('users: step 5 of 900');
    expect(eta.withEta('reading users', 99_000)).toBe('reading users');
    expect([span(0.2), span(61), span(150), span(7500)]).toEqual(['1 s', '61 s', '3 min', '2 h 5 min']);
  });
});
