import type { CrossFault, Parts } from './faults.ts';
import type { LabelTask, Source } from './schema.ts';

/** What is wrong with a task of kind 'label' beside its own settings. */
export function labelFaults(name: string, task: LabelTask, { sources, named }: Parts): CrossFault[] {
  const fault = (setting: string, given: unknown, expected: string): CrossFault => ({
    path: ['tasks', name, ...setting.split('.')],
    given,
    expected,
  });
  if (task.separator !== undefined && task.answers !== 'any-of') {
    const expected = `no such setting without answers: 'any-of', whose labels it tells apart`;
    return [fault('separator', task.separator, expected)];
  }
  if (task.positive !== '1' && (task.answers ?? 'yes-no') !== 'yes-no') {
    const expected = `no such setting with answers: '${task.answers}', which has no label that counts as yes`;
    return [fault('positive', task.positive, expected)];
  }
  const isWrong = (source: string) => named?.has(source) && !sources[source];
  const nameOf = (table: string) =>
    `the name of a source whose table is "${table}" (sources: ${[...named!].join(', ')})`;
  const learnt = sources[task.source];
  if (learnt?.table !== 'labels')
    return isWrong(task.source) ? [] : [fault('source', task.source, nameOf('labels'))];
  if (!task.unlabelled) return [];
  const asked = sources[task.unlabelled.source];
  if (asked?.table !== 'unlabelled') {
    const given = task.unlabelled.source;
    return isWrong(given) ? [] : [fault('unlabelled.source', given, nameOf('unlabelled'))];
  }
  const has = new Set(attributesOf(asked));
  const lacking = attributesOf(learnt).find(
    (attribute) => !has.has(attribute) && !task.exclude.includes(attribute.slice(attribute.indexOf(' ') + 1)),
  );
  if (lacking === undefined) return [];
  const expected = `the attributes that the task learns from in "${task.source}": map the ${lacking} there, too, or name it in tasks.${name}.exclude`;
  return [{ path: ['sources', task.unlabelled.source, 'attributes'], given: [...has], expected }];
}

const KINDS = { numbers: 'number', categories: 'category', texts: 'text' } as const;

/** 'number age', 'text body': attributes of a source with their kinds. */
function attributesOf({ attributes }: Extract<Source, { attributes: unknown }>): string[] {
  return Object.entries(KINDS).flatMap(([key, kind]) => {
    const set = attributes[key as keyof typeof KINDS];
    return (Array.isArray(set) ? set : Object.keys(set ?? {})).map((attribute) => `${kind} ${attribute}`);
  });
}
