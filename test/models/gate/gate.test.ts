import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../../bin/workspace.ts';
import { gateSettings } from '../../../lib/config/index.ts';
import { DAY_MS, formatDay, parseDay } from '../../../lib/data/index.ts';
import { decodeModel, encodeModel } from '../../../lib/engine/onnx/index.ts';
import { finetuneRun, gateRecords } from '../../../lib/models/index.ts';
import { gateKey, promoteTrained } from '../../../lib/models/promote.ts';
import { championOf, putModel, readModelFiles, readVersions, rollBack } from '../../../lib/registry/index.ts';
import { listDrops, openUsers, planRun } from '../../../lib/run/index.ts';
import { dropAll, openShop, SLOW } from '../../e2e/nights.ts';
import { file, type Line, shopConfig, shopLog } from '../../e2e/shop.ts';
import { tableConfig, tableRows } from '../table/rows.ts';

const LOG = shopLog(240);
const [FIRST, SECOND] = ['2025-03-03', '2025-03-10'];

/** Trains as of a day on all that is dropped. */
async function train({ store, config, ...shop }: Workspace, asOf: string | null) {
  await shop.ingest(() => {});
  const drops = await listDrops(store, config);
  const { runId, manifest } = await planRun({ store, config, drops, purpose: 'training', asOf });
  const told: string[] = [];
  const versions = await finetuneRun({ store, runId, progress: (text) => told.push(text) });
  const [record] = await gateRecords(store, runId, manifest);
  const group = manifest.groups[0]!.name;
  const champion = await championOf(store, group);
  const { version } = record!;
  return { runId, manifest, group, told, record: record!, version, serves: versions[group]!, champion };
}

const before = (lines: readonly Line[], day: string) => lines.filter((line) => line.day < day);

const nextWeek = before(LOG, SECOND).filter(({ day }) => day >= FIRST);

