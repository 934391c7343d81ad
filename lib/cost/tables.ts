import { type Estimate, estimate } from './estimate.ts';
import { type DropFormat, formatRates } from './formats.ts';
import { type Limit, limits } from './limits.ts';
import type { Load } from './load.ts';
import { PRICES } from './prices.ts';
import { RATES } from './rates.ts';

/** Four significant digits, with separators. */
export const amount = (value: number): string =>
  Number(value.toPrecision(4)).toLocaleString('en', { maximumSignificantDigits: 4 });

/** US dollars: two digits, or as many as a small sum needs. */
export const dollars = (value: number): string =>
  value >= 0.01 || value === 0 ? value.toFixed(2) : value.toPrecision(1);

/** The bill of a load as Markdown. */
function billTable({ lines, usdPerNight, usdPerMonth }: Estimate): string {
  const rows = lines.map(
    ({ part, what, amount: value, unit, usd, from }) =>
      `| ${part} | ${what} | ${amount(value)} ${unit} | ${dollars(usd)} | ${from} |`,
  );
  return [
    '| part | what | amount a day | USD a day | from |',
    '|---|---|---:|---:|---|',
    ...rows,
    `| | **a night (ingest and night)** | | **${dollars(usdPerNight)}** | |`,
    `| | **a month, all** | | **${dollars(usdPerMonth)}** | |`,
  ].join('\n');
}

/** The bounds of a load as Markdown. */
function limitTable(rows: readonly Limit[]): string {
  return [
    '| bound | here | limit | | what to move |',
    '|---|---:|---:|---|---|',
    ...rows.map(
      ({ what, value, limit, unit, ok, setting }) =>
        `| ${what} | ${amount(value)} ${unit} | ${amount(limit)} ${unit} | ${ok ? 'holds' : '**breaks**'} | ${ok ? '' : setting} |`,
    ),
  ].join('\n');
}

/** The measured rates as Markdown. */
function rateTable(): string {
  return [
    `Measured on ${RATES.measured} by \`${RATES.command}\`: ${RATES.machine}.`,
    '',
    '| rate | value |',
    '|---|---:|',
    ...Object.entries(RATES.rates).map(([name, value]) => `| ${name} | ${value} |`),
  ].join('\n');
}

const HISTORY_DAYS = 730;

/** Events a day whose drops are a terabyte after the documented history. */
const ofTerabyte = (format: DropFormat): number =>
  Math.round(1e12 / HISTORY_DAYS / formatRates(format, RATES.rates).dropBytesPerRow);

/** The loads that docs/cost.md shows, and what is moved where the first settings break. */
function documentedLoads(deploy: Load['deploy']): { title: string; load: Load }[] {
  const of = (
    title: string,
    load: Omit<Load, 'deploy' | 'historyDays' | 'lateDays' | 'format'> & Partial<Pick<Load, 'format'>>,
    changes: Partial<Load['deploy']>,
  ) => ({
    title,
    load: {
      format: 'csv' as const,
      ...load,
      historyDays: HISTORY_DAYS,
      lateDays: 3,
      deploy: { ...deploy, ...changes },
    },
  });
  const room = (vcpus: number) => ({ cpu: { ...deploy.cpu, maxVcpus: vcpus } });
  return [
    of(
      '100,000 users, 50,000 events a day, 24 drops',
      { users: 1e5, eventsPerDay: 5e4, dropsPerDay: 24, shards: 4 },
      { scoreChildren: 1 },
    ),
    of(
      '1 million users, 500,000 events a day, 24 drops',
      { users: 1e6, eventsPerDay: 5e5, dropsPerDay: 24, shards: 16 },
      {},
    ),
    of(
      '10 million users, 5 million events a day, 24 drops',
      { users: 1e7, eventsPerDay: 5e6, dropsPerDay: 24, shards: 128 },
      {},
    ),
    of(
      '100 million users, 50 million events a day, with the settings for 10 million',
      { users: 1e8, eventsPerDay: 5e7, dropsPerDay: 24, shards: 128 },
      {},
    ),
    of(
      '100 million users, with the settings moved as told below',
      { users: 1e8, eventsPerDay: 5e7, dropsPerDay: 24, shards: 1024 },
      { scoreChildren: 16, ...room(64) },
    ),
    of(
      '10 million users, a billion events a day, 24 drops',
      { users: 1e7, eventsPerDay: 1e9, dropsPerDay: 24, shards: 128 },
      {},
    ),
    of(
      '10 million users, a billion events a day, 240 drops, with the settings moved',
      { users: 1e7, eventsPerDay: 1e9, dropsPerDay: 240, shards: 128 },
      { scoreChildren: 16, ...room(64) },
    ),
    of(
      '10 million users, 1 TB of history as csv, 24 drops',
      { users: 1e7, eventsPerDay: ofTerabyte('csv'), dropsPerDay: 24, shards: 128 },
      {},
    ),
    of(
      '10 million users, 1 TB of history as jsonl.gz, 24 drops',
      { users: 1e7, eventsPerDay: ofTerabyte('jsonl.gz'), dropsPerDay: 24, shards: 128, format: 'jsonl.gz' },
      {},
    ),
    of(
      '10 million users, a drop a minute',
      { users: 1e7, eventsPerDay: 5e6, dropsPerDay: 1440, shards: 128 },
      {},
    ),
  ];
}

/** The generated part of docs/cost.md. */
export function costTables(deploy: Load['deploy']): string {
  const loads = documentedLoads(deploy);
  const summary = loads.map(({ title, load }) => {
    const { usdPerNight, usdPerMonth, sizes } = estimate(load);
    const broken = limits(load, sizes).filter(({ ok }) => !ok);
    return `| ${title} | ${load.shards} | ${load.deploy.scoreChildren} | ${dollars(usdPerNight)} | ${dollars(usdPerMonth)} | ${sizes.nightHours.toFixed(1)} | ${broken.map(({ what }) => what).join('; ') || 'nothing'} |`;
  });
  const shown = loads[2]!;
  const bill = estimate(shown.load);
  const broken = loads.flatMap(({ title, load }) => {
    const found = limits(load, estimate(load).sizes).filter(({ ok }) => !ok);
    return found.length > 0 ? [`#### ${title}`, '', limitTable(found), ''] : [];
  });
  return [
    `Prices: ${PRICES.region}, ${PRICES.date} (\`lib/cost/prices.ts\`).`,
    '',
    '| load | shards | children | USD a night | USD a month | hours a night | breaks |',
    '|---|---:|---:|---:|---:|---:|---|',
    ...summary,
    '',
    `### The bill of ${shown.title}`,
    '',
    billTable(bill),
    '',
    '### Where it breaks, and what to move',
    '',
    ...broken,
    '### Rates',
    '',
    rateTable(),
  ].join('\n');
}
