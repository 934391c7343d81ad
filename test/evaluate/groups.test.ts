import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { createPseudonyms } from '../../lib/data/index.ts';
import { groupReports } from '../../lib/evaluate/groups.ts';
import type { BinaryOutcomes } from '../../lib/models/index.ts';
import { fairnessSection, warningsOf } from '../../lib/report/sections/fairness.ts';
import { planRun } from '../../lib/run/index.ts';
import { dropAll, KEY, openShop, SLOW } from '../e2e/nights.ts';
import { AS_OF, file, shopConfig, shopLog } from '../e2e/shop.ts';
import { sampleReport } from '../report/sample.ts';

const defaults = shopConfig();
const config = shopConfig({
  sources: {
    ...defaults.sources,
    customers: {
      format: 'csv',
      table: 'users',
      columns: { user: 'customer', valid_from: 'since' },
      attributes: { categories: ['region'] },
    },
  },
  fairness: { attributes: ['region'], bound: 0.1 },
});
/** 100 in the north, 60 in the south, 10 in the west, 30 of whom nothing is said; all of the north move after the as-of day. */
const regionOf = (i: number) => (i < 100 ? 'north' : i < 160 ? 'south' : i < 170 ? 'west' : undefined);
const users = Array.from({ length: 200 }, (_, i) => i);

describe('groups of users', { timeout: SLOW }, () => {
  it('are those of the as-of day, each with its own measures and warnings', async () => {
    // given
    const workspace = await openShop(config);
    const past = shopLog(20).filter(({ day }) => day < AS_OF);
    await dropAll(workspace, [['all.csv', file(past)]]);
    const lines = users.flatMap((i) => {
      const region = regionOf(i);
      if (!region) return [];
      return [`C-${i},2025-01-01,${region}`, ...(region === 'north' ? [`C-${i},2025-03-20,south`] : [])];
    });
    await workspace.store.put('drop/customers/all.csv', `customer,since,region\n${lines.join('\n')}\n`);
    const drops = await workspace.ingest(() => {});
    const { manifest } = await planRun({ ...workspace, drops, purpose: 'backtest', asOf: AS_OF });
    // and scores that are right in the north and far too high in the south, whose users are never first
    const pseudonyms = createPseudonyms(KEY);
    const own: BinaryOutcomes = { kind: 'binary', ids: [], labels: [], probabilities: [] };
    for (const i of users) {
      own.ids.push(pseudonyms.seal(`C-${i}`));
      own.labels.push(i % 2);
      const north = regionOf(i) === 'north';
      own.probabilities.push(north ? 0.4 + 0.2 * (i % 2) + i / 1e4 : 0.7 - i / 1e3 + 0.001 * (i % 2));
    }
    own.probabilities.forEach((p, i) => {
      if (regionOf(i) === 'north' && i < 40 && i % 2 === 1) own.probabilities[i] = p + 0.3;
    });
    // when
    const [report, ...rest] = await groupReports(workspace.store, manifest, { purchase: own });
    // then
    expect(rest).toEqual([]);
    expect(report).toMatchObject({ attribute: 'region', task: 'purchase', bound: 0.1 });
    expect(report!.groups.map(({ group, n, baseRate }) => [group, n, baseRate])).toEqual([
      ['north', 100, 0.5],
      ['south', 60, 0.5],
    ]);
    const [north, south] = report!.groups;
    expect(north!.auroc).toBe(1);
    expect(north!.chosen).toBeCloseTo(0.2, 12);
    expect(south!.chosen).toBe(0);
    expect(warningsOf(report!)).toEqual([
      'purchase, region south: 0.0\u00a0% of the group are in the first tenth, where its base rate lets expect 12.5\u00a0%.',
    ]);
    const higher = { ...report!, bound: 0.05 };
    expect(warningsOf(higher)[0]).toMatch(
      /^purchase, region north: the mean probability is .* too high by more than 5/,
    );
    // and the page tells it
    const page = fairnessSection({ ...sampleReport(), groups: [report!] });
    const text =
      parseHTML(`<!doctype html><html><body>${page ? page.markup : ''}</body></html>`).document.body
        .textContent ?? '';
    expect(text).toContain('region south');
    expect(text).toContain('In the first tenth');
  });

  it('need an attribute of users', async () => {
    await expect(openShop({ ...config, fairness: { attributes: ['tier'] } })).rejects.toThrow(
      /fairness\.attributes.*category attribute of a source whose table is "users" \(there are: "region"\)/s,
    );
  });
});
