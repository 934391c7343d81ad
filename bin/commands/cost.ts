import { Command, InvalidArgumentError, Option } from 'commander';
import { deployOf } from '../../lib/config/index.ts';
import {
  amount,
  DROP_FORMATS,
  type DropFormat,
  dollars,
  estimate,
  limits,
  PRICES,
} from '../../lib/cost/index.ts';
import { table } from './shared.ts';
import { configOf } from './stack-options.ts';

/** A positive number as people write it: 10e6, 500000. */
function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('a number above 0 is expected, such as 250000 or 10e6');
  }
  return value;
}

/** As the config's `shards`. */
function powerOfTwo(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MOST_SHARDS || Math.log2(value) % 1 !== 0) {
    throw new InvalidArgumentError(`a power of two up to ${MOST_SHARDS} is expected, such as 64 or 128`);
  }
  return value;
}

const MOST_SHARDS = 4096;

/** The smallest power of two that keeps shards below 80,000 users. */
function shardsFor(users: number): number {
  let shards = 4;
  while (shards < MOST_SHARDS && users / shards > 80_000) shards *= 2;
  return shards;
}

interface CostOptions {
  readonly users: number;
  readonly eventsPerDay: number;
  readonly dropsPerDay: number;
  readonly format: DropFormat;
  readonly shards?: number;
  readonly env: string;
  readonly json?: boolean;
}

/** `nightjar cost`: what a night and a month cost, from measured rates and one dated list of prices. */
export function costCommand(): Command {
  return new Command('cost')
    .description('what a night costs in the cloud, from rates measured here, and where the load breaks')
    .requiredOption('--users <n>', 'users to score', positive)
    .requiredOption('--events-per-day <n>', 'events a day', positive)
    .option('--drops-per-day <n>', 'files a day', positive, 24)
    .addOption(new Option('--format <name>', 'of the files').choices(DROP_FORMATS).default('csv'))
    .option('--shards <n>', 'shards (default: so that each has at most 80,000 users)', powerOfTwo)
    .option('--env <name>', 'environment of the config whose deploy settings count', 'prod')
    .option('--json', 'print it for a machine')
    .action(async (options: CostOptions, command: Command) => {
      const { config } = await configOf(command);
      const load = {
        users: options.users,
        eventsPerDay: options.eventsPerDay,
        dropsPerDay: options.dropsPerDay,
        format: options.format,
        shards: options.shards ?? shardsFor(options.users),
        historyDays: config.features.historyDays,
        lateDays: config.features.lateDays,
        deploy: deployOf(config, options.env),
      };
      const bill = estimate(load);
      const bounds = limits(load, bill.sizes);
      if (options.json) {
        const prices = { date: PRICES.date, region: PRICES.region };
        console.log(JSON.stringify({ load, prices, ...bill, limits: bounds }, null, 2));
        return;
      }
      const rows = bill.lines.map(({ part, what, amount: value, unit, usd }) => [
        part,
        what,
        `${amount(value)} ${unit}`,
        dollars(usd),
      ]);
      console.log(table(['part', 'what', 'a day', 'USD a day'], rows));
      console.log(
        `\na night ${dollars(bill.usdPerNight)} USD, a month ${dollars(bill.usdPerMonth)} USD (${PRICES.region}, list prices of ${PRICES.date}; docs/cost.md says where every amount comes from)`,
      );
      for (const { ok, what, value, limit, unit, setting } of bounds) {
        if (!ok) console.log(`breaks: ${what}: ${amount(value)} ${unit}, limit ${amount(limit)}: ${setting}`);
      }
    });
}
