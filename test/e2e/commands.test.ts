import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';
import { SLOW } from './nights.ts';
import { AS_OF, file, shopConfig, shopLog } from './shop.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
let folder: string;

const writeConfig = (config: object) =>
  writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(config)};\n`);

/** Runs a command that must succeed and returns what it printed for a machine. */
async function answer(args: readonly string[], cwd = folder): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await nightjar(args, cwd);
  expect(stderr).not.toContain('nightjar: ');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

const linesOf = async (path: string) => (await readFile(path, 'utf8')).trimEnd().split('\n');

beforeAll(async () => {
  folder = await temporaryFolder();
  const config = shopConfig();
  await writeConfig({ ...config, model: { ...config.model, layers: 0 } });
});

describe('nightjar', { timeout: SLOW }, () => {
  it('says what it can do', async () => {
    const { code, stdout } = await nightjar(['--help'], folder);
    expect(code).toBe(0);
    const groups = stdout.split('\nStart:\n')[1]!.split('\nFor example:\n')[0]!;
    const names = groups.match(/^ {2}[a-z]+/gm);
    expect(stdout.match(/^[A-Z][a-z ]+:$/gm)).toEqual([
      'Options:',
      'Start:',
      'Daily work:',
      'Cloud:',
      'Engine:',
      'For example:',
    ]);
    expect(names?.map((name) => name.trim())).toEqual([
      ...['demo', 'init', 'check', 'drop', 'help'],
      ...[
        'run',
        'status',
        'report',
        'backtest',
        'compare',
        'models',
        'release',
        'lift',
        'label',
        'backfill',
        'forget',
        'subject',
        'prune',
      ],
      ...['clean', 'features', 'finetune', 'score', 'export'],
      ...['deploy', 'redrive', 'cost', 'pretrain', 'model', 'engine'],
    ]);
  });

  it.each([
    ['an unknown command', ['stats'], 2, "error: unknown command 'stats'\n(Did you mean status?)"],
    [
      'a missing option of a command below a command',
      ['model', 'explain', 'folder'],
      2,
      "error: required option '--text <text...>' not specified",
    ],
    ['a missing option', ['backtest'], 2, "error: required option '--task <name>' not specified"],
    [
      'no config',
      ['--config', 'elsewhere', 'status'],
      2,
      'elsewhere/nightjar.config.ts: run "npx nightjar-shop init"',
    ],
    [
      'a day that there is not',
      ['run', '--as-of', '2025-02-30'],
      2,
      'nightjar: "2025-02-30" is no day: write it as YYYY-MM-DD, for example 2011-09-10\n',
    ],
    [
      'a task that there is not',
      ['backtest', '--as-of', AS_OF, '--task', 'buy'],
      2,
      'nightjar: there is no task "buy"; the config has: purchase, churn, preference\n',
    ],
    [
      'a model that there is not',
      ['compare', '--task', 'purchase', '--models', 'xgboost'],
      2,
      'nightjar: there is no model "xgboost"; families are logistic, trees, forest, network',
    ],
    [
      'no model at all',
      ['compare', '--task', 'purchase', '--models', ''],
      2,
      "error: option '--models <names>' argument '' is invalid. families or names of models are expected.",
    ],
    [
      'a file that there is not',
      ['drop', '--source', 'log', 'no.csv'],
      1,
      'nightjar: there is no file no.csv\n',
    ],
    [
      'nothing to run on',
      ['run', '--as-of', AS_OF],
      1,
      'nightjar: nothing to run on: no drop of events or labels has a clean row ("npx nightjar-shop drop", "npx nightjar-shop status")\n',
    ],
  ])('tells of %s and exits with its code', async (_, args, code, message) => {
    const ended = await nightjar(args, folder);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toContain('    at ');
    expect(ended.stdout).toBe('');
    expect(ended.code).toBe(code);
  });
});

describe('init and check', { timeout: SLOW }, () => {
  it.each([
    ['an empty folder', undefined],
    ['beside a package of CommonJS', '{ "type": "commonjs" }'],
  ])('work in %s outside of any checkout', async (_, packageJson) => {
    // given
    const home = await temporaryFolder();
    if (packageJson) await writeFile(join(home, 'package.json'), packageJson);
    const orders = Array.from(
      { length: 30 },
      (__, i) => `c${i % 4},2025-01-${10 + (i % 9)} 12:00,sku${i},1,9.99,o${i}`,
    );
    await writeFile(
      join(home, 'orders.csv'),
      [
        'customer_id,ordered_at,sku,quantity,unit_price,order_id',
        ...orders,
        ',2025-01-01 00:00,x,1,1,o',
      ].join('\n'),
    );
    // when
    expect((await nightjar(['init'], home)).code).toBe(0);
    const preview = await answer(['check', '--json', 'orders.csv'], home);
    // then
    expect(preview).toMatchObject({ status: 'read', rowsIn: 31, clean: 30, quarantined: { 'no user': 1 } });
    expect(preview.rows).toHaveLength(10);
    // and: what a person has filled in is never overwritten
    const again = await nightjar(['init'], home);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('nightjar.config.ts is there already: it was left as it is');
  });
});

describe('backtest', { timeout: SLOW }, () => {
  it('trains on one part of a labelled table and judges the other: its split decides, no day is asked for', async () => {
    // given: the example with few steps
    const home = join(folder, 'shoppers');
    await mkdir(home);
    await writeFile(
      join(home, 'nightjar.config.ts'),
      `import shoppers from '${EXAMPLES}/online-shoppers/nightjar.config.ts';
