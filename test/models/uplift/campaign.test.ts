import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../../bin/workspace.ts';
import type { ConfigInput } from '../../../lib/config/index.ts';
import { formatDay, parseDay, sha256 } from '../../../lib/data/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { evaluateRun } from '../../../lib/evaluate/index.ts';
import type { ExportManifest } from '../../../lib/export/index.ts';
import { type CampaignRows, campaignRows } from '../../../lib/models/uplift/campaign-rows.ts';
import { openUsers, planRun } from '../../../lib/run/index.ts';
import { getBytes, readJson } from '../../../lib/runtime/index.ts';
import { dropsOf, type Night, night, openShop, SLOW } from '../../e2e/nights.ts';

const FIRST = parseDay('2026-01-01');
const SPRING = FIRST + 40;
const SUMMER = FIRST + 60;
const HORIZON = 10;
const USERS = 900;

const config: ConfigInput = {
  shop: { name: 'Shop', timeZone: 'UTC', currency: 'EUR' },
  sources: {
    log: {
      format: 'csv',
      table: 'events',
      columns: { user: 'user', time: 'time', type: 'type', item: 'item', price: 'price', quantity: '1' },
    },
    people: { format: 'csv', table: 'users', columns: { user: 'user', email: 'email' } },
    campaigns: {
      format: 'csv',
      table: 'treatments',
      columns: { user: 'user', campaign: 'campaign', arm: 'arm', time: 'time' },
    },
  },
  tasks: {
    mailed: {
      kind: 'uplift',
      campaigns: ['spring', 'summer'],
      treated: ['mail'],
      horizonDays: HORIZON,
      least: 0.1,
    },
  },
  training: { threads: 1 },
  shards: 2,
};

/** Carts before tell who is moved by a mail. */
const hasCart = (user: number) => user % 2 === 0;
const isTreated = (campaign: string, user: number) => createRng(`${campaign} ${user}`).uniform() < 0.5;

interface Line {
  readonly user: number;
  readonly day: number;
  readonly clock: string;
  readonly type: string;
}

function eventLog(): Line[] {
  const rng = createRng('log');
  const lines: Line[] = [];
  for (let user = 0; user < USERS; user++) {
    for (let visit = 0; visit < 4; visit++) {
      const day = FIRST + Math.floor(rng.uniform() * 39);
      lines.push({ user, day, clock: '08:00', type: visit === 0 && hasCart(user) ? 'cart' : 'view' });
    }
    for (const [campaign, day] of [['spring', SPRING] as const, ['summer', SUMMER] as const]) {
      const chance = 0.1 + (isTreated(campaign, user) && hasCart(user) ? 0.5 : 0);
      if (rng.uniform() >= chance) continue;
      lines.push({ user, day: day + 1 + Math.floor(rng.uniform() * 8), clock: '15:00', type: 'purchase' });
    }
  }
  // The shop is open to the end.
  lines.push({ user: 0, day: SUMMER + HORIZON + 3, clock: '09:00', type: 'view' });
  return lines;
}

const csv = (lines: readonly Line[]) =>
  [
    'user,time,type,item,price',
    ...lines.map(
      ({ user, day, clock, type }) =>
        `u${user},${formatDay(day)} ${clock},${type},i1,${type === 'purchase' ? 20 : 0}`,
    ),
    '',
  ].join('\n');

function treatments(): string {
  const rows = [['spring', SPRING] as const, ['summer', SUMMER] as const].flatMap(([campaign, day]) =>
    Array.from(
      { length: USERS },
      (_, user) =>
        `u${user},${campaign},${isTreated(campaign, user) ? 'mail' : 'control'},${formatDay(day)} 10:00`,
    ),
  );
  return ['user,campaign,arm,time', ...rows, ''].join('\n');
}

async function shopOf(lines: readonly Line[]): Promise<Workspace> {
  const shop = await openShop(config);
  await shop.store.put('drop/log/all.csv', csv(lines));
  await shop.store.put('drop/campaigns/all.csv', treatments());
  const people = Array.from({ length: USERS }, (_, user) => `u${user},u${user}@example.com`);
  await shop.store.put('drop/people/all.csv', ['user,email', ...people, ''].join('\n'));
  return shop;
}

async function rowsOf(shop: Workspace, asOf: number): Promise<CampaignRows> {
  const { store } = shop;
  const drops = await shop.ingest(() => {});
  const { manifest } = await planRun({
    ...{ store, config: shop.config, drops, purpose: 'night', asOf: formatDay(asOf) },
  });
  const [group] = manifest.groups;
  return campaignRows({ store, manifest, group: group!, users: async () => openUsers(store, manifest) });
}

