import { formatDay, parseDay } from '../../data/index.ts';
import { amountWithin, populationOf } from '../../features/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import {
  type Asked,
  cutoffGrid,
  eachUser,
  FEWEST_OF_EACH as FEWEST,
  historyStart,
  openAsking,
} from '../shared/index.ts';
import { valueTask } from './value-task.ts';

/** Is there enough to learn from: customers who came back, or windows that are over and came to something? */
export async function checkValueTask({
  store,
  manifest,
  group,
  users: open,
}: CheckContext): Promise<GroupCheck> {
  const name = group.tasks[0]!;
  const task = valueTask(manifest, name);
  const asOf = parseDay(manifest.asOf!);
  const users = await open();
  const first = await historyStart(users, asOf);
  const closed =
    first === undefined
      ? []
      : cutoffGrid(manifest.config, first, asOf).filter((cutoff) => cutoff + task.horizonDays <= asOf);
  let [back, came, nothing] = [0, 0, 0];
  const asking = await openAsking(store, manifest, [{ name, task }]);
  // Of those who meet a condition, few may have come back, however many of the others have.
  const conditional = populationOf(task).who === 'where';
  let judged: { readonly shard: number; readonly asked: Asked } | undefined;
  for await (const { user, shard, walk } of eachUser(users, asOf)) {
    if (judged?.shard !== shard) {
      judged = { shard, asked: await asking.shard(shard, walk, [...closed, asOf]) };
    }
    const { asks } = judged.asked;
    const asked = closed.filter((cutoff) => {
      user.advance(cutoff);
      return asks(0, user, cutoff);
    });
    const paid = user.days.filter((day) => amountWithin([day], day.day, task) > 0);
    if (conditional) user.advance(asOf);
    if (paid.length > 1 && (!conditional || asks(0, user, asOf))) back++;
    const some = asked.filter((cutoff) => amountWithin(user.outcomes, cutoff, task) > 0);
    if (some.length > 0) came++;
    if (some.length < asked.length) nothing++;
  }
  const learnt = Math.min(came, nothing) >= FEWEST;
  // Of who never had the event the customer base's model says nothing.
  const based = back >= FEWEST && task.population !== 'prospects';
  if (!based && !learnt) {
    const why =
      `windows of ${task.horizonDays} days that were over before ${formatDay(asOf)} came to something for ${came} users and to nothing for ` +
      `${nothing}; at least ${FEWEST} of each are needed` +
      (task.population === 'prospects'
        ? ': drop older events, or shorten horizonDays'
        : `, or ${FEWEST} users to whom it came on two days (there are ${back}): drop older events, shorten horizonDays, or map the price if none is`);
    return { tasks: [], leftOut: [{ task: name, why }], warnings: [] };
  }
  if (learnt) return { tasks: [name], leftOut: [], warnings: [] };
  const why =
    closed.length === 0
      ? `no whole window of ${task.horizonDays} days was over before ${formatDay(asOf)}: the customer base's model answers alone, and how good it is cannot be measured yet`
      : `windows that were over came to something for ${came} users and to nothing for ${nothing}; with fewer than ${FEWEST} of each, the customer base's model answers alone`;
  return { tasks: [name], leftOut: [], warnings: [{ task: name, why }] };
}
