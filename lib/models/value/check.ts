import { eventCode, formatDay, parseDay } from '../../data/index.ts';
import { happens, inPopulation } from '../../features/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import { cutoffGrid, eachUser, FEWEST_OF_EACH as FEWEST, historyStart } from '../shared/index.ts';
import { valueTask } from './value-task.ts';

/** Is there enough to learn from: customers who came back, or windows that are over and came to something? */
export async function checkValueTask({ manifest, group, users: open }: CheckContext): Promise<GroupCheck> {
  const name = group.tasks[0]!;
  const task = valueTask(manifest, name);
  const asOf = parseDay(manifest.asOf!);
  const users = await open();
  const first = await historyStart(users, asOf);
  const closed =
    first === undefined
      ? []
      : cutoffGrid(manifest.config, first, asOf).filter((cutoff) => cutoff + task.horizonDays <= asOf);
  const type = eventCode(task.event);
  let [back, came, nothing] = [0, 0, 0];
  for await (const { user } of eachUser(users, asOf)) {
    const days = user.days.filter(({ entries, start, end }) =>
      entries.type.subarray(start, end).includes(type),
    );
    if (days.length > 1) back++;
    const asked = closed.filter((cutoff) => {
      user.advance(cutoff);
      return inPopulation(task, user.state, cutoff);
    });
    const some = asked.filter((cutoff) => happens(user.days, cutoff, task.horizonDays, type));
    if (some.length > 0) came++;
    if (some.length < asked.length) nothing++;
  }
  const learnt = Math.min(came, nothing) >= FEWEST;
  if (back < FEWEST && !learnt) {
    const why =
      `${back} users had events "${task.event}" on two days before ${formatDay(asOf)}, and of windows of ${task.horizonDays} days that were over by then ` +
      `${came} users had one with such an event and ${nothing} one without; at least ${FEWEST} of the first, or of each of the others, are needed`;
    return { tasks: [], leftOut: [{ task: name, why }], warnings: [] };
  }
  if (learnt) return { tasks: [name], leftOut: [], warnings: [] };
  const why =
    closed.length === 0
      ? `no whole window of ${task.horizonDays} days was over before ${formatDay(asOf)}: the customer base's model answers alone, and how good it is cannot be measured yet`
      : `of users in windows that were over, ${came} had an event "${task.event}" and ${nothing} had none; with fewer than ${FEWEST} of each, the customer base's model answers alone`;
  return { tasks: [name], leftOut: [], warnings: [{ task: name, why }] };
}