describe('the rows of campaigns', { timeout: SLOW }, () => {
  it('know nothing from the day of the treatment on, and outcomes nothing from before it or from behind the window', async () => {
    // given: the log, and the same with a future of every type planted
    const log = eventLog();
    const planted = log.flatMap((line) => {
      const { user } = line;
      const future: Line[] = [
        // On the day of the treatment, but before it: neither known nor counted.
        { user, day: SPRING, clock: '09:59', type: 'purchase' },
        { user, day: SPRING, clock: '12:00', type: 'cart' },
        { user, day: SPRING + 3, clock: '12:00', type: 'view' },
        { user, day: SPRING + HORIZON, clock: '00:01', type: 'purchase' },
      ];
      return [line, ...future];
    });
    // when
    const [plain, spoilt] = [
      await rowsOf(await shopOf(log), SPRING + HORIZON),
      await rowsOf(await shopOf(planted), SPRING + HORIZON),
    ];
    // then
    expect(plain.material.table.rows).toBe(USERS);
    expect(spoilt.material.features).toEqual(plain.material.features);
    expect(spoilt.material.table.treated).toEqual(plain.material.table.treated);
    expect(spoilt.material.table.outcomes).toEqual(plain.material.table.outcomes);
  });

  it('are of windows that are over, and the others are counted', async () => {
    const shop = await shopOf(eventLog());
    const { material, leftOut } = await rowsOf(shop, SUMMER + 5);
    expect(material.table.rows).toBe(USERS);
    expect(leftOut).toEqual([{ rows: USERS, why: 'their window is not over' }]);
    const all = await rowsOf(shop, SUMMER + HORIZON);
    expect(all.material.table.rows).toBe(2 * USERS);
    expect(all.leftOut).toEqual([]);
  });
});

describe('the uplift of campaigns', { timeout: SLOW }, () => {
  let shop: Workspace;
  let result: Night;

  beforeAll(async () => {
    shop = await shopOf(eventLog());
    result = await night(shop, formatDay(SUMMER));
  }, SLOW);

  it('is told for everybody who is known, and those who are moved come first', async () => {
    const { files } = (await readJson<ExportManifest>(shop.store, 'exports/current/manifest.json'))!;
    const { key } = files.find(({ format, table }) => format === 'csv.gz' && table === 'users')!;
    const [head, ...lines] = gunzipSync((await getBytes(shop.store, key))!)
      .toString()
      .trim()
      .split('\n');
    const column = (name: string) => head!.split(',').indexOf(name);
    const told = lines.map((line) => line.split(','));
    expect(told).toHaveLength(USERS);
    const first = told.filter((cells) => Number(cells[column('mailed_decile')]) <= 4);
    const carts = first.filter((cells) => hasCart(Number(cells[0]!.slice(1)))).length;
    expect(carts / first.length).toBeGreaterThan(0.9);
    // And: audiences hold the persuadable alone, best first, without the control group
    const persuadable = told.filter(
      (cells) => cells[column('mailed_persuadable')] === 'true' && cells[column('control')] === 'false',
    );
    const audience = files.find((file) => file.table === 'audiences' && file.format === 'csv.gz')!;
    const [, ...hashes] = gunzipSync((await getBytes(shop.store, audience.key))!)
      .toString()
      .trim()
      .split('\n');
    const wanted = persuadable
      .sort((a, b) => Number(a[column('mailed_rank')]) - Number(b[column('mailed_rank')]))
      .map((cells) => sha256(`${cells[0]}@example.com`));
    expect(hashes.map((line) => line.split(',')[0])).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(300);
    expect(wanted.length).toBeLessThan(600);
  });

  it('is compared with those who were treated on the as-of day', async () => {
    const { outcomes, report } = await evaluateRun({
      ...{ store: shop.store, runId: result.runId, drops: await dropsOf(shop) },
      ...{ seconds: {}, tasks: ['mailed'], now: () => new Date(0) },
    });
    expect(outcomes.mailed!.ids).toHaveLength(USERS);
    const [task] = report.models[0]!.tasks;
    if (task?.kind !== 'uplift') throw new Error('expected a task of a treatment');
    expect(task.evaluation!.intervals.qini![0]).toBeGreaterThan(0);
    expect(task.evaluation!.effect).toBeGreaterThan(0.15);
    expect(task.description).toBe(
      'By how much does being treated by "mail" raise the chance of an event "purchase" within 10 days, against "control"?',
    );
  });
});
