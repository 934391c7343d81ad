import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { planRun, replacedCounts } from '../../lib/run/index.ts';
import { readJson } from '../../lib/runtime/index.ts';
import { ALL } from '../all.ts';
import { finish, lookAt, type Night, night, openShop, SLOW } from './nights.ts';
import { AS_OF, file, HEADER, type Line, shopConfig, shopLog } from './shop.ts';

const log = shopLog(70);
const past = log.filter(({ day }) => day < AS_OF);
const defaults = shopConfig();

/** Baskets are events with a key: an order has several lines, and views have none. */
const config = (more: object = {}, features: object = {}): ConfigInput => ({
  ...defaults,
  features: { ...defaults.features, ...features },
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 5 },
    preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 5, k: 5 },
  },
  sources: { log: { ...defaults.sources.log!, key: ['basket'], ...more } as ConfigInput['sources'][string] },
});

const basketOf = ({ text }: Line) => text.split(',')[6]!;
const fields = ({ text }: Line) => text.split(',');
const withField = (line: Line, field: number, value: string): Line => ({
  ...line,
  text: fields(line)
    .map((old, i) => (i === field ? value : old))
    .join(','),
});

/** Lines of no customer are quarantined: they say nothing of an order, and replace nothing. */
const isOrder = (line: Line) => basketOf(line) !== '' && fields(line)[0] !== '';
const baskets = new Map<string, Line[]>();
for (const line of past.filter(isOrder)) {
  baskets.set(basketOf(line), [...(baskets.get(basketOf(line)) ?? []), line]);
}
const orders = [...baskets.keys()].sort();
const views = past.filter((line) => !isOrder(line));

/** An earlier tale of an order: another status, day, user, price or item; a line more, or none of its second half. */
function earlier(order: string, salt: string): Line[] {
  const lines = baskets.get(order)!;
  const rng = createRng(`${salt} ${order}`);
  const otherCustomer = `"C-${rng.integer(70)}"`;
  const dayBack = (line: Line): Line => {
    const time = Math.max(line.time - 86_400_000 * (1 + rng.integer(3)), past[0]!.time);
    return withField({ ...line, time }, 1, new Date(time).toISOString().slice(0, 19).replace('T', ' '));
  };
  const changes: ((line: Line) => Line)[] = [
    (line) => withField(line, 2, 'cart'),
    (line) => withField(line, 0, otherCustomer),
    dayBack,
    (line) => withField(line, 3, `sku-${rng.integer(12)}`),
    (line) => withField(line, 5, '1234.56'),
    (line) => line,
  ];
  const changed = lines.map(changes[rng.integer(changes.length)]!);
  if (rng.uniform() < 0.3) changed.push(withField(changed[0]!, 3, 'sku-taken-off'));
  return rng.uniform() < 0.3 ? changed.slice(0, Math.ceil(changed.length / 2)) : changed;
}

const linesOf = (ids: readonly string[], tale: (order: string) => Line[]) => ids.flatMap(tale);
const final = (order: string) => baskets.get(order)!;
/** Cuts into parts, orders whole. */
const parts = <T>(values: readonly T[], count: number, salt: string): T[][] => {
  const rng = createRng(salt);
  const cut: T[][] = Array.from({ length: count }, () => []);
  for (const value of values) cut[rng.integer(count)]!.push(value);
  return cut;
};

/** Hours behind the last event. */
const at = (hours: number) => new Date(past.at(-1)!.time + hours * 3_600_000);

async function drop(workspace: Workspace, name: string, content: string, time: Date): Promise<void> {
  await workspace.store.put(`drop/log/${name}`, content);
  await utimes(join(workspace.root, 'drop/log', name), time, time);
}

async function dropAll(workspace: Workspace, files: [string, readonly Line[], number][]): Promise<void> {
  for (const [name, lines, hours] of files) await drop(workspace, name, file(lines), at(hours));
}

let shop: Workspace;
let reference: Night;

beforeAll(async () => {
  shop = await openShop(config());
  await dropAll(shop, [
    ['views.csv', views, 1],
    ['orders.csv', linesOf(orders, final), 1],
  ]);
  reference = await night(shop, AS_OF);
  expect(await replacedCounts(shop.store, reference.manifest)).toEqual({});
}, SLOW);

