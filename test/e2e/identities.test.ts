import { beforeAll, describe, expect, it } from 'vitest';
import { createPseudonyms } from '../../lib/data/index.ts';
import { identityCounts, planRun } from '../../lib/run/index.ts';
import { ALL } from '../all.ts';
import { dropAll, finish, KEY, lookAt, type Night, night, openShop, SLOW } from './nights.ts';
import { AS_OF, HEADER, shopConfig, shopLog, weekly } from './shop.ts';

const past = shopLog(50).filter(({ day }) => day < AS_OF);
const { tasks, ...defaults } = shopConfig();
const plain = { ...defaults, tasks: { purchase: tasks.purchase!, preference: tasks.preference! } };
const config = {
  ...plain,
  sources: {
    ...plain.sources,
    logins: {
      format: 'csv' as const,
      table: 'identities' as const,
      columns: { anonymous: 'cookie', user: 'customer', time: '"at"' },
    },
  },
};
const HEAD = 'cookie,customer,at\n';
const visits = `${HEADER}\n${['phone', 'tablet', 'kiosk']
  .flatMap((id) => [1, 2, 3].map((day) => `${id},2025-03-0${day} 15:00:00,view,sku-${day},1,,`))
  .join('\n')}\n`;
/** The phone is C-1's before the night, the tablet C-2's only on its day; the kiosk has two customers. */
const LOGINS = `${HEAD}phone,C-1,2025-03-09 15:00:00
tablet,C-2,2025-03-12 15:00:00
kiosk,C-1,2025-03-08 15:00:00
kiosk,C-2,2025-03-09 15:00:00
`;

const pseudonyms = createPseudonyms(KEY);
const usersOf = ({ scores }: Night) =>
  new Set(scores.flatMap(({ users }) => users.map((user) => pseudonyms.open(user))));

async function shopWith(logins?: string) {
  const shop = await openShop(config);
  await dropAll(shop, [...weekly(past), ['visits.csv', visits]]);
  if (logins) await shop.store.put('drop/logins/a.csv', logins);
  return shop;
}

let reference: Night;

beforeAll(async () => {
  // The source is there, and nothing was dropped for it: models are named by the sources.
  reference = await night(await shopWith(), AS_OF);
}, SLOW);

describe('a night with links of identities', { timeout: SLOW }, () => {
  it('exports the same bytes where links change nothing', async () => {
    const shop = await shopWith(`${HEAD}desk,C-1,2025-03-09 15:00:00\ntablet,C-2,2025-03-12 15:00:00\n`);
    const own = await night(shop, AS_OF);
    expect(await identityCounts(shop.store, own.manifest)).toEqual({ joined: 1, users: 1, refused: {} });
    expect(own.scores).toEqual(reference.scores);
    expect(own.exports).toEqual(reference.exports);
  });

  it.runIf(ALL)('has no row of a device that is a customer’s, one of those that are not', async () => {
    const shop = await shopWith(LOGINS);
    const own = await night(shop, AS_OF);
    const [before, after] = [usersOf(reference), usersOf(own)];
    expect([...before].filter((user) => !after.has(user))).toEqual(['phone']);
    expect(['tablet', 'kiosk', 'C-1', 'C-2'].every((user) => after.has(user))).toBe(true);
    expect(own.exports).not.toEqual(reference.exports);
    // taken back, the next night that trains is as without
    await shop.store.put('drop/logins/a.csv', `${HEAD}desk,C-9,2025-03-09 15:00:00\n`);
    const { store, config: settings } = shop;
    const drops = await shop.ingest(() => {});
    const planned = { store, config: settings, drops, purpose: 'night', asOf: AS_OF, retrain: true } as const;
    const run = await planRun(planned);
    await finish(shop, run);
    const again = await lookAt(store, run);
    expect(again.scores).toEqual(reference.scores);
    expect(again.exports).toEqual(reference.exports);
  });
});
