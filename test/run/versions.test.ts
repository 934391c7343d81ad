import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { createPseudonyms, EVENT_TYPES, formatDay, parseDay, userHash } from '../../lib/data/index.ts';
import {
  buildManifest,
  listDrops,
  openUsers,
  type RunManifest,
  replacedCounts,
  runIdOf,
  taskGroups,
} from '../../lib/run/index.ts';
import { ingest, openShop, type Shop, ZONE } from './kit.ts';

const AS_OF = '2025-01-15';
const HEAD = 'order,line,customer,at,what,sku,price\n';
const orders: Extract<ConfigInput['sources'][string], { table: 'events' }> = {
  format: 'csv',
  table: 'events',
  columns: { user: 'customer', time: '"at"', type: 'what', item: 'sku', price: 'price' },
  key: ['order', 'line'],
};

/** Milliseconds at which the n-th drop of a test comes. */
const comes = (n: number) => Date.UTC(2025, 0, 20, n);

async function drop(
  { root, store }: Shop,
  name: string,
  lines: string,
  n: number,
  head = HEAD,
): Promise<void> {
  await store.put(`drop/${name}`, head + lines);
  const time = new Date(comes(n));
  await utimes(join(root, 'drop', name), time, time);
}

async function manifestOf(shop: Shop, asOf = AS_OF): Promise<RunManifest> {
  await ingest(shop);
  const { store, config } = shop;
  return buildManifest({
    purpose: 'night',
    config,
    asOf,
    groups: taskGroups(config),
    drops: await listDrops(store, config),
    champions: {},
    snapshot: null,
  });
}

/** Every line that counts before a day, for people: user, day, type, item, minor units. */
async function linesOf({ store }: Shop, manifest: RunManifest, before = AS_OF): Promise<string[]> {
  const pseudonyms = createPseudonyms(new Uint8Array(64).fill(5));
  const found: string[] = [];
  const users = openUsers(store, manifest);
  for (let shard = 0; shard < manifest.shards; shard++) {
    const read = await users.read(shard, parseDay(before));
    for (const { user, hash, days } of read) {
      expect(hash).toBe(userHash(user));
      for (const { day, entries, start, end } of days) {
        expect(end).toBeGreaterThan(start);
        for (let i = start; i < end; i++) {
          const item = entries.item[i]! < 0 ? '' : read.items.text(entries.item[i]!);
          const told = [
            formatDay(day),
            EVENT_TYPES[entries.type[i]!],
            item,
            entries.money[i],
            entries.lines[i],
          ];
          found.push([pseudonyms.open(user), ...told].join(' '));
        }
      }
    }
  }
  return found.sort();
}

