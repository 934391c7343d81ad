import { beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { checkRun } from '../../lib/models/index.ts';
import { planRun } from '../../lib/run/index.ts';
import { dropAll, openShop, SLOW } from '../e2e/nights.ts';
import { file, HEADER, type Line, shopConfig, shopLog } from '../e2e/shop.ts';

type Tasks = NonNullable<ConfigInput['tasks']>;
let log: Line[];

beforeAll(() => {
  log = shopLog(60);
});

/** What is said of tasks before they are trained as of a day. */
async function check(tasks: Tasks, asOf: string, lines: readonly Line[] = log) {
  const shop = await openShop({ ...shopConfig(), tasks });
  await dropAll(shop, [['all.csv', lines.length > 0 ? file(lines) : `${HEADER}\n`]]);
  const drops = await shop.ingest(() => {});
  const { manifest } = await planRun({ ...shop, drops, purpose: 'night', asOf });
  return checkRun(shop.store, manifest);
}

const buys = (horizonDays: number) => ({ kind: 'event', event: 'purchase', horizonDays }) as const;

describe('before anything is trained', { timeout: SLOW }, () => {
  it('nothing is said of tasks that there is enough for', async () => {
    const { tasks } = shopConfig();
    expect(await check(tasks, '2025-03-12')).toEqual({ leftOut: [], warnings: [] });
  });

  it.each([
    [
      'an event that nobody had',
      { kind: 'event', event: 'review', horizonDays: 5 },
      'nobody had an event "review" before 2025-03-12',
    ],
    [
      'a window far longer than the history',
      buys(2000),
      'a window of 2,000 days is learnt in parts of 167 days, which needs about 181 days of history, and there are',
    ],
    [
      'an absence that nobody was active for',
      { kind: 'absence', event: 'search', horizonDays: 5, activeDays: 10 },
      'nobody had an event "search"',
    ],
    [
      'a list of what nobody had',
      { kind: 'next', event: 'favorite', of: 'item', horizonDays: 5, k: 3 },
      'nobody had an event "favorite" with an item before 2025-03-12',
    ],
  ] as const)('%s is left out with its reason', async (_, task, why) => {
    const { leftOut } = await check({ good: buys(10), bad: task }, '2025-03-12');
    expect(leftOut.map((one) => one.task)).toEqual(['bad']);
    expect(leftOut[0]!.why).toContain(why);
  });

  /** Of all customers five come again, every day. */
  function fewBuyers(): Line[] {
    const few = log.filter(({ text }) => /^"C-[0-4]",/.test(text) && text.includes(',purchase,'));
    const once = log.filter(({ text }, i) => text.includes(',purchase,') && i < 60);
    return [...few, ...once.filter(({ text }) => !/^"C-[0-4]",/.test(text))]
      .sort((a, b) => a.time - b.time)
      .slice(0, 40);
  }
  const list = { kind: 'next', event: 'purchase', of: 'item', horizonDays: 5, k: 3 } as const;

  it('too few buyers of one outcome are counted in plain words, and answered by priors', async () => {
    const { leftOut, warnings } = await check({ good: list, bad: buys(5) }, '2025-03-12', fewBuyers());
    expect(leftOut).toEqual([]);
    expect(warnings.map(({ task }) => task)).toEqual(['bad']);
    expect(warnings[0]!.why).toMatch(
      /^there is little data: of the users who had an event "purchase" before \d+ had an event "purchase" in a window that was over before 2025-03-12, and \d+ had none in its first 2 days\. 100 of each are enough to go by the shop's own data: \d+ who had one and \d+ who had none are missing\. Until then scores are those of a model of the customer base alone/,
    );
  });

  it('too few of those who need not have bought are left out: nothing is believed of them beforehand', async () => {
    const known = { ...buys(5), population: 'known' } as const;
    const { leftOut } = await check({ good: list, bad: known }, '2025-03-12', fewBuyers());
    expect(leftOut[0]!.why).toMatch(
      /^of the users who had done anything in the 90 days before \d+ had an event "purchase" in a window that was over before 2025-03-12, and \d+ had none in its first 2 days; at least 10 of each are needed$/,
    );
  });

  it('a window of which only the beginning was ever over is trained, and told', async () => {
    const { leftOut, warnings } = await check({ long: buys(200) }, '2025-03-12');
    expect(leftOut).toEqual([]);
    expect(warnings[0]!.why).toMatch(
      /^no whole window of 200 days was over before 2025-03-12: it is learnt from the first \d+ days of it/,
    );
  });

  it('a run without any task to train ends there, with every reason', async () => {
    const tasks = { a: buys(2000), b: { kind: 'event', event: 'review', horizonDays: 5 } } as const;
    await expect(check(tasks, '2025-03-12')).rejects.toThrow(
      /^no task can be trained yet: task a: a window of 2,000 days .*; task b: nobody had an event "review"/,
    );
  });
});
