import type { CrossFault, Parts } from './faults.ts';
import { labelFaults } from './label-checks.ts';
import type { NextTask } from './schema.ts';
import { upliftFaults } from './uplift-checks.ts';

type AttributeKind = 'numbers' | 'categories' | 'texts';

/** Names of the attributes of items, by kind. */
export const itemAttributes = (parts: Pick<Parts, 'sources'>, kind: AttributeKind): Set<string> =>
  attributesOf('items', parts, kind);

/** Names of the attributes of users, by kind. */
export const userAttributes = (parts: Pick<Parts, 'sources'>, kind: AttributeKind): Set<string> =>
  attributesOf('users', parts, kind);

function attributesOf(
  table: 'items' | 'users',
  { sources }: Pick<Parts, 'sources'>,
  kind: AttributeKind,
): Set<string> {
  return new Set(
    Object.values(sources).flatMap((source) => {
      const set = source.table === table ? source.attributes[kind] : undefined;
      return Array.isArray(set) ? set : Object.keys(set ?? {});
    }),
  );
}

/** Columns of an export are told apart without regard to case. */
function sameNames(tasks: Parts['tasks']): CrossFault[] {
  const first = new Map<string, string>();
  return Object.keys(tasks).flatMap((name) => {
    const other = first.get(name.toLowerCase());
    if (other === undefined) first.set(name.toLowerCase(), name);
    const expected = `a name that differs from "${other}" by more than its case: both name columns of the export`;
    return other === undefined ? [] : [{ path: ['tasks', name], given: name, expected }];
  });
}

export function taskFaults(parts: Parts): CrossFault[] {
  const { tasks, named } = parts;
  if (!named) return [];
  return [
    ...sameNames(tasks),
    ...Object.entries(tasks).flatMap(([name, task]): CrossFault[] => {
      if (task.kind === 'next') {
        const expected = notOfItems(task.of, parts);
        return expected === undefined
          ? ruleFaults(name, task, parts)
          : [{ path: ['tasks', name, 'of'], given: task.of, expected }];
      }
      if (task.kind === 'demand') {
        const of = notOfItems(task.of, parts);
        const stock = task.stock === undefined ? undefined : noNumberOfItems(task.stock, parts);
        return [
          ...(of === undefined ? [] : [{ path: ['tasks', name, 'of'], given: task.of, expected: of }]),
          ...(stock === undefined
            ? []
            : [{ path: ['tasks', name, 'stock'], given: task.stock, expected: stock }]),
        ];
      }
      if (task.kind === 'uplift') return upliftFaults(name, task, parts);
      const asks = task.kind === 'event' || task.kind === 'value';
      if (asks && task.knownDays !== undefined && (task.population ?? 'buyers') === 'buyers') {
        const expected = `no such setting without population: 'known', 'prospects' or a condition, which go by it`;
        return [{ path: ['tasks', name, 'knownDays'], given: task.knownDays, expected }];
      }
      return task.kind === 'label' ? labelFaults(name, task, parts) : [];
    }),
  ];
}

export function profileFaults(parts: Parts): CrossFault[] {
  const { exports, tasks, named } = parts;
  const profiles = exports?.profiles;
  if (!profiles) return [];
  const faults: CrossFault[] = [];
  const path = ['exports', 'profiles'];
  if (profiles.lostAfter <= profiles.lapsingAfter) {
    const expected = `more than exports.profiles.lapsingAfter, which is ${profiles.lapsingAfter}`;
    faults.push({ path: [...path, 'lostAfter'], given: profiles.lostAfter, expected });
  }
  const kinds = Object.values(tasks).map(({ kind }) => kind);
  if (kinds.length > 0 && kinds.every((kind) => kind === 'label')) {
    const expected = 'a task over users beside it: profiles are of the users that a night scores';
    faults.push({ path, given: undefined, expected });
  }
  const { interests, mostInterests } = profiles;
  if (mostInterests !== undefined && interests === undefined) {
    const expected = 'no such setting without "interests", which says what they are told in';
    faults.push({ path: [...path, 'mostInterests'], given: mostInterests, expected });
  }
  const expected = interests !== undefined && named ? notOfItems(interests, parts) : undefined;
  if (expected !== undefined) faults.push({ path: [...path, 'interests'], given: interests, expected });
  return faults;
}