export default { ...shoppers, training: { steps: 60, batchSize: 256 }, model: { hidden: 16, members: 2 } };\n`,
    );
    const data = join(EXAMPLES, 'online-shoppers/drops/sessions/online_shoppers_intention.csv.gz');
    expect(await answer(['drop', '--source', 'sessions', data, '--json'], home)).toMatchObject({
      keys: ['drop/sessions/online_shoppers_intention.csv.gz'],
    });
    // when
    const out = join(home, 'predictions.csv');
    const metrics = await answer(['backtest', '--task', 'purchase', '--predictions', out, '--json'], home);
    // then
    expect(metrics).toMatchObject({ task: 'purchase', asOf: null, horizonDays: null, n: 2428 });
    expect(metrics.baseRate).toBeCloseTo(0.162, 3);
    expect(metrics.auroc).toBeGreaterThan(0.85);
    expect(Object.keys(metrics)).toEqual([
      ...[
        'task',
        'asOf',
        'horizonDays',
        'n',
        'baseRate',
        'auroc',
        'auprc',
        'logLoss',
        'brier',
        'ece',
        'lift10',
        'kept',
        'selection',
      ],
    ]);
    expect((metrics.selection as string[])[1]).toMatch(new RegExp(`^Kept: ${metrics.kept} `));
    const [header, ...rows] = await linesOf(out);
    expect(header).toBe('row_id,probability');
    expect(rows).toHaveLength(2428);
    const ids = rows.map((row) => Number(row.split(',')[0]));
    expect(new Set(ids).size).toBe(2428);
    expect(Math.max(...ids)).toBeLessThan(12_330);
    expect(rows.every((row) => Number(row.split(',')[1]) > 0 && Number(row.split(',')[1]) < 1)).toBe(true);
  });

  it('has a companion that tries the models side by side, on held-out training rows', async () => {
    const home = join(folder, 'shoppers');
    const args = ['compare', '--task', 'purchase', '--models', 'logistic,trees'];
    const compared = await answer([...args, '--json'], home);
    const models = compared.models as Record<string, unknown>[];
    expect(compared).toMatchObject({ task: 'purchase', days: [] });
    expect(models.map(({ name }) => name).sort()).toEqual(['blend', 'boosted trees', 'logistic regression']);
    const [best, second] = models as [Record<string, number>, Record<string, { difference: number }>];
    expect(best).not.toHaveProperty('behind');
    expect(second!.behind!.difference).toBeGreaterThan(0);
    for (const { name, fitSeconds, rowsPerSecond, bytes } of models) {
      if (name === 'blend') continue;
      for (const cost of [fitSeconds, rowsPerSecond, bytes]) expect(cost).toBeGreaterThan(0);
    }
    // and: a table has no days
    const dated = await nightjar([...args, '--as-of', AS_OF], home);
    expect(dated.code).toBe(2);
    expect(dated.stderr).toContain('purchase is a task of a labelled table, which has no days');
  });

  it('scores a past day and compares it with what then happened', async () => {
    // given: everything, future included
    const log = shopLog();
    await writeFile(join(folder, 'all.csv'), file(log));
    await answer(['drop', '--source', 'log', 'all.csv', '--json']);
    const past = (day: string, days: number) =>
      new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
    const asOf = past(AS_OF, -6);
    const users = (from: string, to: string) =>
      new Set(
        log
          .filter(
            ({ day, text }) => day >= from && day < to && text.includes(',purchase,') && text.startsWith('"'),
          )
          .map(({ text }) => text.split(',')[0]!.replaceAll('"', '')),
      );
    const known = users('', asOf);
    const buyers = users(asOf, past(asOf, 10));
    // when
    const out = join(folder, 'purchase.csv');
    const metrics = await answer([
      'backtest',
      '--task',
      'purchase',
      '--as-of',
      asOf,
      '--predictions',
      out,
      '--json',
    ]);
    // then
    const positives = [...known].filter((user) => buyers.has(user)).length;
    expect(metrics).toMatchObject({ task: 'purchase', asOf, horizonDays: 10, n: known.size });
    expect(metrics.baseRate).toBeCloseTo(positives / known.size, 12);
    const [header, ...rows] = await linesOf(out);
    expect(header).toBe('user_id,probability');
    expect(rows.map((row) => row.split(',')[0]).sort()).toEqual([...known].sort());
    // and: lists
    const lists = join(folder, 'lists.csv');
    const next = await answer([
      'backtest',
      '--task',
      'preference',
      '--as-of',
      asOf,
      '--predictions',
      lists,
      '--json',
    ]);
    expect(Object.keys(next)).toEqual([
      'task',
      'asOf',
      'horizonDays',
      'n',
      'k',
      'recall',
      'ndcg',
      'selection',
      'rules',
      'longTail',
    ]);
    expect(next).toMatchObject({ task: 'preference', k: 5, n: positives });
    const [head, ...listed] = await linesOf(lists);
    expect(head).toBe('user_id,item,rank');
    const byUser = new Map<string, number[]>();
    for (const row of listed) {
      const [user, item, rank] = row.split(',');
      expect(item).toMatch(/^sku-\d+$/);
      byUser.set(user!, [...(byUser.get(user!) ?? []), Number(rank)]);
    }
    expect([...byUser.keys()].every((user) => known.has(user) && buyers.has(user))).toBe(true);
    expect([...byUser.values()].every((ranks) => ranks.join() === '1,2,3,4,5')).toBe(true);
    // and: the models side by side at that day and an earlier one
    const days = `${past(AS_OF, -16)},${asOf}`;
    const compared = await answer([
      'compare',
      '--task',
      'purchase',
      '--as-of',
      `${days},${asOf}`,
      '--models',
      'logistic',
      '--json',
    ]);
    expect(compared).toMatchObject({ task: 'purchase', days: days.split(',') });
    expect(compared.n).toBeGreaterThan(known.size);
    expect((compared.models as { name: string }[]).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['recency alone', 'frequency alone', 'BG/NBD', 'logistic regression', 'blend']),
    );
    // and: without a day, the latest whose windows are over
    const latest = await answer(['compare', '--task', 'churn', '--models', 'logistic', '--json']);
    expect((latest.days as string[]).length).toBeGreaterThan(1);
    expect((latest.days as string[]).every((day) => day < AS_OF)).toBe(true);
    expect(latest.leftOut).toEqual([]);
    // and: what the time does not suffice for is left out, not halved, and told
    const brief = ['compare', '--task', 'churn', '--models', 'logistic', '--budget', '0.0001'];
    const short = await answer([...brief, '--json']);
    expect(short.days).toEqual([(latest.days as string[])[0]]);
    expect(short.leftOut).toContain('logistic regression');
    const { stdout } = await nightjar(brief, folder);
    expect(stdout).toMatch(/^left out, not begun in time .*, logistic regression, /m);
    expect(stdout).toContain('the time was over, 0.0001 minutes');
    const early = await nightjar(
      ['compare', '--task', 'purchase', '--as-of', past(log.at(-1)!.day, -2)],
      folder,
    );
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('so choose a day up to');
    // and: nothing is compared where nothing has happened
    const empty = await temporaryFolder();
    const { tasks, ...rest } = shopConfig();
    const fav = { kind: 'event', event: 'favorite', horizonDays: 10 };
    const config = `export default ${JSON.stringify({ ...rest, tasks: { ...tasks, fav } })};\n`;
    await writeFile(join(empty, 'nightjar.config.ts'), config);
    await answer(['drop', '--source', 'log', join(folder, 'all.csv'), '--json'], empty);
    const none = await nightjar(['compare', '--task', 'fav', '--as-of', asOf, '--models', 'logistic'], empty);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain(
      `no row has an outcome of fav as of ${asOf}: its windows are not over yet, or`,
    );
    // and: a window that is not over cannot be judged
    const open = await nightjar(
      ['backtest', '--task', 'purchase', '--as-of', past(log.at(-1)!.day, -2)],
      folder,
    );
    expect(open.code).toBe(1);
    expect(open.stderr).toContain('drop the later days first, or choose an earlier --as-of');
  });
});