describe('an order that is exported again', () => {
  it.each([
    ['its status', 'ann,2025-01-05 12:00,return,tea,3.00', 'ann 2025-01-05 return tea 300 1'],
    ['its day', 'ann,2025-01-09 12:00,purchase,tea,3.00', 'ann 2025-01-09 purchase tea 300 1'],
    ['its user', 'bob,2025-01-05 12:00,purchase,tea,3.00', 'bob 2025-01-05 purchase tea 300 1'],
    ['its item', 'ann,2025-01-05 12:00,purchase,cup,3.00', 'ann 2025-01-05 purchase cup 300 1'],
    ['its price', 'ann,2025-01-05 12:00,purchase,tea,1.50', 'ann 2025-01-05 purchase tea 150 1'],
    ['all of it', 'bob,2025-01-09 12:00,view,cup,1.50', 'bob 2025-01-09 view cup 150 1'],
    ['nothing', 'ann,2025-01-05 12:00,purchase,tea,3.00', 'ann 2025-01-05 purchase tea 300 1'],
  ])('counts once, with what is new: %s', async (_, changed, expected) => {
    // given an order, another line, and the order again
    const shop = await openShop({ sources: { orders } });
    const other = '7,1,cid,2025-01-05 12:00,purchase,tea,9.00\n';
    await drop(shop, 'orders/1.csv', `1,1,ann,2025-01-05 12:00,purchase,tea,3.00\n${other}`, 1);
    await drop(shop, 'orders/2.csv', `1,1,${changed}\n`, 2);
    // when
    const manifest = await manifestOf(shop);
    // then
    expect(await linesOf(shop, manifest)).toEqual([expected, 'cid 2025-01-05 purchase tea 900 1'].sort());
    expect(await replacedCounts(shop.store, manifest)).toEqual({ orders: 1 });
  });

  it('loses the lines that its last version no longer has, where the key is the order', async () => {
    // given three versions of an order, of which the second comes last
    const shop = await openShop({ sources: { orders: { ...orders, key: ['order'], duplicates: 'keep' } } });
    const line = (item: string, price: string) => `1,x,ann,2025-01-05 12:00,purchase,${item},${price}\n`;
    await drop(shop, 'orders/1.csv', line('tea', '3.00') + line('cup', '4.00') + line('cup', '4.00'), 1);
    await drop(shop, 'orders/3.csv', line('tea', '2.00') + line('cup', '4.00') + line('cup', '4.00'), 3);
    await drop(shop, 'orders/2.csv', line('tea', '1.00'), 2);
    // when
    const manifest = await manifestOf(shop);
    // then
    expect(await linesOf(shop, manifest)).toEqual([
      'ann 2025-01-05 purchase cup 800 2',
      'ann 2025-01-05 purchase tea 200 1',
    ]);
    expect(await replacedCounts(shop.store, manifest)).toEqual({ orders: 4 });
  });

  it('stands as it was where the new version is quarantined, or of the as-of day and later', async () => {
    const shop = await openShop({ sources: { orders } });
    await drop(
      shop,
      'orders/1.csv',
      '1,1,ann,2025-01-05 12:00,purchase,tea,3.00\n2,1,ann,2025-01-05 12:00,view,,\n',
      1,
    );
    await drop(shop, 'orders/2.csv', '1,1,ann,never,purchase,tea,3.00\n2,1,ann,2025-01-15 00:00,view,,\n', 2);
    const manifest = await manifestOf(shop);
    expect(await linesOf(shop, manifest)).toEqual([
      'ann 2025-01-05 purchase tea 300 1',
      'ann 2025-01-05 view  0 1',
    ]);
    // and one who may look at the days after sees it moved
    expect(await linesOf(shop, manifest, '2025-01-16')).toEqual([
      'ann 2025-01-05 purchase tea 300 1',
      'ann 2025-01-15 view  0 1',
    ]);
    // and one of fewer days sees the history of this run, not another
    const late = await manifestOf(shop, '2025-01-16');
    expect(await linesOf(shop, late, '2025-01-10')).toEqual(['ann 2025-01-05 purchase tea 300 1']);
  });

  it('touches no event without a key value, of another source, or of a source without a key', async () => {
    // given the same lines in two drops of two sources with equal keys and of one without
    const { key, ...unkeyed } = orders;
    const shop = await openShop({ sources: { a: orders, b: orders, c: unkeyed } });
    const nameless = ',,ann,2025-01-05 12:00,view,,\n';
    for (const source of ['a', 'b', 'c']) {
      const line = (price: string) => `1,1,ann,2025-01-05 12:00,purchase,${source},${price}\n`;
      await drop(shop, `${source}/1.csv`, line('1.00') + nameless, 1);
      await drop(shop, `${source}/2.csv`, line('2.00') + nameless, 2);
    }
    // when
    const manifest = await manifestOf(shop);
    // then
    expect(await linesOf(shop, manifest)).toEqual([
      'ann 2025-01-05 purchase a 200 1',
      'ann 2025-01-05 purchase b 200 1',
      'ann 2025-01-05 purchase c 300 2',
      'ann 2025-01-05 view  0 6',
    ]);
    expect(await replacedCounts(shop.store, manifest)).toEqual({ a: 1, b: 1 });
    // and the manifest knows the time of a drop where it decides something
    const told = manifest.inputs.events.map(({ source, droppedAt, lines }) => [source, droppedAt, lines]);
    expect(told.sort()).toEqual([
      ['a', comes(1), 2],
      ['a', comes(2), 2],
      ['b', comes(1), 2],
      ['b', comes(2), 2],
      ['c', undefined, undefined],
      ['c', undefined, undefined],
    ]);
  });

  it('goes by a column where the config says so, and by the drop where that says nothing', async () => {
    const shop = await openShop({
      sources: { orders: { ...orders, newestBy: ['changed', 'drop'], timeZone: ZONE } },
    });
    const head = HEAD.replace('\n', ',changed\n');
    const line = (order: number, price: string, changed: string) =>
      `${order},1,ann,2025-01-05 12:00,purchase,item ${order},${price},${changed}\n`;
    const lines = [
      line(1, '1.00', '2025-01-07 10:00') + line(2, '1.00', '') + line(3, '1.00', '2025-01-07T10:00:00Z'),
      line(1, '2.00', '2025-01-06 10:00') +
        line(2, '2.00', '') +
        line(3, '2.00', '2025-01-07T10:30:00+01:00'),
    ];
    for (const [i, text] of lines.entries()) await drop(shop, `orders/${i}.csv`, text, i, head);
    expect(await linesOf(shop, await manifestOf(shop))).toEqual([
      'ann 2025-01-05 purchase item 1 100 1',
      'ann 2025-01-05 purchase item 2 200 1',
      'ann 2025-01-05 purchase item 3 100 1',
    ]);
  });
});

