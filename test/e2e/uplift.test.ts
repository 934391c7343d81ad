import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { evaluateRun, metricsOf } from '../../lib/evaluate/index.ts';
import type { ExportManifest } from '../../lib/export/index.ts';
import { getBytes, readJson } from '../../lib/runtime/index.ts';
import { ARMS, trialCsv, trialRows } from '../models/uplift/trial.ts';
import { dropsOf, type Night, night, openShop, SLOW } from './nights.ts';

const config: ConfigInput = {
  shop: { name: 'Mails', timeZone: 'UTC' },
  sources: {
    mails: {
      format: 'csv',
      table: 'labels',
      duplicates: 'keep',
      columns: { label: 'visit', split: "CASE WHEN row_number % 4 = 0 THEN 'test' ELSE 'train' END" },
      attributes: {
        numbers: ['recency', 'history', 'mens', 'womens', 'newbie', 'conversion', 'spend'],
        categories: ['zip_code', 'channel', 'segment'],
      },
    },
  },
  tasks: {
    womens: {
      kind: 'uplift',
      source: 'mails',
      arm: 'segment',
      treated: ['Womens E-Mail'],
      control: ['No E-Mail'],
      exclude: ['conversion', 'spend'],
      least: 0.05,
    },
  },
  training: { threads: 1 },
};
const rows = trialRows(4400, { seed: 'mails', strength: 1.5 });

async function runOf(csv: string, settings = config): Promise<[Workspace, Night]> {
  const shop = await openShop(settings);
  await shop.store.put('drop/mails/mails.csv', csv);
  return [shop, await night(shop, null)];
}

async function exported({ store }: Workspace): Promise<Record<string, string>[]> {
  const { files } = (await readJson<ExportManifest>(store, 'exports/current/manifest.json'))!;
  const { key } = files.find(({ format, table }) => format === 'csv.gz' && table === 'table-womens')!;
  const [head, ...lines] = gunzipSync((await getBytes(store, key))!)
    .toString()
    .trim()
    .split('\n');
  const names = head!.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i]!, cell])));
}

describe('the uplift of a mailing with three arms', { timeout: SLOW }, () => {
  let shop: Workspace;
  let result: Night;

  beforeAll(async () => {
    [shop, result] = await runOf(trialCsv(rows));
  }, SLOW);

  it('is told for every row, and follows the effects that the rows were made with', async () => {
    const table = await exported(shop);
    expect(Object.keys(table[0]!).slice(0, 9)).toEqual([
      ...['row_id', 'as_of_day', 'control', 'womens_uplift', 'womens_control', 'womens_treated'],
      ...['womens_persuadable', 'womens_decile', 'womens_rank'],
    ]);
    expect(table).toHaveLength(rows.length);
    const byDecile = new Map<string, number[]>();
    for (const line of table) {
      const { effect } = rows[Number(line.row_id)]!;
      byDecile.set(line.womens_decile!, [...(byDecile.get(line.womens_decile!) ?? []), effect.womens]);
      expect(line.womens_persuadable).toBe(String(Number(line.womens_uplift) > 0.05));
      const difference = Number(line.womens_treated) - Number(line.womens_control);
      const bounded = [line.womens_treated, line.womens_control].some((one) => one === '0' || one === '1');
      if (!bounded) expect(difference).toBeCloseTo(Number(line.womens_uplift), 4);
    }
    const mean = (decile: string) =>
      byDecile.get(decile)!.reduce((sum, one) => sum + one, 0) / byDecile.get(decile)!.length;
    // Effects are 0.018 to 0.288; 0.13 in the mean.
    expect(mean('1')).toBeGreaterThan(0.22);
    expect(mean('10')).toBeLessThan(0.08);
  });

  it('is compared on test rows with intervals, and the report shows curve, tenths and arms', async () => {
    const { outcomes, report } = await evaluateRun({
      ...{ store: shop.store, runId: result.runId, drops: await dropsOf(shop) },
      ...{ seconds: {}, tasks: ['womens'], now: () => new Date(0) },
    });
    const metrics = metricsOf(outcomes.womens!) as { n: number; qiniLow: number; effectLow: number };
    const compared = rows.filter(({ segment }, i) => i % 4 === 0 && segment !== ARMS[0]);
    expect(metrics.n).toBe(compared.length);
    expect(metrics.qiniLow).toBeGreaterThan(0);
    expect(metrics.effectLow).toBeGreaterThan(0);
    const [task] = report.models[0]!.tasks;
    expect(task).toMatchObject({ kind: 'uplift', ranked: rows.length, treated: ['Womens E-Mail'] });
    const bytes = await getBytes(shop.store, `runs/${result.runId}/report.html`);
    const page = Buffer.from(bytes!).toString();
    for (const text of ['Uplift by decile', 'Qini curve', 'Who was compared', 'where chance has 0.5']) {
      expect(page).toContain(text);
    }
    const others = rows.filter(({ segment }, i) => i % 4 !== 0 && segment === ARMS[0]).length;
    expect(page).toContain(
      `${others} training rows: of arm &quot;Mens E-Mail&quot;, which the task does not name`,
    );
  });

  it('learns nothing from test rows, nor from columns that are excluded', async () => {
    // given: other outcomes and features of test rows, and other values of what is excluded
    const spoilt = rows.map((row, i) =>
      i % 4 === 0 ? { ...row, visit: 1 - row.visit, history: 9999, channel: `c${i}` } : { ...row, spend: i },
    );
    const [, again] = await runOf(trialCsv(spoilt));
    // then
    expect(again.models).toEqual(result.models);
  });

  it('is refused where users were chosen for the mail', async () => {
    const chosen = trialRows(3000, { seed: 'chosen', chosen: true });
    const workspace = await openShop(config);
    await workspace.store.put('drop/mails/mails.csv', trialCsv(chosen));
    await expect(night(workspace, null)).rejects.toThrow(
      /womens.*the arms were not put together by chance: the features tell who was treated/,
    );
  });

  it('names the arms that there are where one is wrong', async () => {
    const tasks = { womens: { ...config.tasks!.womens!, treated: ['Ladies'] } } as ConfigInput['tasks'];
    const workspace = await openShop({ ...config, tasks });
    await workspace.store.put('drop/mails/mails.csv', trialCsv(rows.slice(0, 900)));
    await expect(night(workspace, null)).rejects.toThrow(
      /no row's segment is "Ladies"; there are "[^"]+" \(\d+ rows\), .*: correct tasks\.womens\.treated/,
    );
  });
});
