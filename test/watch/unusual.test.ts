import { describe, expect, it } from 'vitest';
import { DayTotals, unusualOn } from '../../lib/watch/index.ts';
import { BREAKS, PURCHASE, quietDays, stateOf, type UserDayRow } from './shop.ts';

const DAYS = 136;
const ROWS = quietDays(DAYS);
const BY_DAY = Array.from({ length: DAYS }, (_, day) => ROWS.filter((row) => row.day === day));

/** What is found on a day, where its data were changed. */
function found(day: number, change: (rows: UserDayRow[]) => UserDayRow[] = (rows) => rows) {
  const totals = new DayTotals(day + 1);
  const from = Math.max(0, day - 69);
  for (let one = from; one < day; one++) for (const row of BY_DAY[one]!) totals.add(stateOf([row]));
  for (const row of change(BY_DAY[day]!)) totals.add(stateOf([row]));
  return unusualOn(totals, day, 0);
}

describe('days that are unlike such days before', () => {
  it('are none of the quiet ones', () => {
    const days = Array.from({ length: 20 }, (_, i) => 40 + 5 * i);
    expect(days.flatMap((day) => found(day).map(({ said }) => said))).toEqual([]);
  });

  it.each(Object.keys(BREAKS))('are found: %s', (name) => {
    // A Wednesday and a Saturday.
    for (const day of [121, 124]) expect(found(day, BREAKS[name])).not.toEqual([]);
  });

  it('are told with what was and what was to be expected', () => {
    const [first] = found(121, BREAKS['prices in cents']);
    expect(first).toMatchObject({ type: 'purchase', measure: 'price', day: '1970-05-02' });
    expect(first!.value / first!.expected).toBeGreaterThan(70);
    expect(first!.said).toMatch(
      /^purchase on 1970-05-02: money of a line, in the middle, \d+, where \d+ were to be expected$/,
    );
  });

  it('are not looked for without four such weekdays, nor among few lines, nor on a day on which nothing happened', () => {
    const robbed = BREAKS['nine of ten rows missing']!;
    expect(found(26, robbed)).toEqual([]);
    expect(found(60, robbed)).not.toEqual([]);
    expect(found(60, () => [])).toEqual([]);
    const totals = new DayTotals(61);
    for (const row of ROWS.filter(({ day, user }) => day < 60 && user % 50 === 0)) totals.add(stateOf([row]));
    totals.add(stateOf(ROWS.filter(({ day }) => day === 60).slice(0, 1)));
    expect(unusualOn(totals, 60, 0)).toEqual([]);
  });
});

describe('totals of days', () => {
  it('are the same however users are shared out, and come back from text', () => {
    const recent = ROWS.filter(({ day }) => day < 120);
    const whole = new DayTotals(120);
    const parts = [new DayTotals(120), new DayTotals(120), new DayTotals(120)];
    for (const row of recent) whole.add(stateOf([row]));
    for (const row of recent.toReversed()) parts[row.user % 3]!.add(stateOf([row]));
    const merged = new DayTotals(120);
    for (const part of parts) merged.merge(part.encode());
    expect(merged.encode()).toBe(whole.encode());
    expect(whole.of(PURCHASE)!.size).toBe(70);
  });
});
