import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { createPseudonyms, parseDay } from '../../lib/data/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { ALL } from '../all.ts';
import { dropAll, dropsOf, KEY, type Night, night, openShop, SLOW } from './nights.ts';
import { file, type Line, shopConfig, shopLog } from './shop.ts';

/** Half of the customers live in France; some move there later, and the table says since when. */
const AS_OF = '2025-02-14';
const FRENCH = `country = 'FR'`;
const QUIET = `"purchase.recency" >= 8 AND "purchase.has" = 1 AND ${FRENCH}`;
const log = shopLog(300);
const past = log.filter(({ day }) => day < AS_OF);
const { sources } = shopConfig();
const config = shopConfig({
  sources: {
    ...sources,
    people: {
      format: 'csv',
      table: 'users',
      columns: { user: 'id', valid_from: 'since' },
      attributes: { categories: ['country'] },
      timeZone: 'UTC',
    },
  },
  tasks: {
    winBack: { kind: 'event', horizonDays: 5, population: { where: QUIET } },
    firstLook: { kind: 'event', event: 'view', horizonDays: 5, population: { where: QUIET }, knownDays: 12 },
    spend: { kind: 'value', horizonDays: 5, population: { where: FRENCH } },
  },
} satisfies Partial<ConfigInput>);

const customerOf = ({ text }: Line) => text.split(',')[0]!.replaceAll('"', '');
const isFrench = (customer: string) => Number(customer.slice(2)) % 2 === 0;
const customers = [...new Set(log.map(customerOf))].filter((customer) => customer !== '');
const people = customers.map((one) => `${one},${isFrench(one) ? 'FR' : 'DE'},2024-01-01`);
const moved = customers.map((one) => `${one},${isFrench(one) ? 'DE' : 'FR'},2025-02-15`);
const table = (lines: readonly string[]) => `id,country,since\n${lines.join('\n')}\n`;

async function nightOf(lines: readonly Line[], rows: readonly string[]): Promise<[Workspace, Night]> {
  const workspace = await openShop(config);
  await dropAll(workspace, [['all.csv', file(lines)]]);
  await workspace.store.put('drop/people/people.csv', table(rows));
  return [workspace, await night(workspace, AS_OF)];
}

let shop: Workspace;
let reference: Night;

/** The shop's own ids of those who have an answer. */
function answered({ scores }: Night, of: (shard: Night['scores'][number]) => Float64Array): Set<string> {
  const pseudonyms = createPseudonyms(KEY);
  return new Set(
    scores.flatMap((shard) =>
      shard.users.filter((_, row) => !Number.isNaN(of(shard)[row]!)).map((user) => pseudonyms.open(user)),
    ),
  );
}

describe.runIf(ALL)('a population that meets a condition', { timeout: SLOW }, () => {
  beforeAll(async () => {
    [shop, reference] = await nightOf(past, people);
  }, SLOW);

  const seen = new Map<string, { last: number; bought?: number }>();
  for (const line of past) {
    const customer = customerOf(line);
    if (customer === '') continue;
    const day = parseDay(line.day);
    const one = seen.get(customer) ?? { last: day };
    one.last = Math.max(one.last, day);
    if (line.text.split(',')[2] === 'purchase') one.bought = Math.max(one.bought ?? day, day);
    seen.set(customer, one);
  }
  const asOf = parseDay(AS_OF);
  const french = new Set([...seen.keys()].filter(isFrench));
  const quiet = new Set(
    [...french].filter((one) => {
      const { bought } = seen.get(one)!;
      return bought !== undefined && asOf - bought >= 8;
    }),
  );

  it('is asked as of the day, by what was done and what is said of users', () => {
    expect(quiet.size).toBeGreaterThan(20);
    expect(answered(reference, ({ tasks }) => tasks.winBack!.probability)).toEqual(quiet);
    const lately = new Set([...quiet].filter((one) => asOf - seen.get(one)!.last <= 12));
    expect(lately.size).toBeLessThan(quiet.size);
    expect(answered(reference, ({ tasks }) => tasks.firstLook!.probability)).toEqual(lately);
    const valued = answered(reference, ({ values }) => values.spend!.value);
    expect([...valued].filter((one) => !french.has(one))).toEqual([]);
    expect(valued.size).toBe(french.size);
  });

  it('is learnt together where the condition is the same', () => {
    const groups = reference.manifest.groups.map(({ name, tasks }) => [
      name.replace(/(-\w{8})+$/, ''),
      tasks,
    ]);
    expect(groups).toEqual([
      ['users-where', ['firstLook', 'winBack']],
      ['value-spend', ['spend']],
    ]);
  });

  it('is told in the report, with those whom no task asks', async () => {
    const { report } = await evaluateRun({
      store: shop.store,
      runId: reference.runId,
      drops: await dropsOf(shop),
      seconds: {},
      now: () => new Date(0),
    });
    const [others, of] = [seen.size - french.size, seen.size];
    expect(report.unasked).toEqual({ users: others, of, conditions: true });
    const questions = report.models.flatMap(({ tasks }) => tasks.map(({ description }) => description));
    expect(questions).toEqual([
      `Will a user have an event "view" within 5 days? Asked of everyone who has done anything in the last 12 days and meets the condition ${QUIET}.`,
      `Will a user buy within 5 days? Asked of everyone who has done anything before and meets the condition ${QUIET}.`,
      `How much money will a customer spend within 5 days? Asked of everyone who has done anything before and meets the condition ${FRENCH}.`,
    ]);
  });

  it('is decided, learnt and scored without anything from the as-of day on', async () => {
    const [, other] = await nightOf(log, [...people, ...moved]);
    expect(other.models).toEqual(reference.models);
    expect(other.scores).toEqual(reference.scores);
    expect(other.exports).toEqual(reference.exports);
  });
});
