import { expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { createPseudonyms, decodeArrow, parseDay } from '../../lib/data/index.ts';
import { AT } from '../../lib/features/index.ts';
import {
  buildManifest,
  dayInputs,
  identityCounts,
  listDrops,
  openIds,
  openUsers,
  planShard,
  type RunManifest,
} from '../../lib/run/index.ts';
import { ingest, openShop, type Shop } from './kit.ts';

const AS_OF = '2025-01-15';
const sources: ConfigInput['sources'] = {
  log: { format: 'csv', table: 'events', columns: { user: 'customer', time: '"at"', type: 'what' } },
  logins: {
    format: 'csv',
    table: 'identities',
    columns: { anonymous: 'cookie', user: 'customer', time: '"at"' },
  },
};

const LOG = `customer,at,what
anna,2025-01-02 12:00:00,purchase
phone,2025-01-03 12:00:00,view
phone,2025-01-05 12:00:00,view
anna,2025-01-10 12:00:00,purchase
tablet,2025-01-04 12:00:00,view
bob,2025-01-04 12:00:00,purchase
kiosk,2025-01-06 12:00:00,view
old,2025-01-07 12:00:00,view
new,2025-01-08 12:00:00,view
`;
/** phone: anna's from the 6th on. tablet: bob's, but only from the 15th on. kiosk: two customers'. old: a chain to bob. */
const LOGINS = `cookie,customer,at
phone,anna,2025-01-05 18:00:00
tablet,bob,2025-01-15 00:30:00
kiosk,anna,2025-01-08 12:00:00
kiosk,bob,2025-01-09 12:00:00
old,new,2025-01-09 12:00:00
new,bob,2025-01-11 12:00:00
`;

async function shopWith(logins?: string): Promise<Shop> {
  const shop = await openShop({ sources });
  await shop.store.put('drop/log/a.csv', LOG);
  if (logins) await shop.store.put('drop/logins/a.csv', logins);
  await ingest(shop);
  return shop;
}

async function manifestOf({ store, config }: Shop, asOf = AS_OF, snapshot: RunManifest['snapshot'] = null) {
  const drops = await listDrops(store, config);
  return buildManifest({ purpose: 'night', groups: [], champions: {}, config, asOf, drops, snapshot });
}

const pseudonyms = createPseudonyms(new Uint8Array(64).fill(5));

/** Users that are scored, with the lines of their states. */
async function scored({ store }: Shop, manifest: RunManifest): Promise<string[]> {
  const users = openUsers(store, manifest);
  const day = parseDay(manifest.asOf!);
  const found: string[] = [];
  for (const shard of users.shards) {
    for (const { user, state, advance } of await users.read(
      shard,
      day,
      await planShard(store, manifest, shard),
    )) {
      advance(day);
      let lines = 0;
      for (let type = 0; type < 9; type++) lines += state.get(type, AT.lines);
      found.push(`${pseudonyms.open(user)} ${lines}`);
    }
  }
  return found.sort();
}

it('a night knows the links before its day: chains end, two customers join nobody, a later link says nothing', async () => {
  const shop = await shopWith(LOGINS);
  const manifest = await manifestOf(shop);
  expect(await scored(shop, manifest)).toEqual(['anna 4', 'bob 3', 'kiosk 1', 'tablet 1']);
  expect(await identityCounts(shop.store, manifest)).toEqual({
    joined: 3,
    users: 2,
    refused: { 'several users': 1 },
  });
  // A day later the tablet is known to be bob's, too
  expect(await scored(shop, await manifestOf(shop, '2025-01-16'))).toEqual(['anna 4', 'bob 4', 'kiosk 1']);
});

it('the links that are refused are kept with their reason', async () => {
  const shop = await shopWith(LOGINS);
  await scored(shop, await manifestOf(shop));
  const keys: string[] = [];
  for await (const { key } of shop.store.list('versions/identities/'))
    if (key.endsWith('refused.arrow')) keys.push(key);
  expect(keys).toHaveLength(1);
  const [batch] = decodeArrow(await (await shop.store.get(keys[0]!)).bytes()).batches;
  const row = { ...batch!.get(0)!.toJSON() };
  expect([pseudonyms.open(String(row.user)), row.since, row.why]).toEqual([
    'kiosk',
    parseDay('2025-01-10'),
    'several users',
  ]);
});

it('training sees a device as an id of its own until the day of its link, and as nobody from then on', async () => {
  const shop = await shopWith(LOGINS);
  const manifest = await manifestOf(shop);
  const users = openUsers(shop.store, manifest);
  const linesAt: Record<string, number[]> = {};
  const outcomes: Record<string, number> = {};
  for (const shard of users.shards) {
    for (const user of await users.read(shard, parseDay(AS_OF))) {
      const name = pseudonyms.open(user.user);
      outcomes[name] = user.outcomes.length;
      linesAt[name] = ['2025-01-05', '2025-01-06', '2025-01-11'].map((day) => {
        user.advance(parseDay(day));
        return [0, 1, 2, 3, 4, 5, 6, 7, 8].reduce((sum, type) => sum + user.state.get(type, AT.lines), 0);
      });
    }
  }
  expect(linesAt.anna).toEqual([1, 3, 4]);
  expect(linesAt.phone).toEqual([1, 0, 0]);
  // What anna bought on the 10th, within a week of the link, is an outcome of the phone that was unknown before
  expect(outcomes.phone).toBe(3);
  // While the second customer was not known, the kiosk was anna's
  expect(linesAt.kiosk).toEqual([0, 0, 1]);
  expect(outcomes.tablet).toBe(1);
});

it('links that concern nobody change nothing; without the drop all is as before', async () => {
  const plain = await shopWith();
  const shop = await shopWith(
    'cookie,customer,at\ndesk,anna,2025-01-05 18:00:00\ntablet,bob,2025-01-20 10:00:00\n',
  );
  const before = await scored(plain, await manifestOf(plain));
  expect(await scored(shop, await manifestOf(shop))).toEqual(before);
  // Sums over all ids never ask
  const manifest = await manifestOf(shop);
  let lines = 0;
  const ids = openIds(shop.store, manifest);
  for (const shard of ids.shards) {
    for (const { days } of await ids.read(shard, parseDay(AS_OF))) {
      for (const { start, end } of days) lines += end - start;
    }
  }
  expect(lines).toBe(9);
  // A manifest without such drops is the one of a version without the table
  const { inputs } = await manifestOf(plain);
  expect(Object.keys(inputs)).toEqual(['events', 'items', 'users', 'labels']);
});

it('a snapshot names the drops of identities, so that taking one away folds anew', async () => {
  const manifest = await manifestOf(await shopWith(LOGINS));
  const { dropId } = manifest.inputs.identities![0]!;
  expect(dayInputs(manifest).map((input) => [input.dropId === dropId, input.minDay === undefined])).toEqual([
    [false, false],
    [true, true],
  ]);
});