describe('an order that `where` leaves out by now', () => {
  const where = { paid: `what <> 'cancelled'` };
  const paid = (order: number, line = 1) => `${order},${line},ann,2025-01-05 12:00,purchase,tea,3.00\n`;
  const cancelled = (order: number, line = 1, day = '2025-01-05') =>
    `${order},${line},ann,${day} 12:00,cancelled,tea,3.00\n`;
  const told = 'ann 2025-01-05 purchase tea 300 1';
  /** Lines that count, and those that were replaced, of drops that come one after the other. */
  const outcome = async (
    drops: string[],
    source: Partial<typeof orders> = {},
    names = drops.map((_, i) => `orders/${i + 1}.csv`),
  ) => {
    const shop = await openShop({ sources: { orders: { ...orders, where, ...source } } });
    for (const [i, lines] of drops.entries()) await drop(shop, names[i]!, lines, i + 1);
    const manifest = await manifestOf(shop);
    const replaced = (await replacedCounts(shop.store, manifest)).orders ?? 0;
    return { shop, manifest, lines: await linesOf(shop, manifest), replaced };
  };

  it('is gone, where the file has other rows and where it has none', async () => {
    const mixed = await outcome([paid(1) + paid(2), cancelled(1) + paid(3)]);
    expect(mixed).toMatchObject({ lines: [told, told], replaced: 1 });
    expect(mixed.manifest.inputs.events.map(({ lines }) => lines)).toEqual([2, 2]);
    const alone = await outcome([paid(1) + paid(2), cancelled(1)]);
    expect(alone).toMatchObject({ lines: [told], replaced: 1 });
    // and such a file is named apart from those that have rows
    expect(alone.manifest.inputs.events).toHaveLength(1);
    expect(alone.manifest.inputs.withdrawn).toEqual([
      expect.objectContaining({ drop: 'drop/orders/2.csv', source: 'orders', droppedAt: comes(2), lines: 1 }),
    ]);
    expect(alone.manifest.missing).toEqual([]);
  });

  it('is gone line by line or as a whole, as the key says', async () => {
    const two = paid(1, 1) + paid(1, 2);
    expect(await outcome([two, cancelled(1, 2)])).toMatchObject({ lines: [told], replaced: 1 });
    const whole = { key: ['"order"'], duplicates: 'keep' as const };
    expect(await outcome([two, cancelled(1, 2)], whole)).toMatchObject({ lines: [], replaced: 2 });
    const kept = paid(1, 1) + cancelled(1, 2);
    expect(await outcome([two, kept], whole)).toMatchObject({ lines: [told], replaced: 2 });
  });

  it('counts once when it is paid again, and is not told as replaced night after night', async () => {
    const again = await outcome([paid(1), cancelled(1), cancelled(1) + paid(2), paid(1) + cancelled(9)]);
    expect(again).toMatchObject({ lines: [told, told], replaced: 1 });
    const nights = await outcome([cancelled(1), cancelled(1) + cancelled(2), cancelled(1) + cancelled(3)]);
    expect(nights).toMatchObject({ lines: [], replaced: 0 });
  });

  it('was paid first where the older file came late by its own time', async () => {
    const head = HEAD.replace('\n', ',changed\n');
    const shop = await openShop({ sources: { orders: { ...orders, where, newestBy: ['changed'] } } });
    const at = (lines: string, changed: number) => lines.replaceAll('\n', `,${changed}\n`);
    await drop(shop, 'orders/1.csv', at(cancelled(1), 9) + at(cancelled(2), 3), 1, head);
    await drop(shop, 'orders/2.csv', at(paid(1), 5) + at(paid(2), 5), 2, head);
    const manifest = await manifestOf(shop);
    expect(await linesOf(shop, manifest)).toEqual([told]);
    expect(await replacedCounts(shop.store, manifest)).toEqual({ orders: 1 });
  });

  it('stands where the row is of the as-of day or later, quarantined, or of no known event', async () => {
    const late = await outcome([paid(1), cancelled(1, 1, AS_OF)]);
    expect(late).toMatchObject({ lines: [told], replaced: 0 });
    // but a reader of that day sees it gone
    expect(await linesOf(late.shop, late.manifest, '2025-01-16')).toEqual([]);
    for (const row of [
      '1,1,ann,never,cancelled,tea,3.00\n',
      '1,1,,2025-01-05 12:00,cancelled,tea,3.00\n',
      '1,1,ann,1970-01-01 00:00,cancelled,tea,3.00\n',
      '1,1,ann,2031-01-01 00:00,cancelled,tea,3.00\n',
      '1,1,ann,2025-01-05 12:00,unheard-of,tea,3.00\n',
      ',,ann,2025-01-05 12:00,cancelled,tea,3.00\n',
    ]) {
      expect(await outcome([paid(1), row]), row).toMatchObject({ lines: [told], replaced: 0 });
    }
  });

  it('stands where events have no key', async () => {
    const { key, ...unkeyed } = orders;
    const shop = await openShop({ sources: { orders: { ...unkeyed, where } } });
    await drop(shop, 'orders/1.csv', paid(1), 1);
    await drop(shop, 'orders/2.csv', cancelled(1), 2);
    const manifest = await manifestOf(shop);
    expect(await linesOf(shop, manifest)).toEqual([told]);
    expect(manifest.inputs.withdrawn).toBeUndefined();
  });

  it('is gone whichever files tell it, and a file of the same bytes under another name is a copy', async () => {
    const orders = [1, 2, 3, 4].map((order) => paid(order)).join('');
    const one = await outcome([orders, cancelled(1) + cancelled(2) + paid(3)]);
    const split = await outcome([orders, cancelled(2), paid(3), cancelled(1)]);
    expect(split.lines).toEqual(one.lines);
    expect(one).toMatchObject({ lines: [told, told], replaced: 3 });
    const copied = await outcome([orders, cancelled(1), cancelled(1)]);
    expect(copied.manifest.copies).toEqual([{ key: 'drop/orders/3.csv', sameAs: 'drop/orders/2.csv' }]);
    expect(copied.manifest.inputs.withdrawn).toHaveLength(1);
    // and the old file, delivered again after it, brings nothing back
    const again = await outcome([orders, cancelled(1), orders]);
    expect(again.lines).toEqual(copied.lines);
  });
});

describe('a file that is delivered again', () => {
  it('under its key or another one, first or last by name, makes no event newer and is the same run', async () => {
    // given two versions of an order
    const shop = await openShop({ sources: { orders } });
    const [old, current] = ['3.00', '2.00'].map(
      (price) => `1,1,ann,2025-01-05 12:00,purchase,tea,${price}\n`,
    );
    await drop(shop, 'orders/m.csv', old!, 1);
    await drop(shop, 'orders/n.csv', current!, 2);
    const before = await manifestOf(shop);
    // when the older file comes again, later than the newer one
    await drop(shop, 'orders/m.csv', old!, 5);
    const again = await manifestOf(shop);
    // then
    expect(runIdOf(again)).toBe(runIdOf(before));
    for (const name of ['a', 'z']) await drop(shop, `orders/${name}.csv`, old!, 6);
    const copied = await manifestOf(shop);
    expect(copied.copies.map(({ sameAs }) => sameAs)).toEqual(['drop/orders/a.csv', 'drop/orders/a.csv']);
    expect(await linesOf(shop, copied)).toEqual(['ann 2025-01-05 purchase tea 200 1']);
  });
});
