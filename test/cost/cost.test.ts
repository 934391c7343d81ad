import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { costCommand } from '../../bin/commands/cost.ts';
import { unknownEnvironment } from '../../bin/commands/stack-options.ts';
import { deployOf, parseConfig } from '../../lib/config/index.ts';
import { costTables, estimate, type Load, limits, PRICES } from '../../lib/cost/index.ts';
import { RATES } from '../../lib/cost/rates.ts';
import { ALARMS } from '../../lib/infra/alarms.ts';
import { ENDPOINTS } from '../../lib/infra/network-endpoints.ts';
import { COUNTED } from '../../lib/infra/watch-metrics.ts';

const config = parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {} });
const deploy = deployOf(config, 'prod');
const MILLION: Load = {
  users: 1e6,
  eventsPerDay: 5e5,
  dropsPerDay: 24,
  format: 'csv',
  shards: 16,
  historyDays: 730,
  lateDays: 3,
  deploy,
};

describe('the bill', () => {
  it('of a load worked out by hand', () => {
    // given rates and a load in round numbers
    const ones = Object.fromEntries(Object.keys(RATES.rates).map((name) => [name, 1])) as typeof RATES.rates;
    const rates = { ...ones, scoreCpuSecondsPerMillionUsers: 72, foldCpuSecondsPerMillionEvents: 0 };
    // when 100 million users are scored by one child on a g6.xlarge, which has two cores
    const compute = { finetune: 'gpu', score: 'gpu' } as const;
    const onGpu = { ...deploy, compute, scoreChildren: 1 };
    const { lines } = estimate({ ...MILLION, users: 1e8, deploy: onGpu }, rates);
    // then that is an hour of it, and seven minutes to start and stop
    const score = lines.find(({ what }) => what.startsWith('score'))!;
    expect(score.amount).toBeCloseTo(1 + 0.12, 10);
    expect(score.usd).toBeCloseTo(1.12 * 0.8048, 10);
    // and on Fargate, of the same two cores, an hour and two minutes
    const onCpu = { ...deploy, scoreChildren: 1 };
    const fargate = estimate({ ...MILLION, users: 1e8, deploy: onCpu }, rates).lines.find(({ what }) =>
      what.startsWith('score'),
    )!;
    expect(fargate.usd).toBeCloseTo((1 + 0.03) * (4 * 0.04048 + 16 * 0.004445), 10);
    // and a drop is read once by each function
    const reads = lines.find(({ what, part }) => what === 'S3 reads' && part === 'ingest')!;
    expect(reads.amount).toBe(48);
    expect(reads.usd).toBeCloseTo((48 / 1000) * 0.0004, 12);
  });

  it('adds up, and grows with users and events', () => {
    const bill = estimate(MILLION);
    const total = bill.lines.reduce((sum, { usd }) => sum + usd, 0);
    expect(bill.usdPerMonth).toBeCloseTo((total * 365) / 12, 8);
    for (const more of [{ users: 2e6 }, { eventsPerDay: 1e6 }, { dropsPerDay: 240 }]) {
      expect(estimate({ ...MILLION, ...more }).usdPerNight).toBeGreaterThan(bill.usdPerNight);
    }
    for (const { amount, usd, from } of bill.lines) {
      expect(amount).toBeGreaterThanOrEqual(0);
      expect(usd).toBeGreaterThanOrEqual(0);
      expect(from).not.toBe('');
    }
  });

  it('has idle endpoints only where there are some', () => {
    const idle = (network: 'endpoints' | 'public-egress') =>
      estimate({ ...MILLION, deploy: { ...deploy, network } }).lines.some(({ what }) =>
        what.includes('endpoint'),
      );
    expect([idle('endpoints'), idle('public-egress')]).toEqual([true, false]);
  });

  it('of an idle `dev` is below five dollars a month', () => {
    const idle = (environment: string) =>
      estimate({ ...MILLION, deploy: deployOf(config, environment) })
        .lines.filter(({ part }) => part === 'idle')
        .reduce((sum, { usd }) => sum + (usd * 365) / 12, 0);
    expect(idle('dev')).toBeLessThan(5);
    expect(idle('prod')).toBeGreaterThan(50);
  });

  it('counts what the stacks have: alarms, metrics of functions, endpoints', () => {
    const onGpu = { ...deploy, compute: { finetune: 'gpu', score: 'gpu' } } as const;
    const amountOf = (what: string, of = deploy) =>
      estimate({ ...MILLION, deploy: of }).lines.find((line) => line.what === what)!.amount;
    // A band looks at three metrics.
    expect(amountOf('alarms')).toBe(
      ALARMS.reduce((sum, { rings }) => sum + (rings === 'outside' ? 3 : 1), 0),
    );
    const { clean, features, dispatch, finetune } = COUNTED;
    // Jobs: seconds, users and their speed of score, seconds and groups of finetune.
    expect(amountOf('metrics of functions and jobs')).toBe(
      clean.length + features.length + finetune.length + 5,
    );
    expect(amountOf('metrics of the tick')).toBe((dispatch.length * 6) / 24);
    // Each in two zones.
    expect(amountOf('interface endpoints')).toBe(2 * ENDPOINTS.filter(({ only }) => !only).length);
    expect(amountOf('interface endpoints', { ...onGpu, tracing: true })).toBe(2 * ENDPOINTS.length);
  });

  it('sends large drops to a batch job', () => {
    const what = (eventsPerDay: number) => estimate({ ...MILLION, eventsPerDay }).lines[0]!.what;
    expect(what(5e5)).toMatch(/Lambda/);
    expect(what(1e9)).toMatch(/batch jobs/);
  });

  it('goes by the format of the drops', () => {
    const of = (format: Load['format'], more: Partial<Load> = {}) =>
      estimate({ ...MILLION, ...more, format });
    const clean = (format: Load['format']) => of(format).lines.find(({ what }) => what.startsWith('clean'))!;
    expect(clean('jsonl.gz').amount).toBeGreaterThan(clean('csv').amount);
    expect(clean('parquet').from).toContain('cleanCpuSecondsPerMillionParquetRows');
    const stored = (format: Load['format']) =>
      of(format).lines.find(({ what }) => what === 'drops, standard')!.amount;
    expect(stored('csv.gz')).toBeLessThan(stored('csv') / 2);
    // A drop that is packed goes to a job at a size of its own.
    const { setting, mebibytes } = of('csv.gz').sizes.largeDrop;
    expect([setting, mebibytes]).toEqual(['deploy.largeDrop.gzipMiB', deploy.largeDrop.gzipMiB]);
  });

  it('shares an export out where users have several files', () => {
    const seconds = (users: number, vcpus: 4 | 16) =>
      estimate({ ...MILLION, users, deploy: { ...deploy, cpu: { ...deploy.cpu, vcpus } } }).sizes
        .exportSeconds;
    expect(seconds(1e6, 16)).toBe(seconds(1e6, 4));
    expect(seconds(1e8, 4)).toBeCloseTo(4 * seconds(1e8, 16), 6);
  });

  it('knows what a training reads', () => {
    const line = estimate(MILLION).lines.find(
      ({ part, what }) => part === 'training' && what === 'S3 reads',
    )!;
    // A few for each pack of a month and year, however many users and drops there are.
    expect(line.amount).toBeGreaterThan(5);
    expect(line.amount).toBeLessThan(1000);
    const { trainingHours } = estimate({ ...MILLION, eventsPerDay: 1e9 }).sizes;
    expect(trainingHours).toBeGreaterThan(estimate(MILLION).sizes.trainingHours);
  });

  it('names every measured rate that it uses', () => {
    const used = new Set(
      estimate(MILLION).lines.flatMap(({ from }) => from.match(/[a-z]+(?:[A-Z][A-Za-z]+)+/g) ?? []),
    );
    const known = new Set([...Object.keys(RATES.rates)]);
    const unknown = [...used].filter((name) => !known.has(name) && !name.includes('cost'));
    expect(unknown).toEqual([]);
  });
});

