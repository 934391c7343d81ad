import { eventCode, parseDay } from '../../data/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import { eachUser, type LeftOut, openUnits } from '../shared/index.ts';
import { audiencesOf } from './audience-model.ts';
import { nextTask } from './next-task.ts';

/** Values that a warning about an unknown one names at most. */
const MOST_NAMED = 10;

/**
 * Lists can always be ranked, by fixed weights if nothing can be learnt, as long as somebody ever had an item. An audience
 * of a value that nobody ever had is told of.
 */
export async function checkListTask({ store, manifest, group, users }: CheckContext): Promise<GroupCheck> {
  const name = group.tasks[0]!;
  const task = nextTask(manifest, name);
  const type = eventCode(task.event);
  const day = parseDay(manifest.asOf!);
  const audiences = audiencesOf(manifest.config, name);
  const unitOf = audiences.length > 0 ? (await openUnits(store, manifest, task)).at(day) : () => undefined;
  const missing = new Set(audiences.map(({ value }) => value!));
  const met = new Set<string>();
  let any = false;
  for await (const { user, itemText } of eachUser(await users(), day)) {
    for (const { entries, start, end } of user.days) {
      for (let i = start; i < end; i++) {
        if (entries.type[i] !== type || entries.item[i]! < 0) continue;
        any = true;
        if (missing.size === 0) break;
        const unit = unitOf(itemText(entries.item[i]!));
        if (unit === undefined) continue;
        met.add(unit);
        missing.delete(unit);
      }
    }
    if (any && missing.size === 0) break;
  }
  if (!any) {
    const why = `nobody had an event "${task.event}" with an item before ${manifest.asOf}`;
    return { tasks: [], leftOut: [{ task: name, why }], warnings: [] };
  }
  const warnings = audiences.flatMap(({ name: audience, value }): LeftOut[] => {
    if (!missing.has(value!)) return [];
    const known = [...met].sort().slice(0, MOST_NAMED);
    const others = met.size > known.length ? `, and ${met.size - known.length} more` : '';
    const choices = known.map((one) => `"${one}"`).join(', ') || 'none';
    const why =
      `exports.audiences.${audience}.value is "${value}", which nobody had by an event "${task.event}" before ` +
      `${manifest.asOf}; expected is one of ${choices}${others}. The audience stays without users until somebody has it`;
    return [{ task: name, why }];
  });
  return { tasks: [name], leftOut: [], warnings };
}
