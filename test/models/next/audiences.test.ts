import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '../../../lib/config/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { readShardDays, ShardedFiles } from '../../../lib/features/index.ts';
import { audiencesOf } from '../../../lib/models/next/audience-model.ts';
import { fitAudiences } from '../../../lib/models/next/audience-train.ts';
import { checkListTask } from '../../../lib/models/next/check.ts';
import { nextFamily } from '../../../lib/models/next/family.ts';
import { nextTask } from '../../../lib/models/next/next-task.ts';
import { readHistory } from '../../../lib/models/next/read-history.ts';
import { openNextScorer } from '../../../lib/models/next/score.ts';
import { trainingCutoffs } from '../../../lib/models/next/train.ts';
import { openUnits } from '../../../lib/models/shared/index.ts';
import { openUsers, type RunManifest, runIdOf } from '../../../lib/run/index.ts';
import type { ObjectStore } from '../../../lib/runtime/index.ts';
import { ALL } from '../../all.ts';
import { FIRST_DAY, type RawEvent, withStore } from '../../features/shop.ts';
import { bought, runOver, train } from './shop.ts';

const AS_OF = 120;
const DAYS = 140;

/** Every third user drinks tea: takes it on most visits; the others take it once in a while. */
function teaShop(users: number): RawEvent[] {
  const rng = createRng('tea shop');
  const events: RawEvent[] = [];
  for (let u = 0; u < users; u++) {
    const drinks = u % 3 === 0;
    for (let day = rng.integer(30); day < DAYS; day += 5 + rng.integer(12)) {
      if (rng.uniform() < (drinks ? 0.6 : 0.02)) events.push(bought(`user ${u}`, day, 'tea'));
      events.push(bought(`user ${u}`, day, `item ${rng.integer(8)}`));
    }
  }
  return events.sort((a, b) => a.time - b.time);
}

const config = (audiences: object): Config =>
  parseConfig({
    shop: { timeZone: 'UTC' },
    sources: {},
    tasks: { preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 14, k: 3 } },
    training: { threads: 1 },
    shards: 2,
    exports: { audiences },
  });

const TEA = { tea: { task: 'preference', value: 'tea', top: 40 } };

/** What is learnt of a config's audiences. */
async function learnt(store: ObjectStore, manifest: RunManifest) {
  const task = nextTask(manifest, 'preference');
  const cutoffs = trainingCutoffs(manifest, task);
  const history = await readHistory(openUsers(store, manifest), manifest, 'preference', cutoffs);
  return fitAudiences({
    ...{ history, task, days: cutoffs.length, of: 1 },
    reads: { others: history.others, attributes: undefined },
    units: await openUnits(store, manifest, task),
    audiences: audiencesOf(manifest.config, 'preference'),
  });
}

/** Probabilities of an audience by user. */
async function chancesOf(
  store: ObjectStore,
  manifest: RunManifest,
  files: Awaited<ReturnType<typeof train>>,
  audience: string,
): Promise<Map<string, number>> {
  const [group] = manifest.groups;
  const runId = runIdOf(manifest);
  const scorer = await openNextScorer(files, { store, runId, manifest, group: group!, threads: 1 });
  const chances = new Map<string, number>();
  try {
    for (let shard = 0; shard < manifest.shards; shard++) {
      const inputs = manifest.inputs.events.map(({ days }) => ({ key: days! }));
      const users = await readShardDays({
        ...{ store, config: manifest.config, inputs, shard, shards: manifest.shards },
        before: Number.POSITIVE_INFINITY,
        files: new ShardedFiles(store),
      });
      const { audiences } = await scorer.score(users, shard);
      let row = 0;
      for (const { user } of users) chances.set(user, audiences?.[audience]?.[row++] ?? Number.NaN);
    }
  } finally {
    await scorer.close();
  }
  return chances;
}

const midnight = (day: number) => (FIRST_DAY + day) * 86_400_000;