function expectSame(other: Night): void {
  expect(other.models).toEqual(reference.models);
  expect(other.scores).toEqual(reference.scores);
  expect(other.snapshots).toEqual(reference.snapshots);
  expect(other.exports).toEqual(reference.exports);
}

/** Rows of older versions, told once for each drop. */
async function replacedIn(workspace: Workspace, { manifest }: Night): Promise<number> {
  return (await replacedCounts(workspace.store, manifest)).log ?? 0;
}

describe('orders that are exported again end as if only their last version had ever come', {
  timeout: SLOW,
}, () => {
  const [some, others] = parts(orders, 2, 'some') as [string[], string[]];

  it.runIf(ALL)(
    'with another status, day, user, item, price or number of lines; three versions; drops in any order',
    async () => {
      // given: files whose names and arrival say nothing, only their times do
      const workspace = await openShop(config());
      const first = linesOf(orders, (order) => earlier(order, 'first'));
      const second = linesOf(some, (order) => earlier(order, 'second'));
      const [one, two] = parts(orders, 2, 'last') as [string[], string[]];
      await dropAll(workspace, [
        ['5.csv', linesOf(one, final), 9],
        ['4.csv', views, 9],
        ['9.csv', first, 2],
      ]);
      await workspace.ingest(() => {});
      await dropAll(workspace, [
        ['1.csv', linesOf(two, final), 7],
        ['7.csv', second, 4],
      ]);
      // when
      const other = await night(workspace, AS_OF);
      // then
      expectSame(other);
      expect(await replacedIn(workspace, other)).toBe(first.length + second.length);
    },
  );

  it.runIf(ALL)('by a column, whatever the times of the drops', async () => {
    // given: a column of changes before the time of the drop, and files of older versions that come last
    const changed = (lines: Line[], change: string) =>
      `${HEADER},changed\n${lines.map(({ text }) => `${text},${change}\n`).join('')}`;
    for (const newestBy of [['changed'], ['changed', 'drop']]) {
      const workspace = await openShop(config({ newestBy }));
      await drop(workspace, 'z.csv', changed(linesOf(orders, final), '2025-04-03 10:00:00'), at(1));
      await drop(
        workspace,
        'a.csv',
        changed(
          linesOf(some, (o) => earlier(o, 'x')),
          '2025-04-02 10:00:00',
        ),
        at(5),
      );
      await drop(
        workspace,
        'b.csv',
        changed(
          linesOf(others, (o) => earlier(o, 'y')),
          '',
        ),
        at(6),
      );
      await drop(workspace, 'v.csv', changed(views, ''), at(6));
      // when
      const other = await night(workspace, AS_OF);
      // then: models are named by their sources' settings, so only what they say can be compared
      expect(other.scores).toEqual(reference.scores);
      expect(other.snapshots).toEqual(reference.snapshots);
    }
  });

  it.runIf(ALL)(
    'split, delivered again under the same keys, copied under other ones, and with messages repeated',
    async () => {
      // given
      const workspace = await openShop(config());
      const old = file(linesOf(some, (order) => earlier(order, 'old')));
      await drop(workspace, 'old.csv', old, at(2));
      const cut = parts(orders, 4, 'cut');
      for (const [i, ids] of cut.entries())
        await dropAll(workspace, [[`new-${i}.csv`, linesOf(ids, final), 3 + i]]);
      await dropAll(workspace, [['views.csv', views, 3]]);
      const before = await night(workspace, AS_OF);
      expectSame(before);
      // when: the old file comes again later than all others, under its key and two others; a new one, too
      await drop(workspace, 'old.csv', old, at(40));
      await drop(workspace, 'new-1.csv', file(linesOf(cut[1]!, final)), at(41));
      // then: it is the same run
      const again = await planRun({
        store: workspace.store,
        config: workspace.config,
        drops: await workspace.ingest(() => {}),
        purpose: 'night',
        asOf: AS_OF,
        retrain: true,
      });
      expect(again.manifest.inputs).toEqual(before.manifest.inputs);
      await drop(workspace, '0-copy.csv', old, at(42));
      await drop(workspace, 'z-copy.csv', old, at(43));
      const copied = await night(workspace, AS_OF);
      expect(copied.manifest.copies).toHaveLength(2);
      expect(copied.scores).toEqual(reference.scores);
      expect(await replacedIn(workspace, copied)).toBe(await replacedIn(workspace, before));
    },
  );

  it('and a version planted on the as-of day or later changes nothing before it', async () => {
    // given
    const workspace = await openShop(config());
    await dropAll(workspace, [
      ['orders.csv', linesOf(orders, final), 1],
      ['views.csv', views, 1],
    ]);
    const asOf = Date.parse(`${AS_OF}T06:00:00Z`);
    const planted = linesOf(some, final).map((line, i) => {
      const time = new Date(asOf + i * 60_000).toISOString().slice(0, 19).replace('T', ' ');
      return withField(withField(line, 1, time), 2, 'return');
    });
    await dropAll(workspace, [['planted.csv', planted, 24 * 30]]);
    // when
    const other = await night(workspace, AS_OF);
    // then
    expectSame(other);
    expect(await replacedIn(workspace, other)).toBe(0);
  });

  it.runIf(ALL)(
    'on from the snapshot of the night before, where a file of that day changed older orders',
    async () => {
      // given: a night, and then a file that moves orders of days that its snapshot holds to the last day
      const before = '2025-03-11';
      const moved = new Set(
        orders.filter((_, i) => i % 40 === 0 && final(orders[i]!)[0]!.day < '2025-03-01'),
      );
      expect(moved.size).toBeGreaterThan(3);
      const last = past.filter(({ day }) => day === before);
      const noon = Date.parse(`${before}T16:00:00Z`);
      const changes = [...moved].flatMap((order) =>
        final(order).map((line) => {
          const time = new Date(noon).toISOString().slice(0, 19).replace('T', ' ');
          return withField(line, 1, time);
        }),
      );
      const settings = config({}, { lateDays: 2 });
      const rest = past.filter(({ day }) => day < before);
      const open = async () => {
        const workspace = await openShop({ ...settings, shards: 8 });
        await dropAll(workspace, [['past.csv', rest, 1]]);
        return workspace;
      };
      const goOn = async (workspace: Workspace) => {
        await dropAll(workspace, [
          ['last.csv', last, 2],
          ['changes.csv', changes, 3],
        ]);
        const { store, config: own } = workspace;
        const drops = await workspace.ingest(() => {});
        const run = await planRun({
          store,
          config: own,
          drops,
          purpose: 'night',
          asOf: AS_OF,
          retrain: true,
        });
        await finish(workspace, run);
        return { run, looked: await lookAt(store, run) };
      };
      const workspace = await open();
      await night(workspace, before);
      // when
      const own = await goOn(workspace);
      const scratch = await goOn(await open());
      // then: the snapshot was taken, and what it leads to is the same
      expect(own.run.manifest.snapshot?.day).toBeDefined();
      expect(scratch.run.manifest.snapshot).toBeNull();
      expect(own.looked.scores).toEqual(scratch.looked.scores);
      expect(own.looked.snapshots).toEqual(scratch.looked.snapshots);
      expect(own.looked.exports).toEqual(scratch.looked.exports);
      const stale: number[] = [];
      for await (const { key } of workspace.store.list('versions/')) {
        if (!key.endsWith('summary.json')) continue;
        stale.push((await readJson<{ stale: number[] }>(workspace.store, key))!.stale.length);
      }
      // One of them is of the first night, which had no snapshot; with the snapshot some shards go on and some do not.
      expect(Math.max(...stale)).toBeGreaterThan(0);
      expect(Math.max(...stale)).toBeLessThan(8);
      expect((await replacedCounts(workspace.store, own.run.manifest)).log).toBe(changes.length);
    },
  );
});

