import { join } from 'node:path';
import { openExample } from '../../bin/commands/backtest.ts';
import { table } from '../../bin/commands/shared.ts';
import { parseDay } from '../../lib/data/index.ts';
import type { UserState } from '../../lib/features/state.ts';
import { eachUser } from '../../lib/models/index.ts';
import { openIds, planRun } from '../../lib/run/index.ts';
import { DayTotals, unusualOn } from '../../lib/watch/index.ts';
import { BREAKS, stateOf, type UserDayRow } from '../watch/shop.ts';
import { withFolder } from './support.ts';

const EXAMPLES = { 'online-retail': '2011-12-10', 'complete-journey': '2018-01-01' } as const;
/** Each break is planted on every so manieth day. */
const EVERY = 5;

/**
 * How often does a night ring that nothing is wrong with, and how often is a day found whose data were broken on purpose? Every
 * day of a year of real events, each as the last one of its night.
 */
export async function benchWatch(): Promise<void> {
  for (const [example, asOf] of Object.entries(EXAMPLES)) {
    await withFolder((folder) => watch(example, asOf, folder));
  }
}

async function watch(example: string, asOf: string, folder: string): Promise<void> {
  const workspace = await openExample(example, join(folder, 'bucket'));
  const drops = await workspace.ingest(() => {});
  const { manifest } = await planRun({ ...workspace, drops, purpose: 'night', asOf });
  const rows = new Map<number, UserDayRow[]>();
  let number = 0;
  for await (const { user } of eachUser(openIds(workspace.store, manifest), Number.POSITIVE_INFINITY)) {
    user.advance(parseDay(asOf));
    number += 1;
    for (const row of rowsOf(user.state, number)) {
      const own = rows.get(row.day);
      if (own) own.push(row);
      else rows.set(row.day, [row]);
    }
  }
  const days = [...rows.keys()].sort((a, b) => a - b);
  const first = days[0]!;
  const before = new Map(days.map((day) => [day, encoded(day, rows.get(day)!)]));
  const found = (day: number, own: readonly UserDayRow[]) => {
    const totals = new DayTotals(day + 1);
    for (const one of days) if (one < day && one > day - 70) totals.merge(moved(before.get(one)!, day + 1));
    for (const row of own) totals.add(stateOf([row]));
    return unusualOn(totals, day, first);
  };
  const quiet = days.flatMap((day) => found(day, rows.get(day)!).map(({ said }) => said));
  const rung = new Set(quiet.map((said) => /on (\S+):/.exec(said)![1])).size;
  console.log(`\n${example}: ${days.length} days with events, ${rung} unusual`);
  for (const said of quiet) console.log(`  ${said}`);
  // What has too little before it is not judged at all.
  const judged = days.filter((day, i) => day >= first + 35 && i % EVERY === 0);
  const found_ = Object.entries(BREAKS).map(([name, change]) => {
    const hits = judged.filter((day) => found(day, change(rows.get(day)!)).length > 0).length;
    return [name, hits, judged.length, `${Math.round((100 * hits) / judged.length)} %`];
  });
  console.log(table(['what was broken', 'found', 'of days', ''], found_));
}

function rowsOf(state: UserState, user: number): UserDayRow[] {
  return Array.from({ length: state.dayEnd - state.dayStart }, (_, k) => state.dayStart + k).map((i) => ({
    ...{ user, day: state.dayOf[i]!, type: state.dayType[i]! },
    ...{ lines: state.dayLines[i]!, visits: state.dayVisits[i]!, money: state.dayMoney[i]! },
  }));
}

/** A day's totals as text, as of the day after it. */
function encoded(day: number, rows: readonly UserDayRow[]): string {
  const totals = new DayTotals(day + 1);
  for (const row of rows) totals.add(stateOf([row]));
  return totals.encode();
}

/** The same, as of a later day. */
function moved(text: string, day: number): string {
  const told: { day: number; rows: number[][] } = JSON.parse(text);
  const rows = told.rows.map(([type, back, ...rest]) => [type!, back! + day - told.day, ...rest]);
  return JSON.stringify({ day, rows });
}
