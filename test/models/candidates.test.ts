import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { CANDIDATES, type Candidate } from '../../lib/models/candidates/index.ts';
import { type ModelFamily, type ShardScores, versionsOf } from '../../lib/models/index.ts';
import { tableFamily } from '../../lib/models/table/index.ts';
import { type UsersModelManifest, usersFamily } from '../../lib/models/users/index.ts';
import { promote, putModel } from '../../lib/registry/index.ts';
import { openUsers, type PlannedRun, planRun, scoresKey, tableScoresKey } from '../../lib/run/index.ts';
import { decodeScores } from '../../lib/score/index.ts';
import { dropAll, finish, openShop, SLOW } from '../e2e/nights.ts';
import { AS_OF, file, shopConfig, shopLog } from '../e2e/shop.ts';
import { baseRate } from './base-rate.ts';
import { tableConfig, tableRows } from './table/rows.ts';

const regression = CANDIDATES.find(({ name }) => name === 'logistic regression')!;

/** Trains a group by a family of the test, and plans a night that the model serves. */
async function trained(shop: Workspace, family: ModelFamily<unknown>, asOf: string | null) {
  const drops = await shop.ingest(() => {});
  const training = await planRun({ ...shop, drops, purpose: 'training', asOf });
  const group = training.manifest.groups[0]!;
  const costs: object[] = [];
  const files = await family.train({
    ...shop,
    manifest: training.manifest,
    users: async () => openUsers(shop.store, training.manifest),
    group,
    progress: () => {},
    tellCosts: (told) => costs.push(told),
  });
  const version = await putModel(shop.store, group.name, files);
  await promote(shop.store, group.name, version, { asOf, reason: 'a test' });
  const manifest: UsersModelManifest = JSON.parse(new TextDecoder().decode(files['manifest.json']));
  return { drops, manifest, run: await planRun({ ...shop, drops, purpose: 'night', asOf }), version, costs };
}

const scoresOf = async ({ store }: Workspace, key: string): Promise<ShardScores> =>
  decodeScores(await (await store.get(key)).bytes());

async function report(shop: Workspace, run: PlannedRun, drops: Awaited<ReturnType<Workspace['ingest']>>) {
  const args = { ...shop, ...run, drops, seconds: {}, now: () => new Date(0) };
  return (await evaluateRun(args)).report;
}

const usersShop = async (): Promise<Workspace> => {
  const { tasks, ...config } = shopConfig();
  const { purchase, churn } = tasks!;
  const shop = await openShop({ ...config, tasks: { purchase: purchase!, churn: churn! } });
  const lines = shopLog().filter(({ day }) => day < AS_OF);
  await dropAll(shop, [['all.csv', file(lines)]]);
  return shop;
};

describe('a candidate of its own file', { timeout: SLOW }, () => {
  it('is compared with the others by one line of the list', async () => {
    // given
    const candidates: readonly Candidate[] = [regression, baseRate];
    // when
    const { manifest, costs } = await trained(await usersShop(), usersFamily(candidates), AS_OF);
    // then
    expect(manifest.candidates.map(({ name }) => name)).toEqual([
      'logistic regression',
      'base rate',
      'blend',
    ]);
    expect(manifest.candidates.every(({ loss }) => loss > 0)).toBe(true);
    const cost = {
      fits: expect.any(Number),
      fitSeconds: expect.any(Number),
      rowsPerSecond: expect.any(Number),
      bytes: expect.any(Number),
    };
    expect(costs).toEqual([{ 'logistic regression': cost, 'base rate': cost }]);
    expect(manifest.selection[1]).toMatch(
      /^Kept: (logistic regression|blend) \(held-out log loss logistic regression .*, base rate .*, blend /,
    );
  });

  it('serves tasks over users: it is kept, scored, explained and reported', async () => {
    // given
    const shop = await usersShop();
    const { manifest, run, version, drops } = await trained(shop, usersFamily([baseRate]), AS_OF);
    // when
    await finish(shop, run);
    const page = await report(shop, run, drops);
    const { tasks, users } = await scoresOf(shop, scoresKey(run.runId, 0));
    // then
    expect(manifest.selection[1]).toMatch(/^Kept: base rate/);
    expect(await versionsOf(shop.store, run.runId, run.manifest)).toEqual({
      [run.manifest.groups[0]!.name]: version,
    });
    const { probability, reasons } = tasks.purchase!;
    const known = users.flatMap((_, i) => (Number.isNaN(probability[i]!) ? [] : [i]));
    expect(known.length).toBeGreaterThan(10);
    expect(new Set(known.map((i) => probability[i]!)).size).toBe(1);
    expect(probability[known[0]!]).toBeGreaterThan(0);
    expect(probability[known[0]!]).toBeLessThan(1);
    expect(JSON.parse(reasons[known[0]!]!)).toEqual([{ name: 'base rate', value: expect.any(Number) }]);
    const [model] = page.models;
    expect(model!.selection[1]).toContain('base rate');
    expect(model!.tasks[0]).toMatchObject({ groups: [{ group: 'base rate', share: 1 }] });
  });

  it('serves a labelled table alike', async () => {
    // given
    const shop = await openShop(tableConfig);
    await shop.store.put('drop/visits/table.csv', tableRows());
    const { manifest, run, drops } = await trained(shop, tableFamily([baseRate]), null);
    // when
    await finish(shop, run);
    const page = await report(shop, run, drops);
    const { tasks } = await scoresOf(shop, tableScoresKey(run.runId, 'bought'));
    // then
    expect(manifest.candidates).toHaveLength(1);
    expect(new Set(tasks.bought!.probability).size).toBe(1);
    expect(JSON.parse(tasks.bought!.reasons[0]!)[0].name).toBe('base rate');
    expect(page.models[0]!.tasks[0]).toMatchObject({ groups: [{ group: 'base rate', share: 1 }] });
  });
});