describe('a training a week after another one', () => {
  let first: Awaited<ReturnType<typeof train>>;
  let second: Awaited<ReturnType<typeof train>>;
  let shop: Workspace;

  beforeAll(async () => {
    shop = await openShop(
      shopConfig({ tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 7 } } }),
    );
    await dropAll(shop, [['a.csv', file(before(LOG, FIRST))]]);
    first = await train(shop, FIRST);
    await dropAll(shop, [['b.csv', file(nextWeek)]]);
    second = await train(shop, SECOND);
  }, SLOW);

  it('promotes the first version, as nobody served', () => {
    expect(first.record).toMatchObject({ champion: null, version: first.champion });
    expect(first.record.refused).toBeUndefined();
  });

  it('compares the next one on the windows that closed since, and promotes it', () => {
    const { record } = second;
    expect(record.champion).toBe(first.champion);
    expect(record.refused).toBeUndefined();
    expect(second.champion).toBe(record.version);
    const quality = record.checks.filter(({ check }) => check === 'quality').map(({ said }) => said);
    expect(quality).toHaveLength(3);
    expect(quality[0]).toMatch(
      /^log loss 0\.\d{3} against 0\.\d{3} of the champion on \d+ users as of 2025-03-03 \([+-]0\.\d{4}, [+-]0\.\d{4} to [+-]0\.\d{4}\)$/,
    );
    expect(record.checks.filter(({ check }) => check === 'scores')).toHaveLength(2);
    expect(record.checks.every(({ passed }) => passed)).toBe(true);
    expect(record.unknown).toEqual([
      "what has changed since the windows that began on 2025-03-03 is seen in tonight's scores alone",
    ]);
  });

  it('has both versions on record, with their data and figures', async () => {
    const records = await readVersions(shop.store, first.group);
    expect(records).toMatchObject([
      { version: first.champion, asOf: FIRST, parent: null, data: { drops: 1, firstDay: '2025-01-03' } },
      {
        version: second.champion,
        asOf: SECOND,
        parent: first.champion,
        data: { drops: 2, lastDay: '2025-03-09' },
      },
    ]);
    expect(records[1]!.figures.purchase!.auroc!.value).toBeGreaterThan(0.5);
  });

  it('is taken back by a person, and waits for one where the config says so', async () => {
    const { store } = shop;
    const { runId, group, manifest, version } = second;
    await rollBack(store, group, 'a test');
    expect(await championOf(store, group)).toBe(first.version);
    await store.delete(gateKey(runId, group));
    const careful = { ...manifest.config, gate: { ...gateSettings({}), promote: 'never' as const } };
    const serves = await promoteTrained({
      ...{ store, runId, version, manifest: { ...manifest, config: careful } },
      group: manifest.groups[0]!,
      users: async () => openUsers(store, manifest),
      tell: () => {},
    });
    expect(serves).toBe(first.version);
    const [record] = await gateRecords(store, runId, manifest);
    expect(record!.refused).toMatch(/leaves it to a person .*nothing speaks against it/);
    // A version that was taken back is not promoted by its training either.
    await store.delete(gateKey(runId, group));
    await finetuneRun({ store, runId, progress: () => {} });
    expect(await championOf(store, group)).toBe(first.version);
  });

  it('is refused where it says no number', async () => {
    const { store } = shop;
    const { runId, group, manifest, version } = second;
    const files = await readModelFiles(store, group, version);
    const graph = decodeModel(files['model.onnx']!);
    for (const { data } of [...graph.parameters, ...graph.initializers]) {
      if (data instanceof Float32Array) data.fill(Number.NaN);
    }
    const broken = await putModel(store, group, {
      ...files,
      'model.onnx': encodeModel(graph, { parametersAs: 'initializers' }),
    });
    const serves = await promoteTrained({
      ...{ store, runId, manifest, version: broken, group: manifest.groups[0]! },
      users: async () => openUsers(store, manifest),
      tell: () => {},
    });
    expect(serves).toBe(first.version);
    const [record] = await gateRecords(store, runId, manifest);
    expect(record!.refused).toMatch(
      /^purchase: it cannot score: the model gives a user whom purchase asks no finite/,
    );
    expect(record!.checks).toContainEqual(expect.objectContaining({ check: 'fails', passed: false }));
  });

  it(
    'is refused where it knows the future: events of the eve tell who will buy',
    async () => {
      const days = Array.from({ length: 60 }, (_, i) => parseDay(SECOND) - 1 - i);
      await dropAll(shop, [['c.csv', file(eves(LOG, days))]]);
      const third = await train(shop, SECOND);
      expect(third.record.refused).toMatch(
        /^purchase: AUROC rose from 0\.\d{3} to 1\.000 at once .*a feature may know the outcome/,
      );
      expect(third.champion).toBe(first.version);
      expect(third.serves).toBe(first.version);
      expect(third.told.at(-1)).toMatch(/does not become champion: purchase: AUROC rose/);
    },
    SLOW,
  );
});

describe('a version of a labelled table', () => {
  it(
    'is refused where it has learnt from flipped labels',
    async () => {
      // given: a table of visits, and the same with yes and no changed
      const shop = await openShop({
        ...tableConfig,
        model: { ...tableConfig.model, families: ['logistic'] },
      });
      await shop.store.put('drop/visits/a.csv', tableRows());
      const first = await train(shop, null);
      const flipped = tableRows()
        .split('\n')
        .map((line) => line.replace(/,(yes|no),/, (_, said) => (said === 'yes' ? ',no,' : ',yes,')))
        .join('\n');
      await shop.store.put('drop/visits/a.csv', flipped);
      // when
      const second = await train(shop, null);
      // then
      expect(second.record.refused).toMatch(
        /rank correlation with the champion's scores -\d\.\d\d \(at least 0\.3\)/,
      );
      expect(second.champion).toBe(first.champion);
    },
    SLOW,
  );
});

/** An event on the day before each of some days of everybody who buys in the week that begins there. */
function eves(lines: readonly Line[], days: readonly number[]): Line[] {
  const found: Line[] = [];
  for (const day of days) {
    const [from, to] = [formatDay(day), formatDay(day + 7)];
    const buyers = new Set(
      lines
        .filter((line) => line.day >= from && line.day < to && line.text.includes(',purchase,'))
        .map(({ text }) => text.split(',')[0]!),
    );
    for (const buyer of buyers) {
      const time = day * DAY_MS - 6 * 3_600_000;
      const at = new Date(time).toISOString().slice(0, 19).replace('T', ' ');
      if (buyer !== '')
        found.push({ time, day: formatDay(day - 1), text: `${buyer},${at},favorite,sku-1,1,,` });
    }
  }
  return found;
}
