import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../lib/config/index.ts';
import { FAMILIES } from '../../../lib/models/index.ts';
import { openUsers, planRun } from '../../../lib/run/index.ts';
import { dropAll, openShop, SLOW } from '../../e2e/nights.ts';
import { AS_OF, file, shopConfig, shopLog } from '../../e2e/shop.ts';

const past = shopLog(60).filter(({ day }) => day < AS_OF);
const defaults = shopConfig();

/** What is said of a value task before anything is trained. */
async function checked(
  task: ConfigInput['tasks'][string],
  sources: ConfigInput['sources'] = defaults.sources,
) {
  const workspace = await openShop({ ...defaults, sources, tasks: { worth: task } });
  await dropAll(workspace, [['all.csv', file(past)]]);
  const drops = await workspace.ingest(() => {});
  const { manifest } = await planRun({ ...workspace, drops, purpose: 'night', asOf: AS_OF });
  const { store } = workspace;
  const [group] = manifest.groups;
  const family = FAMILIES[group!.kind];
  return family.check({ store, manifest, group: group!, users: async () => openUsers(store, manifest) });
}

describe('a value task is left out, with the reason', { timeout: SLOW }, () => {
  it('where no event has a price', async () => {
    const { price: _, ...columns } = (defaults.sources.log as { columns: Record<string, string> }).columns;
    const sources = { log: { ...defaults.sources.log, columns } } as unknown as ConfigInput['sources'];
    const { tasks, leftOut } = await checked({ kind: 'value', horizonDays: 5 }, sources);
    expect(tasks).toEqual([]);
    expect(leftOut[0]!.why).toMatch(/came to something for 0 users .* map the price if none is/);
    expect(await checked({ kind: 'value', of: 'orders', horizonDays: 5 }, sources)).toMatchObject({
      tasks: ['worth'],
      leftOut: [],
    });
  });

  it('of prospects where no window has passed: the customer base says nothing of them', async () => {
    const { tasks, leftOut } = await checked({ kind: 'value', horizonDays: 365, population: 'prospects' });
    expect(tasks).toEqual([]);
    expect(leftOut[0]!.why).toMatch(
      /for 0 users and to nothing for 0; at least 10 of each are needed: drop older/,
    );
    const buyers = await checked({ kind: 'value', horizonDays: 365 });
    expect(buyers.tasks).toEqual(['worth']);
    expect(buyers.warnings[0]!.why).toContain('the customer base');
  });
});
