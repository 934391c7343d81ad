import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { createPseudonyms } from '../../lib/data/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { dropAll, dropsOf, KEY, type Night, night, openShop, SLOW } from './nights.ts';
import { file, type Line, shopConfig, shopLog } from './shop.ts';

/** Customers have just begun to come: some have looked around and not bought yet. */
const AS_OF = '2025-02-14';
const KNOWN_SINCE = '2025-02-04';
const QUIET = '"purchase.has" = 1 AND "purchase.recency" >= 8';
const log = shopLog(400);
const past = log.filter(({ day }) => day < AS_OF);
const config = shopConfig({
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 5 },
    first: { kind: 'event', event: 'purchase', horizonDays: 5, population: 'prospects', knownDays: 10 },
    winBack: { kind: 'event', horizonDays: 5, population: { where: QUIET } },
  },
} satisfies Partial<ConfigInput>);
let shop: Workspace;
let reference: Night;

const customerOf = ({ text }: Line) => text.split(',')[0]!.replaceAll('"', '');
const buys = ({ text }: Line) => text.split(',')[2] === 'purchase';

async function nightOf(lines: readonly Line[]): Promise<[Workspace, Night]> {
  const workspace = await openShop(config);
  await dropAll(workspace, [['all.csv', file(lines)]]);
  return [workspace, await night(workspace, AS_OF)];
}

/** The shop's own ids of those who have a score. */
function scored({ scores }: Night, task: string): Set<string> {
  const pseudonyms = createPseudonyms(KEY);
  return new Set(
    scores.flatMap(({ users, tasks }) =>
      users
        .filter((_, row) => !Number.isNaN(tasks[task]!.probability[row]!))
        .map((user) => pseudonyms.open(user)),
    ),
  );
}

beforeAll(async () => {
  [shop, reference] = await nightOf(past);
}, SLOW);

describe('whom a task asks', { timeout: SLOW }, () => {
  const asked = past.filter((line) => customerOf(line) !== '');
  const buyers = new Set(asked.filter(buys).map(customerOf));
  const known = new Set(asked.filter(({ day }) => day >= KNOWN_SINCE).map(customerOf));

  it('is buyers, or prospects who were seen lately', () => {
    expect(scored(reference, 'purchase')).toEqual(buyers);
    const prospects = new Set([...known].filter((customer) => !buyers.has(customer)));
    expect(prospects.size).toBeGreaterThan(15);
    expect(scored(reference, 'first')).toEqual(prospects);
  });

  it('is who meets a condition', () => {
    const last = new Map(asked.filter(buys).map((line) => [customerOf(line), line.day]));
    const quiet = [...last].flatMap(([customer, day]) => (day <= '2025-02-06' ? [customer] : []));
    expect(quiet.length).toBeGreaterThan(25);
    expect(scored(reference, 'winBack')).toEqual(new Set(quiet));
  });

  it('decides which tasks are learnt together', () => {
    expect(
      reference.manifest.groups.map(({ name, tasks }) => [name.replace(/(-\w{8})+$/, ''), tasks]),
    ).toEqual([
      ['users', ['purchase']],
      ['users-prospects', ['first']],
      ['users-where', ['winBack']],
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
    const everyone = new Set(asked.map(customerOf));
    const users = [...everyone].filter((customer) => !buyers.has(customer) && !known.has(customer)).length;
    expect(users).toBeGreaterThan(0);
    expect(report.unasked).toEqual({ users, of: everyone.size, conditions: true });
    const questions = report.models.flatMap(({ tasks }) => tasks.map(({ description }) => description));
    expect(questions).toEqual([
      'Will a customer buy within 5 days? Asked of everyone who has bought before.',
      'Will a user buy within 5 days? Asked of everyone who has done anything in the last 10 days, but has never bought.',
      `Will a user buy within 5 days? Asked of everyone who has done anything before and meets the condition ${QUIET}.`,
    ]);
  });

  it('is decided, learnt and scored without anything from the as-of day on', async () => {
    const [, other] = await nightOf(log);
    expect(other.models).toEqual(reference.models);
    expect(other.scores).toEqual(reference.scores);
    expect(other.exports).toEqual(reference.exports);
  });
});
