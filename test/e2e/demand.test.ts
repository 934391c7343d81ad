import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { planRun } from '../../lib/run/index.ts';
import { dropAll, exportName, finish, hashOf, openShop, SLOW } from './nights.ts';
import { AS_OF, shopConfig, shopLog, weekly } from './shop.ts';

const log = shopLog();
const past = log.filter(({ day }) => day < AS_OF);

const config: ConfigInput = shopConfig({
  tasks: {
    week: { kind: 'demand', horizonDays: 7 },
    views: { kind: 'demand', event: 'view', horizonDays: 7 },
  },
});

/** A night of demand alone: no users, no shards. @returns hashes of what it left, by name */
async function night(shop: Workspace) {
  const { store } = shop;
  const drops = await shop.ingest(() => {});
  const run = await planRun({ store, config: shop.config, drops, purpose: 'night', asOf: AS_OF });
  await finish(shop, run);
  const left: Record<string, string> = {};
  const exported: string[] = [];
  for (const prefix of ['models/', 'exports/']) {
    for await (const { key } of store.list(prefix)) {
      if (key.startsWith('exports/') && !key.endsWith('.json')) exported.push(key);
      if (/champion.json$|current.json$|^models.*\/versions\/|^exports.*manifest/.test(key)) continue;
      const name = key.startsWith('exports/') ? exportName(key) : key;
      left[name] = await hashOf(store, key);
    }
  }
  return { run, drops, left, exported };
}

describe('a night of demand', { timeout: SLOW }, () => {
  it('exports one table of items, the same whatever the delivery and whatever comes later', async () => {
    // given
    const shop = await openShop(config);
    await dropAll(shop, weekly(past));
    const other = await openShop(config);
    await dropAll(other, [...weekly(log)].reverse());
    // when
    const { left, exported, run } = await night(shop);
    // then
    expect(Object.keys(left).filter((name) => name.includes('demand') && !name.startsWith('models'))).toEqual(
      ['demand/csv/demand.csv.gz', 'demand/parquet/demand.parquet'],
    );
    const key = exported.find((name) => name.endsWith('.csv.gz'))!;
    const [head, ...rows] = gunzipSync(await (await shop.store.get(key)).bytes())
      .toString()
      .trimEnd()
      .split('\n');
    const parts = (task: string) => ['units', 'low', 'high', 'stockout'].map((part) => `${task}_${part}`);
    expect(head).toBe(['item', 'as_of_day', ...parts('views'), ...parts('week'), 'model_version'].join(','));
    const names = rows.map((row) => row.split(',')[0]!);
    expect(names).toEqual([...names].sort());
    expect(names).toHaveLength(12);
    for (const row of rows) {
      const [, day, units, low, high, stockout] = row.split(',');
      expect(day).toBe(AS_OF);
      expect(Number(units)).toBeGreaterThan(0);
      expect(Number(low)).toBeLessThan(Number(high));
      expect(stockout).toBe('');
    }
    // and the other shop, which knows what came later, says the same
    const again = await night(other);
    expect(again.left).toEqual(left);
    // and tells how near it was, on its page, too
    const { outcomes, report } = await evaluateRun({
      ...{ store: other.store, runId: again.run.runId, drops: again.drops, seconds: {} },
      now: () => new Date(0),
    });
    expect(Object.keys(outcomes).sort()).toEqual(['views', 'week']);
    const page = await (await other.store.get(`runs/${again.run.runId}/report.html`)).bytes();
    const text = Buffer.from(page).toString();
    expect(text).toContain('units of <b>12 items</b> are expected');
    expect(text).toContain('80 % intervals that held');
    expect(report.models[0]!.tasks.map(({ kind }) => kind)).toEqual(['demand', 'demand']);
    expect(run.manifest.groups.map(({ kind }) => kind)).toEqual(['demand']);
  });
});
