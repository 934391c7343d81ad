import type { CrossFault, Parts } from './faults.ts';
import type { UpliftTask } from './schema.ts';

const OF_TABLES = ['arm', 'outcome', 'positive', 'exclude'] as const;
const OF_CAMPAIGNS = ['event', 'horizonDays', 'population', 'knownDays'] as const;

/** What is wrong with a task of kind 'uplift': it is of a labelled table, or of campaigns. */
export function upliftFaults(name: string, task: UpliftTask, parts: Parts): CrossFault[] {
  const fault = (setting: string, given: unknown, expected: string): CrossFault => ({
    path: ['tasks', name, setting],
    given,
    expected,
  });
  if ((task.source === undefined) === (task.campaigns === undefined)) {
    const expected =
      'either source (a labelled table with a row for each user of a trial) or campaigns (of the treatments), one of the two';
    return [{ path: ['tasks', name], given: undefined, expected }];
  }
  const both = task.treated.filter((arm) => task.control.includes(arm));
  const ofTable = task.source !== undefined;
  const foreign = (ofTable ? OF_CAMPAIGNS : OF_TABLES).filter((setting) => task[setting] !== undefined);
  return [
    ...(both.length > 0 ? [fault('control', both, 'other arms than those of treated')] : []),
    ...foreign.map((setting) =>
      fault(setting, task[setting], `no such setting of a task by ${ofTable ? 'source' : 'campaigns'}`),
    ),
    ...(ofTable ? tableFaults(task, parts, fault) : campaignFaults(task, parts, fault)),
  ];
}

type Fault = (setting: string, given: unknown, expected: string) => CrossFault;

function tableFaults(task: UpliftTask, { sources, named }: Parts, fault: Fault): CrossFault[] {
  const source = sources[task.source!];
  if (source?.table !== 'labels') {
    // A source that is wrong by itself is told by itself.
    if (!source && named!.has(task.source!)) return [];
    const names = [...named!].join(', ');
    return [fault('source', task.source, `the name of a source whose table is "labels" (sources: ${names})`)];
  }
  const namesOf = (...kinds: ('numbers' | 'categories')[]) =>
    kinds.flatMap((kind) => {
      const set = source.attributes[kind];
      return Array.isArray(set) ? set : Object.keys(set ?? {});
    });
  const told = (names: readonly string[]) => names.map((one) => `"${one}"`).join(', ') || 'there are none';
  const categories = namesOf('categories');
  const all = namesOf('numbers', 'categories');
  return [
    ...(task.arm === undefined || !categories.includes(task.arm)
      ? [fault('arm', task.arm, `a category attribute of source "${task.source}": ${told(categories)}`)]
      : []),
    ...(task.outcome !== undefined && (!all.includes(task.outcome) || task.outcome === task.arm)
      ? [
          fault(
            'outcome',
            task.outcome,
            `a number or category attribute of source "${task.source}" that is not the arm: ${told(all)}`,
          ),
        ]
      : []),
    ...(task.of === 'amount' && task.positive !== undefined
      ? [fault('positive', task.positive, "no such setting where of is 'amount': the outcome is a number")]
      : []),
  ];
}

function campaignFaults(task: UpliftTask, { sources, named }: Parts, fault: Fault): CrossFault[] {
  const known = Object.keys(sources).length === named!.size;
  const treatments = Object.values(sources).some(({ table }) => table === 'treatments');
  return [
    ...(known && !treatments
      ? [fault('campaigns', task.campaigns, 'a source whose table is "treatments" beside it')]
      : []),
    ...(task.horizonDays === undefined ? [fault('horizonDays', undefined, 'a whole number of days')] : []),
    ...(task.knownDays !== undefined && task.population === 'buyers'
      ? [fault('knownDays', task.knownDays, "no such setting where population is 'buyers'")]
      : []),
  ];
}
