import { expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { clean, events, pseudonyms, shopOf } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

const HEADER = 'user,time,type,item,quantity,price\n';
const lines = (values: readonly string[]) =>
  `${HEADER}${values.map((value, i) => `u${i},2024-05-01 10:00:00,purchase,${value},1,2.00\n`).join('')}`;

/** Which users of some items are clean, and the reasons for the others. */
async function judged(items: readonly string[], changes: Partial<Source>) {
  const { rows, quarantine, quality } = await clean(lines(items), shopOf({ ...events, ...changes }));
  expect(quality.status).toBe('clean');
  const users = rows.map(({ user }) => pseudonyms.open(String(user))).sort();
  return { users, reasons: quarantine.map(({ reason }) => reason) };
}

// DuckDB moves what stands twice in a query in front of it, out of what catches errors.
it.each([
  ['twice in one expression', { item: "CASE WHEN item::INT < 0 THEN '0' ELSE (item::INT)::VARCHAR END" }],
  ['in two expressions', { item: '(item::INT)::VARCHAR', quantity: '(item::INT)' }],
])(
  'an expression that fails on a row fails on that row alone, where its parts stand %s',
  async (_, columns) => {
    const { users, reasons } = await judged(['1', 'x', '2'], { columns: { ...events.columns, ...columns } });
    expect(users).toEqual(['u0', 'u2']);
    expect(reasons).toEqual([expect.stringContaining('item: its expression fails on item = "x"')]);
  },
);

it.each([
  ['quarantine', ['u1'], ['rule small fails on this row: item::INT < 3', 'rule small: item::INT < 3']],
  ['flag', ['u0', 'u1', 'u2'], []],
] as const)('a rule to %s that fails on a row lets it pass only to be marked', async (action, clean, why) => {
  const rules = [{ name: 'small', when: 'item::INT < 3', action }];
  const { users, reasons } = await judged(['abc', '5', '0'], { rules });
  expect({ users, reasons }).toEqual({ users: clean, reasons: why });
});

it.each([
  'age(time::TIMESTAMP)::VARCHAR',
  'current_localtimestamp()::VARCHAR',
  "current_setting('threads')",
  "getvariable('a')",
])('what reads the clock or the machine is refused: %s', async (item) => {
  const { quality } = await clean(lines(['1']), shopOf({ ...events, columns: { ...events.columns, item } }));
  expect(quality).toMatchObject({ status: 'refused' });
  expect(JSON.stringify(quality)).toContain('a drop must read the same next year');
});