/** What is expected in place of a name that is neither 'item' nor a category attribute of items. */
function notOfItems(of: string, parts: Parts): string | undefined {
  const categories = itemAttributes(parts, 'categories');
  if (of === 'item' || !allKnown(parts) || categories.has(of)) return undefined;
  const choices = ['item', ...categories].map((one) => `"${one}"`).join(', ');
  return `"item" or a category attribute of a source whose table is "items": ${choices}`;
}

/** Actions go by the scores of tasks. */
export function actionFaults({ exports, tasks }: Parts): CrossFault[] {
  const named = (kinds: readonly string[]) =>
    Object.entries(tasks).flatMap(([name, { kind }]) => (kinds.includes(kind) ? [name] : []));
  const fault = (action: string, setting: string, given: unknown, what: string, names: readonly string[]) => {
    const choices = names.map((one) => `"${one}"`).join(', ') || 'none';
    return {
      path: ['exports', 'actions', action, setting],
      given,
      expected: `${what} (there are: ${choices})`,
    };
  };
  const money = Object.entries(tasks).flatMap(([name, task]) =>
    task.kind === 'value' && task.of === 'money' ? [name] : [],
  );
  return Object.entries(exports?.actions ?? {}).flatMap(([name, { task, worth, lift }]) => {
    const chances = named(['event', 'absence']);
    return [
      ...(tasks[task]?.kind === 'absence' && lift > 1
        ? [
            {
              path: ['exports', 'actions', name, 'lift'],
              given: lift,
              expected: 'at most 1: a chance to stay away can be lowered by all of itself at most',
            },
          ]
        : []),
      ...(chances.includes(task)
        ? []
        : [fault(name, 'task', task, 'a task of kind "event" or "absence"', chances)]),
      ...(typeof worth === 'number' || money.includes(worth)
        ? []
        : [fault(name, 'worth', worth, 'an amount, or a task of kind "value" that is of money', money)]),
    ];
  });
}

/** What is expected of a number attribute of items, where it is something else. */
function noNumberOfItems(given: string, parts: Parts): string | undefined {
  const numbers = itemAttributes(parts, 'numbers');
  if (!allKnown(parts) || numbers.has(given)) return undefined;
  const choices = [...numbers].map((one) => `"${one}"`).join(', ') || 'there are none';
  return `a number attribute of a source whose table is "items": ${choices}`;
}

/** A source that is wrong may be the one that has what is missed. */
const allKnown = ({ sources, named }: Parts): boolean => [...(named ?? [])].every((name) => sources[name]);

/** Groups are told by what is said of users. */
export function fairnessFaults({ fairness, sources, named }: Parts): CrossFault[] {
  if (!fairness || !named || ![...named].every((name) => sources[name])) return [];
  const known = userAttributes({ sources }, 'categories');
  return fairness.attributes.flatMap((given, i) => {
    if (known.has(given)) return [];
    const choices = [...known].map((one) => `"${one}"`).join(', ') || 'none';
    const expected = `a category attribute of a source whose table is "users" (there are: ${choices})`;
    return [{ path: ['fairness', 'attributes', i], given, expected }];
  });
}

/** Rules of a list that name what there is not. */
function ruleFaults(name: string, task: NextTask, parts: Parts): CrossFault[] {
  const { of, only, stock, overstock } = task;
  const faults: CrossFault[] = [];
  const path = (rule: string) => ['tasks', name, rule];
  const expected = stock === undefined ? undefined : noNumberOfItems(stock, parts);
  if (expected !== undefined) {
    faults.push({ path: path('stock'), given: stock, expected });
  }
  if (
    allKnown(parts) &&
    only !== undefined &&
    !Object.values(parts.sources).some(({ table }) => table === 'items')
  ) {
    const expected = 'a source whose table is "items", whose attributes the condition reads';
    faults.push({ path: path('only'), given: only, expected });
  }
  if (overstock && (stock === undefined || of !== 'item')) {
    const expected = `no such setting without "stock" and of: 'item': it goes by what is left of an item`;
    faults.push({ path: path('overstock'), given: overstock, expected });
  }
  return faults;
}
