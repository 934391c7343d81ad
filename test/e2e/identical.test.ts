import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { makeHandler } from '../../functions/clean/handler.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { createPseudonyms } from '../../lib/data/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import type { UsersModelManifest } from '../../lib/models/index.ts';
import { formatS3Event, readJson } from '../../lib/runtime/index.ts';
import { ALL } from '../all.ts';
import { dropAll, dropsOf, KEY, type Night, night, openShop, SLOW } from './nights.ts';
import { AS_OF, daily, file, shopConfig, shopLog, weekly } from './shop.ts';

const log = shopLog();
const past = log.filter(({ day }) => day < AS_OF);
const defaults = shopConfig();
const config = {
  ...defaults,
  sources: {
    ...defaults.sources,
    customers: {
      format: 'csv',
      table: 'users',
      columns: { user: 'customer', valid_from: 'since' },
      attributes: { categories: ['tier'], numbers: ['age'] },
    },
  },
  // Nothing may depend on what is not known yet, whatever is tried and blended.
  model: { ...defaults.model, families: ['auto', 'forest'] },
} satisfies ConfigInput;
/** Files as the shop sends them; a week in each where nobody asks for single days, for each takes its time. */
const sent = ALL ? daily : weekly;
let reference: Night;
let first: Workspace;

/** What is said of some customers from a shop day on. */
const customers = (ids: readonly number[], since: string, tiers: readonly string[]) =>
  `customer,since,tier,age\n${ids.map((id) => `C-${id},${since},${tiers[id % tiers.length]},${20 + (id % 50)}`).join('\n')}\n`;

async function openWithCustomers(): Promise<Workspace> {
  const workspace = await openShop(config);
  const ids = Array.from({ length: 120 }, (_, id) => id);
  await workspace.store.put(
    'drop/customers/all.csv',
    customers(ids, '2025-01-01', ['gold', 'silver', 'none']),
  );
  return workspace;
}

beforeAll(async () => {
  first = await openWithCustomers();
  await dropAll(first, sent(past));
  reference = await night(first, AS_OF);
}, SLOW);

/** All but the run's id and time. */
function expectSame(other: Night): void {
  expect(other.models).toEqual(reference.models);
  expect(other.scores).toEqual(reference.scores);
  expect(other.snapshots).toEqual(reference.snapshots);
  expect(other.exports).toEqual(reference.exports);
}

