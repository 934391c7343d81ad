import { expect, it } from 'vitest';
import { bucketState } from '../../bin/commands/bucket-state.ts';
import { finetuneRun, notChampions } from '../../lib/models/index.ts';
import { championOf } from '../../lib/registry/index.ts';
import { listDrops, planRun } from '../../lib/run/index.ts';
import { openShop, SLOW } from '../e2e/nights.ts';
import { tableConfig, tableRows } from './table/rows.ts';

it(
  'a model that was trained on too little of the history is stored with the reason, and another one serves',
  async () => {
    // given: of two files one is through
    const shop = await openShop({ ...tableConfig, model: { ...tableConfig.model, families: ['logistic'] } });
    const { store, config } = shop;
    const rows = tableRows();
    await store.put('drop/visits/a.csv', rows);
    await shop.ingest(() => {});
    await store.put('drop/visits/b.csv', rows.replaceAll('boots', 'socks'));
    const train = async () => {
      const drops = await listDrops(store, config);
      const { runId, manifest } = await planRun({ store, config, drops, purpose: 'training', asOf: null });
      const told: string[] = [];
      const versions = await finetuneRun({ store, runId, progress: (text) => told.push(text) });
      const [group] = manifest.groups;
      const champion = await championOf(store, group!.name);
      return { runId, manifest, told, version: versions[group!.name], champion, group: group!.name };
    };
    // when
    const half = await train();
    // then: it stands, and serves nobody
    const why = expect.stringMatching(
      /^of source visits (49|50) % of the history is through, and 95 % is needed$/,
    );
    expect(half.version).toMatch(/^\w{12}$/);
    expect(half.champion).toBeNull();
    expect(await notChampions(store, half.runId, half.manifest)).toEqual([
      { group: half.group, why, scores: 'itself' },
    ]);
    expect(half.told.at(-1)).toContain('does not become champion: of source visits');
    // and: a person sees it, and a job that is started again does not change it
    expect((await bucketState(store, config)).runs).toMatchObject([
      { notChampions: [{ group: half.group, why, scores: 'itself' }] },
    ]);
    await finetuneRun({ store, runId: half.runId, progress: () => {} });
    expect(await championOf(store, half.group)).toBeNull();
    // when all is there
    await shop.ingest(() => {});
    const whole = await train();
    // then
    expect(whole.champion).toBe(whole.version);
    expect(await notChampions(store, whole.runId, whole.manifest)).toEqual([]);
    // when a file that the champion knew is replaced by one that is refused
    await store.put('drop/visits/a.csv', 'nothing,of,this\n1,2,3\n');
    await shop.ingest(() => {});
    const without = await train();
    // then
    expect(without.version).toBe(whole.version);
    expect(without.champion).toBe(whole.version);
    expect(await notChampions(store, without.runId, without.manifest)).toEqual([
      {
        group: half.group,
        why: 'it goes without 1 of the 2 drops that the champion was trained on (drop/visits/a.csv)',
        scores: 'champion',
      },
    ]);
  },
  SLOW,
);
