import type { NextTask } from '../../config/index.ts';
import { EVENT_TYPES, eventCode, parseDay } from '../../data/index.ts';
import type { UserDay } from '../../features/index.ts';
import type { BinaryOutcomes, EvaluateContext, ListedOutcomes, OutcomeCollector } from '../family.ts';
import { listedNames, openUnits } from '../shared/index.ts';
import { audiencesOf } from './audience-model.ts';
import { nextTask } from './next-task.ts';
import { isLead } from './others.ts';

/** Lists beside what users took in the tasks' windows. */
export async function nextOutcomes({ store, manifest, tasks }: EvaluateContext): Promise<OutcomeCollector> {
  const day = parseDay(manifest.asOf!);
  const compared = await Promise.all(
    tasks.map(async (name) => {
      const task = nextTask(manifest, name);
      const unitOf = (await openUnits(store, manifest, task)).at(day);
      const wanted = audiencesOf(manifest.config, name);
      const audiences = Object.fromEntries(
        wanted.map((one): [string, BinaryOutcomes] => [
          one.name,
          { kind: 'binary', ids: [], labels: [], probabilities: [] },
        ]),
      );
      const into: ListedOutcomes = { kind: 'list', ids: [], truth: [], lists: [], k: task.k, audiences };
      return { name, task, unitOf, into, wanted };
    }),
  );
  return {
    outcomes: Object.fromEntries(compared.map(({ name, into }) => [name, into])),
    add({ user, outcomes: days }, scores, row, itemText) {
      for (const { name, task, unitOf, into, wanted } of compared) {
        const unitsIn = (from: number, to: number, types: ReadonlySet<number>) =>
          unitsBetween(days, from, to, types, (id) => unitOf(itemText(id)));
        const truth = unitsIn(day, day + task.horizonDays, new Set([eventCode(task.event)]));
        for (const { name: audience, value } of wanted) {
          const chance = scores.audiences?.[audience]?.[row] ?? Number.NaN;
          if (Number.isNaN(chance)) continue;
          const { ids, labels, probabilities } = into.audiences[audience]!;
          ids.push(user);
          labels.push(Number(truth.has(value!)));
          probabilities.push(chance);
        }
        // Lists are compared for those who took something, and whose taste could be known.
        if (truth.size === 0 || unitsIn(Number.NEGATIVE_INFINITY, day, leadsTo(task)).size === 0) continue;
        into.ids.push(user);
        into.truth.push(truth);
        into.lists.push(listedNames(scores.lists[name]?.[row]));
      }
    },
  };
}

/** Codes of the types that tell of a user's taste: the task's own and all that lead to it. */
const leadsTo = ({ event }: NextTask): ReadonlySet<number> =>
  new Set(EVENT_TYPES.filter((type) => type === event || isLead(type)).map(eventCode));

/** Distinct units that a user's events of these types name on the days [from, to). */
function unitsBetween(
  days: readonly UserDay[],
  from: number,
  to: number,
  types: ReadonlySet<number>,
  unitOf: (item: number) => string | undefined,
): Set<string> {
  const found = new Set<string>();
  for (const { day, entries, start, end } of days) {
    if (day < from || day >= to) continue;
    for (let i = start; i < end; i++) {
      if (!types.has(entries.type[i]!) || entries.item[i]! < 0) continue;
      const unit = unitOf(entries.item[i]!);
      if (unit !== undefined) found.add(unit);
    }
  }
  return found;
}
