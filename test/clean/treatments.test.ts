import { describe, expect, it } from 'vitest';
import { clean, cleanedQuality, pseudonyms, rowsIn, shopOf } from './shop.ts';

const treatments = {
  table: 'treatments',
  format: 'csv',
  columns: { user: 'who', campaign: 'campaign', arm: 'arm', time: '"at"' },
} as const;

const HEAD = 'who,campaign,arm,at\n';

describe('treatments', () => {
  it('become rows by user, campaign, arm and time; every other row is a duplicate or has a reason', async () => {
    // given
    const file = `${HEAD}a,spring,mail,2025-03-01 10:00
a,spring,mail,2025-03-01 10:00
17850.0,spring,None,2025-03-02
,spring,mail,2025-03-01
b,,mail,2025-03-01
c,spring,,2025-03-01
d,spring,mail,
e,spring,mail,soon
f,spring,mail,2099-01-01
`;
    // when
    const { quality, rows, quarantine } = await clean(file, shopOf(treatments));
    // then
    const told = cleanedQuality(quality);
    expect(told).toMatchObject({
      table: 'treatments',
      rowsIn: 9,
      clean: 2,
      users: 2,
      duplicates: { found: 1, dropped: 1 },
      quarantinedRows: 6,
      quarantined: {
        'no user': 1,
        'no campaign': 1,
        'no arm': 1,
        'no time': 1,
        'time: no timestamp': 1,
        'time: later than the drop': 1,
      },
      // No events: the last days of a shop are not told by its campaigns
      minDay: null,
      maxDay: null,
    });
    expect(quarantine.length).toBe(6);
    const read = rows.map(({ user, campaign, arm, time }) => [
      pseudonyms.open(String(user)),
      campaign,
      arm,
      new Date(Number(time)).toISOString(),
    ]);
    expect(read.sort()).toEqual([
      ['17850', 'spring', 'None', '2025-03-02T00:00:00.000Z'],
      ['a', 'spring', 'mail', '2025-03-01T10:00:00.000Z'],
    ]);
  });

  it('know rules, and are shown by "check"', async () => {
    const rules = [{ name: 'old', when: `time < TIMESTAMPTZ '2025-01-01'`, action: 'quarantine' as const }];
    const { rows, errors } = await rowsIn(`${HEAD}a,spring,mail,2025-03-01\nb,spring,mail,2024-03-01\n`, {
      ...treatments,
      rules,
    });
    expect(rows).toEqual([{ user: 'a', campaign: 'spring', arm: 'mail', time: '2025-03-01T00:00:00+01:00' }]);
    expect(errors.map(({ reason }) => reason)).toEqual([`rule old: time < TIMESTAMPTZ '2025-01-01'`]);
  });
});