describe('the limits', () => {
  it('hold for a million users and name the setting beyond', () => {
    expect(limits(MILLION, estimate(MILLION).sizes).filter(({ ok }) => !ok)).toEqual([]);
    const huge = { ...MILLION, users: 1e8, eventsPerDay: 5e7 };
    const broken = limits(huge, estimate(huge).sizes, 0.5).filter(({ ok }) => !ok);
    expect(broken.map(({ setting }) => setting).join(' ')).toMatch(/shards up/);
    expect(broken.map(({ setting }) => setting).join(' ')).toMatch(/scoreChildren up/);
    const second = { ...MILLION, dropsPerDay: 86_400 };
    expect(limits(second, estimate(second).sizes)[0]).toMatchObject({ ok: false });
  });
});

it('docs/cost.md shows what the code computes', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/cost.md', import.meta.url)), 'utf8');
  const [, generated] = page.split(/<!-- (?:generated|end) -->\n/);
  expect(generated?.trim()).toBe(costTables(deploy));
  expect(page).toContain(PRICES.date);
});

describe('nightjar cost', () => {
  const example = fileURLToPath(new URL('../../examples/online-retail', import.meta.url));
  let printed: string[];
  let noted: string[];

  beforeEach(() => {
    printed = [];
    noted = [];
    vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(String(text)));
    vi.spyOn(console, 'error').mockImplementation((text) => void noted.push(String(text)));
    return () => void vi.restoreAllMocks();
  });

  async function run(...options: string[]): Promise<string> {
    printed = [];
    const cost = costCommand();
    cost.exitOverride().configureOutput({ writeErr: () => {} });
    const program = new Command().exitOverride().option('--config <path>').addCommand(cost);
    await program.parseAsync(['--config', example, 'cost', ...options], { from: 'user' });
    return printed.join('\n');
  }

  it('prints the bill, of drops in the format that is named', async () => {
    const load = ['--users', '10e6', '--events-per-day', '5e6'];
    const json = JSON.parse(await run(...load, '--json'));
    expect(json).toMatchObject({ load: { users: 1e7, eventsPerDay: 5e6, shards: 128, format: 'csv' } });
    expect(json.usdPerNight).toBeGreaterThan(0);
    expect(await run(...load)).toMatch(/a night \d+\.\d\d USD/);
    const packed = JSON.parse(await run(...load, '--format', 'jsonl.gz', '--shards', '64', '--json'));
    expect(packed.load).toMatchObject({ format: 'jsonl.gz', shards: 64 });
  });

  it.each([
    [['--users', 'many'], 'a number above 0 is expected'],
    [['--users', '1', '--format', 'xml'], 'Allowed choices are csv, csv.gz, jsonl.gz, parquet'],
    ...['3', '0', '8192', '1.5'].map((shards): [string[], string] => [
      ['--users', '1', '--shards', shards],
      'a power of two up to 4096 is expected',
    ]),
  ])('refuses %j', async (options, message) => {
    await expect(run('--events-per-day', '1', ...options)).rejects.toThrow(message);
  });

  it('says which environments the config knows where it does not know the one that is named', async () => {
    const load = ['--users', '1e6', '--events-per-day', '5e5', '--env'];
    await run(...load, 'prod');
    await run(...load, 'dev');
    expect(noted).toEqual([]);
    await run(...load, 'prdo');
    expect(noted).toEqual([
      'note: the config names no environment "prdo", so it goes by "deploy" alone; known are prod, dev',
    ]);
    const eu = parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {}, environments: { eu: {} } });
    expect(unknownEnvironment(eu, 'eu')).toBeUndefined();
    expect(unknownEnvironment(eu, 'us')).toMatch(/known are prod, dev, eu$/);
  });
});