describe('orders that are cancelled later end as if they had never come', { timeout: SLOW }, () => {
  it.runIf(ALL)('also on from the snapshot of the night before, which holds them', async () => {
    // given: a night, and then the events of the last day and a file of cancelled orders alone
    const before = '2025-03-11';
    const gone = new Set(orders.filter((_, i) => i % 40 === 0 && final(orders[i]!)[0]!.day < '2025-03-01'));
    expect(gone.size).toBeGreaterThan(3);
    const cancelled = [...gone].flatMap((order) =>
      final(order).map((line) => withField(line, 2, 'cancelled')),
    );
    const settings = {
      ...config({ where: { kept: `what <> 'cancelled'` } }, { lateDays: 2 }),
      shards: 8,
    };
    const rest = past.filter(({ day }) => day < before);
    const last = past.filter(({ day }) => day === before);
    const open = async (lines: readonly Line[]) => {
      const workspace = await openShop(settings);
      await dropAll(workspace, [['past.csv', lines, 1]]);
      return workspace;
    };
    const goOn = async (workspace: Workspace, changes: readonly Line[]) => {
      await dropAll(workspace, [['last.csv', last, 2]]);
      if (changes.length > 0) await dropAll(workspace, [['changes.csv', changes, 3]]);
      const { store, config: own } = workspace;
      const drops = await workspace.ingest(() => {});
      const run = await planRun({ store, config: own, drops, purpose: 'night', asOf: AS_OF, retrain: true });
      await finish(workspace, run);
      const replaced = (await replacedCounts(store, run.manifest)).log ?? 0;
      return { run, replaced, looked: await lookAt(store, run) };
    };
    const workspace = await open(rest);
    await night(workspace, before);
    // when
    const own = await goOn(workspace, cancelled);
    const scratch = await goOn(await open(rest), cancelled);
    const never = await goOn(await open(rest.filter((line) => !gone.has(basketOf(line)))), []);
    // then
    expect(own.run.manifest.snapshot?.day).toBeDefined();
    expect(own.run.manifest.inputs.withdrawn).toHaveLength(1);
    for (const { looked, replaced } of [own, scratch]) {
      expect(looked.scores).toEqual(never.looked.scores);
      expect(looked.snapshots).toEqual(never.looked.snapshots);
      expect(replaced).toBe(cancelled.length);
    }
    expect(own.looked.exports).toEqual(scratch.looked.exports);
    // and: the snapshot of that night names the file that took them back
    const info = await readJson<{ held: unknown[] }>(workspace.store, `runs/${own.run.runId}/snapshot.json`);
    expect(info?.held).toHaveLength(3);
  });
});

