import { eventCode, parseDay } from '../../data/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import { eachUser } from '../shared/index.ts';
import { nextTask } from './next-task.ts';

/** Lists can always be ranked, by fixed weights if nothing can be learnt, as long as somebody ever had an item. */
export async function checkListTask({ manifest, group, users }: CheckContext): Promise<GroupCheck> {
  const name = group.tasks[0]!;
  const task = nextTask(manifest, name);
  const type = eventCode(task.event);
  for await (const { user } of eachUser(await users(), parseDay(manifest.asOf!))) {
    for (const { entries, start, end } of user.days) {
      for (let i = start; i < end; i++) {
        if (entries.type[i] === type && entries.item[i]! >= 0) {
          return { tasks: [name], leftOut: [], warnings: [] };
        }
      }
    }
  }
  const why = `nobody had an event "${task.event}" with an item before ${manifest.asOf}`;
  return { tasks: [], leftOut: [{ task: name, why }], warnings: [] };
}
