import { expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';
import type { Row } from '../../lib/run/drop-index/rows.ts';
import { encodeSegment } from '../../lib/run/drop-index/segments.ts';
import { tooLittleHistory } from '../../lib/run/history.ts';
import { buildManifest, taskGroups } from '../../lib/run/index.ts';
import { csv, EVENTS, liftConfig, shopOf, TREATMENTS } from '../lift/shop.ts';

const log = csv(EVENTS, ['a,2025-02-01,view,', 'b,2025-04-01,purchase,3']);
const treated = csv(TREATMENTS, ['a,spring,mail,2025-03-01', 'b,spring,control,2025-03-01']);

const { campaigns: _, ...others } = liftConfig().sources;
const without = liftConfig('UTC', { sources: others });

it('no model is trained anew because a shop tells of its treatments', () => {
  expect(taskGroups(parseConfig(liftConfig()))).toEqual(taskGroups(parseConfig(without)));
});

it('a run reads no treatments', async () => {
  // given the same events with and without a campaign
  const shop = await shopOf({ 'log/a.csv': log, 'campaigns/a.csv': treated });
  const plain = await shopOf({ 'log/a.csv': log }, without);
  const night = { purpose: 'night', asOf: '2025-04-02', champions: {}, snapshot: null } as const;
  // when
  const [own, other] = [shop, plain].map(({ config, drops }) =>
    buildManifest({ ...night, groups: [], config, drops }),
  );
  // then it reads the same, and names the source in its config alone
  expect({ ...own, config: null }).toEqual({ ...other, config: null });
  expect(shop.drops.map(({ state }) => state)).toEqual(['done', 'done']);
});

it('treatments that are not cleaned yet keep no model from serving', () => {
  const config = parseConfig(liftConfig());
  const partOf = (name: string, through: boolean) => ({
    source: { name, source: config.sources[name]! },
    size: 100,
    through,
  });
  expect(tooLittleHistory(config, [partOf('log', true), partOf('campaigns', false)])).toBeUndefined();
  expect(tooLittleHistory(config, [partOf('log', false), partOf('campaigns', true)])).toContain('source log');
});

it('an index of drops knows that nobody reads them', () => {
  const listed = { key: 'drop/campaigns/a.csv', etag: 'e', digest: null, size: 9, modified: 0, other: false };
  const told = { source: 'campaigns', minDay: null, maxDay: null, rowsIn: 2, clean: 2, withdrawn: 0 };
  const row: Omit<Row, 'table'> = {
    ...listed,
    ...told,
    state: 'done',
    why: null,
    revision: 'ab',
    droppedAt: 0,
    content: '00'.repeat(8),
  };
  const flagOf = (table: 'treatments' | 'users') =>
    encodeSegment('scope', '2025-01', [{ ...row, table }]).members.flags[0];
  expect([flagOf('treatments'), flagOf('users')]).toEqual([0, 1]);
  expect(encodeSegment('scope', '2025-01', [{ ...row, table: 'treatments' }]).segment.summary).toMatchObject({
    inputs: 0,
    rowless: 0,
  });
});
