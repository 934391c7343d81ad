import type { RunUsers } from '../../run/index.ts';
import { eachUser } from './each-user.ts';

/** Share of the user-days that may lie before the day on which a log really begins: stray dates are no history. */
const STRAY = 0.005;

/** The shop day on which a run's events begin in earnest; undefined without events before `day`. */
export async function historyStart(users: RunUsers, day: number): Promise<number | undefined> {
  const counts = new Map<number, number>();
  let total = 0;
  for await (const { user } of eachUser(users, day)) {
    for (const { day: at } of user.days) counts.set(at, (counts.get(at) ?? 0) + 1);
    total += user.days.length;
  }
  let before = 0;
  for (const [at, count] of [...counts].sort(([a], [b]) => a - b)) {
    before += count;
    if (before > STRAY * total) return at;
  }
  return undefined;
}
