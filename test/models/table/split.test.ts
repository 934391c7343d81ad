import { describe, expect, it } from 'vitest';
import { type ConfigInput, parseConfig } from '../../../lib/config/index.ts';
import { labelTask, readLabelled } from '../../../lib/models/table/labelled.ts';
import { splitOf, withLatest } from '../../../lib/models/table/split.ts';
import { planRun } from '../../../lib/run/index.ts';
import { clean, cleanedQuality, shopOf } from '../../clean/shop.ts';
import { openShop, SLOW } from '../../e2e/nights.ts';

type Split = Extract<ConfigInput['sources'][string], { table: 'labels' }>['split'];

const sourceOf = (split: Split): ConfigInput['sources'][string] => ({
  format: 'csv',
  table: 'labels',
  columns: { label: 'bought' },
  split,
  duplicates: 'keep',
  attributes: { numbers: ['pages'], categories: { month: '"Month"', device: 'device' } },
});

const MONTHS = { by: 'Month', train: ['Feb', 'Mar', 'May'], test: ['Nov', 'Dec'] };
const HEAD = 'bought,pages,Month,device,day';
const row = (month: string, day: string, i = 0) => `${i % 2 ? 'yes' : 'no'},${i % 9},${month},phone,${day}`;

describe('a labelled table that time splits', () => {
  it('by values: those named for testing are, and values of neither side are quarantined', async () => {
    // given
    const months = ['Nov', 'Feb', 'Mar', 'May', 'Dec', 'Jun', ''];
    const text = [HEAD, ...months.map((month, i) => row(month, '', i))].join('\n');
    // when
    const { rows, quarantine } = await clean(text, shopOf(sourceOf(MONTHS)));
    // then
    const told = rows.map(({ row_id, split, split_at }) => [row_id, split, split_at]).sort();
    expect(told).toEqual([
      [0, 'test', 3],
      [1, 'train', 0],
      [2, 'train', 1],
      [3, 'train', 2],
      [4, 'test', 4],
    ]);
    expect(quarantine.map(({ reason }) => reason)).toEqual([
      'split.by: "Jun" stands neither in train nor in test',
      expect.stringContaining('stands neither in train nor in test'),
    ]);
  });

  it('by a day of the shop: from its midnight on rows are for testing; what is no time is quarantined', async () => {
    // given: midnight of 1 July is 23:00 UTC of the day before
    const days = [
      '2018-06-30 23:59',
      '2018-07-01',
      '2018-06-30T22:59:00Z',
      '2018-06-30T23:00:00Z',
      'soon',
      '',
    ];
    const text = [HEAD, ...days.map((day, i) => row('Feb', day, i))].join('\n');
    // when
    const { rows, quarantine, quality } = await clean(
      text,
      shopOf(sourceOf({ by: 'day', testFrom: '2018-07-01' })),
    );
    // then
    const sides = rows.map(({ row_id, split }) => [row_id, split]).sort();
    expect(sides).toEqual([
      [0, 'train'],
      [1, 'test'],
      [2, 'train'],
      [3, 'test'],
    ]);
    expect(quarantine.map(({ reason }) => reason).sort()).toEqual([
      'split.by: "soon" is no timestamp',
      'split.by: no time, so no side of the split',
    ]);
    expect(cleanedQuality(quality).status).toBe('clean');
  });

  it('refuses a file without the column', async () => {
    const { quality } = await clean(
      `${HEAD}\n${row('Feb', '2018-01-01')}`,
      shopOf(sourceOf({ by: 'visited_at', testFrom: '2018-07-01' })),
    );
    expect(quality.status).toBe('refused');
    expect(JSON.stringify(quality)).toContain('visited_at');
  });

  it('chooses by the latest training rows: whole times, never all of them', () => {
    // given: 60 rows of time 0, 20 of time 1, 20 of time 2, and test rows of time 3
    const splitAt = Float64Array.from({ length: 110 }, (_, i) => (i < 60 ? 0 : i < 80 ? 1 : i < 100 ? 2 : 3));
    const splits = Array.from(splitAt, (at) => (at === 3 ? 'test' : 'train'));
    // when
    const latest = withLatest({ splits, splitAt });
    // then
    expect(latest.map((split, i) => (split === 'valid' ? splitAt[i] : -1)).filter((at) => at! >= 0)).toEqual(
      new Array(20).fill(2),
    );
    expect(latest.filter((split) => split === 'test')).toHaveLength(10);
    // then: of two times the later is taken however few there are left, and of one none
    const most = Float64Array.from({ length: 100 }, (_, i) => Number(i >= 10));
    const some = withLatest({ splits: new Array(100).fill('train'), splitAt: most });
    expect(some.filter((split) => split === 'train')).toHaveLength(10);
    const same = new Array<string>(5).fill('train');
    expect(withLatest({ splits: same, splitAt: new Float64Array(5) })).toEqual(same);
  });

  it('leaves out the attribute that is the column, under whatever name, and no other', () => {
    const configOf = (by: string) =>
      parseConfig({
        shop: { timeZone: 'UTC' },
        sources: { visits: sourceOf({ ...MONTHS, by }) },
        tasks: { bought: { kind: 'label', source: 'visits' } },
      });
    const leftOut = (by: string) => [...splitOf(configOf(by), labelTask(configOf(by), 'bought')).without];
    expect(leftOut('Month')).toEqual(['month']);
    expect(leftOut('lower(Month)')).toEqual([]);
    expect(leftOut('pages')).toEqual(['pages']);
  });

  it('is read so, and says which side has no rows', { timeout: SLOW }, async () => {
    // given
    const read = async (split: Split) => {
      const shop = await openShop({
        shop: { timeZone: 'UTC' },
        sources: { visits: sourceOf(split) },
        tasks: { bought: { kind: 'label', source: 'visits', positive: 'yes' } },
      });
      const months = ['Feb', 'Mar', 'May', 'Nov'];
      const lines = Array.from({ length: 80 }, (_, i) =>
        row(months[i % 4]!, `2018-0${1 + (i % 4)}-01`, i >> 2),
      );
      await shop.store.put('drop/visits/a.csv', [HEAD, ...lines].join('\n'));
      const drops = await shop.ingest(() => {});
      const { manifest } = await planRun({ ...shop, drops, purpose: 'night', asOf: null });
      return readLabelled(shop.store, manifest, 'bought');
    };
    // when
    const { table, train, test } = await read(MONTHS);
    // then
    expect(test).toHaveLength(20);
    expect(train).toHaveLength(60);
    expect(table.splits.filter((split) => split === 'valid')).toHaveLength(20);
    expect(table.columns.map(({ name }) => name).sort()).toEqual(['device', 'pages']);
    await expect(read({ by: 'day', testFrom: '2019-01-01' })).rejects.toThrow(
      "task bought has no test rows: no row's day is 2019-01-01 or later: set sources.visits.split.testFrom to another day",
    );
    await expect(read({ by: 'day', testFrom: '2017-01-01' })).rejects.toThrow(
      'task bought has no training rows',
    );
    await expect(read({ by: 'Month', train: ['Feb', 'Mar', 'May', 'Nov'], test: ['Dec'] })).rejects.toThrow(
      `no row's Month is "Dec": correct sources.visits.split.test`,
    );
  });
});