describe('an audience of a list task', { timeout: 60_000 }, () => {
  it.runIf(ALL)('names those who go on to take the value, as often as its held-out day says', async () => {
    await withStore(async (store) => {
      // given: a shop whose future is the same whether what follows the as-of day is dropped or not
      const events = teaShop(240);
      const manifest = await runOver(store, config(TEA), AS_OF, { a: events });
      const files = await train(store, manifest);
      const chances = await chancesOf(store, manifest, files, 'tea');
      // when: the rule picks
      const picked = [...chances]
        .filter(([, chance]) => !Number.isNaN(chance))
        .sort(([a, p], [b, q]) => q - p || (a < b ? -1 : 1))
        .slice(0, 40);
      const took = new Set(
        events
          .filter(
            ({ item, time }) => item === 'tea' && time >= midnight(AS_OF) && time < midnight(AS_OF + 14),
          )
          .map(({ user }) => user),
      );
      const share = picked.filter(([user]) => took.has(user)).length / picked.length;
      const base = took.size / chances.size;
      // then: far more of them than of everybody, and near what was said
      expect(share).toBeGreaterThan(2 * base);
      const [task] = nextFamily.describe(files, manifest.config, manifest.groups[0]!).tasks;
      const { validation } = task!.answers === 'list' ? task!.audiences[0]! : {};
      expect(validation).toMatchObject({ by: 'day', rule: { top: 40 }, picked: { users: 40 } });
      expect(Math.abs(validation!.picked.done / 40 - share)).toBeLessThan(0.2);
      expect(validation!.all.done / validation!.all.users).toBeLessThan(validation!.picked.done / 40 / 2);
      const mean = picked.reduce((sum, [, chance]) => sum + chance, 0) / picked.length;
      expect(Math.abs(mean - share)).toBeLessThan(0.2);

      // and: what comes after the as-of day, and the order of drops, change nothing
      const past = events.filter(({ time }) => time < midnight(AS_OF));
      const half = Math.ceil(past.length / 2);
      const other = await runOver(store, config(TEA), AS_OF, {
        c: past.slice(half),
        b: past.slice(0, half),
      });
      const again = await train(store, other);
      expect(Buffer.from(again['manifest.json']!).equals(Buffer.from(files['manifest.json']!))).toBe(true);
      const second = await chancesOf(store, other, again, 'tea');
      for (const [user, chance] of second) expect(chance).toBe(chances.get(user));
    });
  });

  it('is learnt of the past alone, the same in any order of drops, and measured on a day held out', async () => {
    await withStore(async (store) => {
      // given: a shop, and the same shop with its future planted, its drops in another order
      const events = teaShop(90);
      const past = events.filter(({ time }) => time < midnight(AS_OF));
      const half = Math.ceil(past.length / 2);
      const drops = { c: past.slice(half), b: past.slice(0, half) };
      const rule = { tea: { ...TEA.tea, top: 15 } };
      // when
      const first = await learnt(store, await runOver(store, config(rule), AS_OF, { a: events }));
      const second = await learnt(store, await runOver(store, config(rule), AS_OF, drops));
      // then
      expect(second).toEqual(first);
      const { tea } = first;
      if (!tea || !('weights' in tea)) throw new Error(`nothing was learnt: ${JSON.stringify(tea)}`);
      const { picked, all, ...how } = tea.validation!;
      expect(how).toMatchObject({ by: 'day', rule: { top: 15 } });
      expect(picked.users).toBe(15);
      expect(picked.done / picked.users).toBeGreaterThan((2 * all.done) / all.users);
    });
  });

  it('of a value that nobody had is told of beforehand and in the model', async () => {
    await withStore(async (store) => {
      const wanted = { coffee: { task: 'preference', value: 'coffee', above: 0.5 } };
      const manifest = await runOver(store, config(wanted), AS_OF, { a: teaShop(20) });
      const checked = await checkListTask({
        ...{ store, manifest, group: manifest.groups[0]!, progress: () => {} },
        users: async () => openUsers(store, manifest),
      });
      expect(checked.warnings[0]?.why).toContain(
        'exports.audiences.coffee.value is "coffee", which nobody had',
      );
      expect(checked.warnings[0]?.why).toContain('"tea"');
      expect((await learnt(store, manifest)).coffee).toMatchObject({
        why: expect.stringContaining('0 of 0 windows'),
      });
    });
  });
});

describe('settings of audiences', () => {
  it.each([
    [{ tea: { task: 'preference', top: 5 } }, 'exports.audiences.tea.value'],
    [{ tea: { task: 'none', value: 'tea', top: 5 } }, 'exports.audiences.tea.task'],
    [{ tea: { task: 'preference', value: 'tea' } }, 'one of top'],
    [{ csv: { task: 'preference', value: 'tea', top: 5 } }, 'another name than'],
  ])('are refused: %j', (audiences, message) => {
    expect(() => config(audiences)).toThrow(message);
  });
});
