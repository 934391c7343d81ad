import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
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
    const { clean, features, dispatch } = COUNTED;
    // Jobs: seconds, users and their speed of score, seconds and groups of finetune.
    expect(amountOf('metrics of functions and jobs')).toBe(clean.length + features.length + 5);
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
    const broken = limits(huge, estimate(huge).sizes, 1).filter(({ ok }) => !ok);
    expect(broken.map(({ setting }) => setting).join(' ')).toMatch(/shards up/);
    expect(broken.map(({ setting }) => setting).join(' ')).toMatch(/scoreChildren up/);
    const minute = { ...MILLION, dropsPerDay: 1440 };
    expect(limits(minute, estimate(minute).sizes)[0]).toMatchObject({ ok: false });
  });
});

it('docs/cost.md shows what the code computes', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/cost.md', import.meta.url)), 'utf8');
  const [, generated] = page.split(/<!-- (?:generated|end) -->\n/);
  expect(generated?.trim()).toBe(costTables(deploy));
  expect(page).toContain(PRICES.date);
});

it('nightjar cost prints the bill, and refuses what is no number', () => {
  const cli = fileURLToPath(new URL('../../bin/nightjar.js', import.meta.url));
  const config = fileURLToPath(new URL('../../examples/online-retail', import.meta.url));
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [cli, '--config', config, 'cost', ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const json = JSON.parse(run('--users', '10e6', '--events-per-day', '5e6', '--json'));
  expect(json).toMatchObject({ load: { users: 1e7, eventsPerDay: 5e6, shards: 128 } });
  expect(json.usdPerNight).toBeGreaterThan(0);
  expect(run('--users', '10e6', '--events-per-day', '5e6')).toMatch(/a night \d+\.\d\d USD/);
  expect(() => run('--users', 'many', '--events-per-day', '1')).toThrow(/a number above 0 is expected/);
});
