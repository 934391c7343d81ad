import { beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput, EventTask } from '../../../lib/config/index.ts';
import { formatDay, parseDay } from '../../../lib/data/index.ts';
import { featureNames, featureVector } from '../../../lib/features/index.ts';
import { openAsking } from '../../../lib/models/shared/index.ts';
import { openUsers, planRun } from '../../../lib/run/index.ts';
import { dropAll, openShop, SLOW } from '../../e2e/nights.ts';
import { AS_OF, file, type Line, shopConfig, shopLog } from '../../e2e/shop.ts';

const DAYS = [40, 20, 7, 0].map((back) => parseDay(AS_OF) - back);
const WHERE = `"purchase.money_90d" > 60 AND any_recency <= 10 AND coalesce(tier, 'none') <> 'gold' AND age > 30`;
const TASK = { kind: 'event', event: 'view', horizonDays: 7 } as const;
const task: EventTask = { ...TASK, population: { where: WHERE } };
const { sources } = shopConfig();
const config = shopConfig({
  sources: {
    ...sources,
    people: {
      format: 'csv',
      table: 'users',
      columns: { user: 'id', valid_from: 'since' },
      attributes: { categories: ['tier'], numbers: ['age'] },
      timeZone: 'America/New_York',
    },
  },
  tasks: { look: task },
} satisfies Partial<ConfigInput>);

const log = shopLog(60);
const customers = Array.from({ length: 60 }, (_, c) => `C-${c}`);
/** Everybody is 20 to 59 years old, some have no tier, and each turns gold on a day of their own, some after the last cut-off. */
const goldFrom = (c: number) => formatDay(parseDay(AS_OF) - 45 + c);
const people = customers.flatMap((id, c) => [
  `${id},${c % 3 === 0 ? '' : 'silver'},${20 + (c % 40)},2024-01-01`,
  `${id},gold,${20 + (c % 40)},${goldFrom(c)}`,
]);
const table = (rows: readonly string[]) => `id,tier,age,since\n${rows.join('\n')}\n`;

/** By task, user and day: is the user asked? And, told from the whole vector and the rows above, should they be? */
async function askedOf(
  lines: readonly Line[],
  rows: readonly string[],
  tasks: readonly EventTask[] = [task],
) {
  const shop = await openShop(config);
  await dropAll(shop, [['all.csv', file(lines)]]);
  await shop.store.put('drop/people/people.csv', table(rows));
  const drops = await shop.ingest(() => {});
  const { manifest } = await planRun({ ...shop, drops, purpose: 'night', asOf: AS_OF });
  const users = openUsers(shop.store, manifest);
  const asking = await openAsking(
    shop.store,
    manifest,
    tasks.map((one) => ({ name: 'look', task: one })),
  );
  const answers: boolean[] = [];
  const expected: boolean[] = [];
  const names = featureNames(manifest.config).map(({ name }) => name);
  const vector = new Float32Array(names.length);
  for (const shard of users.shards) {
    const read = await users.read(shard, parseDay(AS_OF) + 365);
    const asked = await asking.shard(shard, read, DAYS);
    for (const user of read) {
      for (const day of DAYS) {
        user.advance(day);
        const own = tasks.map((_, t) => asked.asks(t, user, day));
        featureVector(user.state, day, manifest.config, vector);
        const of = (name: string) => vector[names.indexOf(name)]!;
        const meets = of('purchase.money_90d') > 60 && of('any_recency') <= 10;
        answers.push(...own);
        expected.push(meets);
      }
    }
  }
  return { answers, expected, asking };
}

describe('a condition of a population', { timeout: SLOW }, () => {
  let reference: Awaited<ReturnType<typeof askedOf>>;
  const past = log.filter(({ day }) => day < AS_OF);

  beforeAll(async () => {
    reference = await askedOf(past, people);
  }, SLOW);

  it('holds for those whom features and attributes of the day say so of', () => {
    const { answers, expected } = reference;
    const yes = answers.filter(Boolean).length;
    expect(yes).toBeGreaterThan(10);
    expect(yes).toBeLessThan(expected.filter(Boolean).length);
    // Attributes only take away from those whose features meet it.
    expect(answers.filter((own, i) => own && !expected[i])).toEqual([]);
  });

  it('knows nothing of what happens, or is said, from a day on', async () => {
    const later = people.filter((row) => row.slice(-10) >= formatDay(DAYS[0]!));
    const known = people.filter((row) => !later.includes(row));
    const { answers } = await askedOf(
      log.filter(({ day }) => day < formatDay(DAYS[0]!)),
      known,
    );
    const first = (all: readonly boolean[]) => all.filter((_, i) => i % DAYS.length === 0);
    // Users who come later are nobody yet: they are asked on no day.
    expect(first(answers).filter(Boolean).length).toBe(first(reference.answers).filter(Boolean).length);
    const { answers: others } = await askedOf(log, people);
    expect(others.filter(Boolean).length).toBe(reference.answers.filter(Boolean).length);
  });

  it('is asked beside tasks without one, and by knownDays', async () => {
    const { answers } = await askedOf(past, people, [
      task,
      { ...TASK, population: 'known', knownDays: 10 },
      { ...task, knownDays: 3 },
    ]);
    const of = (t: number) => answers.filter((_, i) => i % 3 === t);
    expect(of(0)).toEqual(reference.answers);
    expect(of(0).filter((own, i) => own && !of(1)[i])).toEqual([]);
    const lately = of(2).filter(Boolean).length;
    expect(lately).toBeGreaterThan(0);
    expect(lately).toBeLessThan(of(0).filter(Boolean).length);
  });

  it('that is none is refused with the columns there are', async () => {
    const asks = (where: string) => askedOf(past.slice(0, 20), people, [{ ...TASK, population: { where } }]);
    await expect(asks('"purchase.recncy" < 3')).rejects.toThrow(
      /tasks\.look\.population\.where: given .* over "TYPE\.FEATURE" with a type of view, .*recency.*"any_recency".*attributes of users \("age", "tier"\): .* no column "purchase\.recncy".*did you mean "purchase\.recency"/,
    );
    await expect(asks('age + 1')).rejects.toThrow('a condition is true or false');
    await expect(asks(`tier::INT > 3`)).rejects.toThrow(/tasks\.look\.population\.where/);
  });
});
