import { describe, expect, it } from 'vitest';
import { clean, cleanedQuality, pseudonyms, rowsIn, shopOf } from './shop.ts';

const identities = {
  table: 'identities',
  format: 'csv',
  columns: { anonymous: 'cookie', user: 'customer', time: '"at"' },
} as const;

const HEAD = 'cookie,customer,at\n';

describe('identities', () => {
  it('become rows of two pseudonyms and a time; every other row is a duplicate or has a reason', async () => {
    // given
    const file = `${HEAD}k1,17850.0,2025-03-01 10:00
k1,17850.0,2025-03-01 10:00
k1,b,2025-03-04
k2,b,2025-03-02
,b,2025-03-01
k3,,2025-03-01
k4,k4,2025-03-01
k5,b,
k6,b,soon
k7,b,2099-01-01
`;
    // when
    const { quality, rows, quarantine } = await clean(file, shopOf(identities));
    // then
    expect(cleanedQuality(quality)).toMatchObject({
      table: 'identities',
      rowsIn: 10,
      clean: 3,
      users: 2,
      duplicates: { found: 1, dropped: 1 },
      quarantinedRows: 6,
      quarantined: {
        'no anonymous': 1,
        'no user': 1,
        'linked to itself': 1,
        'no time': 1,
        'time: no timestamp': 1,
        'time: later than the drop': 1,
      },
      // Which of the two links of k1 holds depends on the day that is asked about
      flagged: { 'several-users': 2 },
      minDay: null,
    });
    expect(quarantine.length).toBe(6);
    const read = rows.map(({ user, anonymous, time }) => [
      pseudonyms.open(String(anonymous)),
      pseudonyms.open(String(user)),
      new Date(Number(time)).toISOString().slice(0, 16),
    ]);
    expect(read.sort()).toEqual([
      ['k1', '17850', '2025-03-01T10:00'],
      ['k1', 'b', '2025-03-04T00:00'],
      ['k2', 'b', '2025-03-02T00:00'],
    ]);
  });

  it('are shown by "check" with both ids', async () => {
    const { rows } = await rowsIn(`${HEAD}k1,a,2025-03-01\n`, identities);
    expect(rows).toEqual([{ user: 'a', time: '2025-03-01T00:00:00+01:00', anonymous: 'k1' }]);
  });
});