describe('however the same events are delivered, the night is the same to the byte', {
  timeout: SLOW,
}, () => {
  it('has something to compare', async () => {
    expect(Object.keys(reference.exports).sort()).toEqual([
      ...['_SUCCESS', 'users/csv/users.csv.gz', 'users/parquet/users.parquet'],
    ]);
    expect(Object.keys(reference.models)).toHaveLength(2 + Object.keys(nextFiles()).length);
    expect(reference.snapshots).toHaveLength(2);
    const key = Object.keys(reference.models).find((name) => /\/users-.*manifest/.test(name))!;
    const { profile } = (await readJson<UsersModelManifest>(first.store, key))!;
    expect(JSON.stringify(profile)).toContain('silver');
    const users = reference.scores.reduce((sum, { users }) => sum + users.length, 0);
    expect(users).toBe(new Set(past.map(({ text }) => text.split(',')[0]).filter((id) => id !== '')).size);
  });

  it('with events and news of customers from the as-of day on, in files of their own and in the same ones', async () => {
    // given: the last file before the as-of day brings the next days, too, with new customers and items
    const workspace = await openWithCustomers();
    const future = log.filter(({ day }) => day >= AS_OF);
    expect(future.length).toBeGreaterThan(50);
    const planted = future.map((line) => ({
      ...line,
      text: line.text.replace('"C-1', '"NEW-1').replace('sku-3', 'sku-from-the-future'),
    }));
    const later = customers([1, 2, 3, 4, 130, 131], AS_OF, ['platinum', 'gold']);
    await workspace.store.put('drop/customers/later.csv', later);
    const last = past.at(-1)!.day;
    await dropAll(workspace, sent(past.filter(({ day }) => day < last)));
    await dropAll(workspace, [
      [`${last}.csv`, file([...past.filter(({ day }) => day === last), ...planted])],
      ...[...sent(future)].map(([name, content]): [string, string] => [`later-${name}`, content]),
    ]);
    // when
    const other = await night(workspace, AS_OF);
    // then
    expect(other.runId).not.toBe(reference.runId);
    expectSame(other);
  });

  it.runIf(ALL)('in shuffled order', async () => {
    // given: files arrive in random order, one after the other, and under names that sort otherwise
    const workspace = await openWithCustomers();
    const files = [...daily(past)];
    const order = createRng('shuffled').permutation(files.length);
    for (const [place, i] of order.entries()) {
      await dropAll(workspace, [[`${String(place).padStart(3, '0')}-${files[i]![0]}`, files[i]![1]]]);
      if (place === 20) await workspace.ingest(() => {});
    }
    // when
    const other = await night(workspace, AS_OF);
    // then
    expectSame(other);
  });

  it.runIf(ALL)('delivered again: the same file under its key, the same message twice', async () => {
    // given
    const workspace = await openWithCustomers();
    const files = [...daily(past)];
    await dropAll(workspace, files);
    await workspace.ingest(() => {});
    await dropAll(workspace, files.slice(0, 10));
    const drops = await workspace.ingest(() => {});
    const clean = makeHandler({
      store: workspace.store,
      config: workspace.config,
      pseudonyms: createPseudonyms(KEY),
      report: () => {},
    });
    const Records = drops.slice(3, 6).flatMap(({ key, size }) => {
      const body = formatS3Event({ bucket: 'shop', key, size, etag: '' });
      const attributes = { ApproximateReceiveCount: '1' };
      return ['1', '2'].map((messageId) => ({ messageId, receiptHandle: messageId, body, attributes }));
    });
    expect(await clean({ Records })).toEqual({ batchItemFailures: [] });
    // when
    const other = await night(workspace, AS_OF);
    // then: it is the same run
    expect(other.runId).toBe(reference.runId);
    expectSame(other);
  });

  it.runIf(ALL)('with drops split in two, equal lines kept together', async () => {
    // given: every third day in two files, lines given to them at random
    const workspace = await openWithCustomers();
    let day = 0;
    for (const [name, content] of daily(past)) {
      const [header, ...lines] = content.trimEnd().split('\n');
      if (day++ % 3 > 0) {
        await dropAll(workspace, [[name, content]]);
        continue;
      }
      const rng = createRng(name);
      const first = new Map([...new Set(lines)].map((line) => [line, rng.uniform() < 0.5]));
      const part = (which: boolean) =>
        `${[header, ...lines.filter((line) => first.get(line) === which)].join('\n')}\n`;
      await dropAll(workspace, [
        [`a/${name}`, part(true)],
        [`b/${name}`, part(false)],
      ]);
    }
    // when
    const other = await night(workspace, AS_OF);
    // then
    expectSame(other);
  });

  it.runIf(ALL)('with copies under other keys, which count once and are told', async () => {
    // given: copies that sort before and after the originals
    const workspace = await openWithCustomers();
    const files = [...daily(past)];
    await dropAll(workspace, files);
    await dropAll(workspace, [
      [`0-copy-of-${files[5]![0]}`, files[5]![1]],
      [`z-copy-of-${files[7]![0]}`, files[7]![1]],
    ]);
    // when
    const other = await night(workspace, AS_OF);
    // then
    expectSame(other);
    expect(other.manifest.copies).toEqual([
      { key: `drop/log/${files[5]![0]}`, sameAs: `drop/log/0-copy-of-${files[5]![0]}` },
      { key: `drop/log/z-copy-of-${files[7]![0]}`, sameAs: `drop/log/${files[7]![0]}` },
    ]);
    expect(await dropsOf(workspace)).toHaveLength(files.length + 3);
  });
});

function nextFiles(): Record<string, string> {
  return Object.fromEntries(Object.entries(reference.models).filter(([key]) => key.includes('/next-')));
}
