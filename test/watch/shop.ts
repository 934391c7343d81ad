import { eventCode } from '../../lib/data/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import type { UserState } from '../../lib/features/index.ts';

export const PURCHASE = eventCode('purchase');
const VIEW = eventCode('view');

/** What a user did on a day, of one type. */
export interface UserDayRow {
  readonly user: number;
  readonly day: number;
  readonly type: number;
  readonly lines: number;
  readonly visits: number;
  readonly money: number;
}

/** A shop of about 500 buyers and 500 viewers a day, fewer at weekends, that grows by a third in ten weeks. */
export function quietDays(days: number): UserDayRow[] {
  const rng = createRng('quiet shop');
  const rows: UserDayRow[] = [];
  for (let day = 0; day < days; day++) {
    const level = (day % 7 < 5 ? 1 : 0.4) * (1 + day / 210) * (0.9 + 0.2 * rng.uniform());
    for (const [type, usual] of [
      [PURCHASE, 500],
      [VIEW, 500],
    ] as const) {
      const users = Math.round(usual * level);
      for (let u = 0; u < users; u++) {
        const lines = 1 + rng.integer(5);
        const money = type === PURCHASE ? lines * Math.round(100 * Math.exp(2 + 0.8 * rng.normal())) : 0;
        rows.push({ user: 1000 * day + u, day, type, lines, visits: 1, money });
      }
    }
  }
  return rows;
}

/** Ways in which a day's data break, each as rows in and rows out. */
export const BREAKS: Readonly<Record<string, (rows: UserDayRow[]) => UserDayRow[]>> = {
  'half of the users missing': (rows) => rows.filter(({ user }) => user % 2 === 0),
  'nine of ten rows missing': (rows) => rows.filter((_, i) => i % 10 === 0),
  'every line twice': (rows) => rows.map((row) => ({ ...row, lines: 2 * row.lines, money: 2 * row.money })),
  'the day before delivered again as this day': (rows) => [
    ...rows,
    ...rows.map((row) => ({ ...row, user: row.user + 0.5 })),
  ],
  'prices in cents': (rows) => rows.map((row) => ({ ...row, money: 100 * row.money })),
  'prices a hundredth': (rows) => rows.map((row) => ({ ...row, money: Math.ceil(row.money / 100) })),
  'prices in another currency (times 7)': (rows) => rows.map((row) => ({ ...row, money: 7 * row.money })),
  'no prices': (rows) => rows.map((row) => ({ ...row, money: 0 })),
  'purchases taken for views': (rows) => rows.map((row) => ({ ...row, type: VIEW })),
  'all users under one id': (rows) => summed(rows, () => 0),
  'an id for every line': (rows) =>
    rows.flatMap((row) =>
      Array.from({ length: row.lines }, (_, i) => ({
        ...{ ...row, user: row.user + i / 100 },
        ...{ lines: 1, money: row.money / row.lines },
      })),
    ),
  'a robot among the visitors': (rows) => [
    ...rows,
    ...rows.slice(0, 1).map((row) => ({ ...row, user: -1, type: PURCHASE, lines: 2000, money: 0 })),
  ],
};

function summed(rows: readonly UserDayRow[], userOf: (row: UserDayRow) => number): UserDayRow[] {
  const sums = new Map<string, UserDayRow>();
  for (const row of rows) {
    const user = userOf(row);
    const key = `${user} ${row.type}`;
    const { lines = 0, visits = 0, money = 0 } = sums.get(key) ?? {};
    sums.set(key, {
      ...{ user, day: row.day, type: row.type },
      ...{ lines: lines + row.lines, visits: visits + row.visits, money: money + row.money },
    });
  }
  return [...sums.values()];
}

/** The part of a state that holds the recent days of one user. */
export function stateOf(rows: readonly UserDayRow[]): UserState {
  const column = (of: (row: UserDayRow) => number) => Float64Array.from(rows, of);
  return {
    dayStart: 0,
    dayEnd: rows.length,
    dayOf: Int32Array.from(rows, ({ day }) => day),
    dayType: Uint8Array.from(rows, ({ type }) => type),
    dayLines: column(({ lines }) => lines),
    dayVisits: column(({ visits }) => visits),
    dayMoney: column(({ money }) => money),
  } as UserState;
}