describe('later versions', { timeout: SLOW }, () => {
  it('change neither who is compared nor what the scores were; the report tells the rows that were replaced', async () => {
    // given: a finished night, and then files that cancel half of the orders and bring the label window
    const { store } = shop;
    const run = reference;
    const evaluate = async () => {
      const drops = await shop.ingest(() => {});
      return evaluateRun({ store, runId: run.runId, drops, seconds: {}, now: () => new Date(0) });
    };
    await dropAll(shop, [['window.csv', log.filter(({ day }) => day >= AS_OF), 24 * 30]]);
    const first = await evaluate();
    const cancelled = linesOf(
      orders.filter((_, i) => i % 2 === 0),
      final,
    ).map((line) => withField(line, 2, 'message'));
    await dropAll(shop, [['cancelled.csv', cancelled, 24 * 31]]);
    // when
    const { outcomes, report } = await evaluate();
    // then
    const own = outcomes.purchase!;
    const { ids } = first.outcomes.purchase!;
    expect(ids.length).toBeGreaterThan(30);
    expect(own.ids.every((id) => ids.includes(id))).toBe(true);
    expect(own.kind === 'binary' && own.probabilities.every(Number.isFinite)).toBe(true);
    expect(report.models.flatMap(({ tasks }) => tasks).find(({ name }) => name === 'purchase')?.kind).toBe(
      'event',
    );
    expect(report.quality.totals.replaced).toBe(0);
    // and: a run that knows the later files counts what they replaced
    const again = await night(shop, AS_OF);
    const drops = await shop.ingest(() => {});
    const told = await evaluateRun({ store, runId: again.runId, drops, seconds: {}, now: () => new Date(0) });
    expect(told.report.quality.totals.replaced).toBe(cancelled.length);
    const html = new TextDecoder().decode(await (await store.get(told.path)).bytes());
    expect(html).toContain(
      `${cancelled.length} clean rows do not count, because a later file brought a newer version`,
    );
    const rows = told.report.quality.days.flatMap(({ rows: types }) => Object.values(types));
    const clean = told.report.quality.totals.clean - cancelled.length;
    expect(rows.reduce((sum, n) => sum + n, 0)).toBe(clean);
  });
});
