import type { z } from 'zod';
import { deploySchema, mergeSettings } from './deploy-schema.ts';
import { machineFaults } from './machines.ts';
import { type Config, configSchema, type NextTask, type Source } from './schema.ts';

/** What is wrong with a setting, given others. */
export interface CrossFault {
  readonly path: readonly PropertyKey[];
  readonly given?: unknown;
  readonly expected: string;
  /** Where a schema has told it, which has words of its own. */
  readonly issue?: z.core.$ZodIssue;
}

/** The parts of a config that are right by themselves: of sources, tasks and environments each entry. */
export type Parts = Partial<Omit<Config, 'sources' | 'tasks' | 'environments'>> &
  Pick<Config, 'sources' | 'tasks' | 'environments'> & {
    /** Names of all sources, the wrong ones too; undefined where they are not even named. */
    readonly named: ReadonlySet<string> | undefined;
  };

/** The right parts of what a person wrote, so that one wrong setting hides no fault elsewhere. */
export function partsOf(input: unknown): Parts {
  const given: Record<string, unknown> = isRecord(input) ? input : {};
  const parsed: Record<string, unknown> = {};
  const { sources, tasks, environments, ...rest } = configSchema.shape;
  for (const [key, schema] of Object.entries(rest)) {
    const result = schema.safeParse(given[key]);
    if (result.success) parsed[key] = result.data;
  }
  const entries = (
    key: string,
    schema: { valueType: { safeParse(value: unknown): { success: boolean; data?: unknown } } },
  ) =>
    Object.fromEntries(
      Object.entries(isRecord(given[key]) ? given[key] : {}).flatMap(([name, value]) => {
        const result = schema.valueType.safeParse(value);
        return result.success ? [[name, result.data] as const] : [];
      }),
    );
  return {
    ...parsed,
    sources: entries('sources', sources),
    tasks: entries('tasks', tasks),
    environments: entries('environments', environments.unwrap()),
    named: isRecord(given.sources) ? new Set(Object.keys(given.sources)) : undefined,
  } as Parts;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Faults that no setting has by itself, in the order of the settings. */
export function crossFaults(parts: Parts): CrossFault[] {
  return [
    ...widthFaults(parts),
    ...momentumFaults(parts),
    ...textFaults(parts),
    ...environmentFaults(parts),
    ...nightlyFaults(parts),
    ...Object.entries(parts.sources).flatMap(([name, source]) => sourceFaults(name, source, parts)),
    ...prefixFaults(parts),
    ...taskFaults(parts),
    ...fairnessFaults(parts),
    ...actionFaults(parts),
    ...profileFaults(parts),
  ];
}

function widthFaults({ model, text }: Parts): CrossFault[] {
  const faults: CrossFault[] = [];
  const { sequence = 'transformer', layers = 0 } = model ?? {};
  const attends = (layers > 0 && sequence === 'transformer') || text !== undefined;
  if (model && attends && model.width % model.heads !== 0) {
    const expected = `a divisor of model.width, which is ${model.width}`;
    faults.push({ path: ['model', 'heads'], given: model.heads, expected });
  }
  const encoder = text?.encoder;
  if (typeof encoder === 'object' && encoder.width % encoder.heads !== 0) {
    const expected = `a divisor of text.encoder.width, which is ${encoder.width}`;
    faults.push({ path: ['text', 'encoder', 'heads'], given: encoder.heads, expected });
  }
  return faults;
}

function momentumFaults({ training }: Parts): CrossFault[] {
  if (training?.momentum === undefined || training.optimiser === 'sgd') return [];
  const expected = `no such setting with the optimiser '${training.optimiser ?? 'adamw'}': only 'sgd' has a momentum`;
  return [{ path: ['training', 'momentum'], given: training.momentum, expected }];
}

function textFaults({ text, sources, named }: Parts): CrossFault[] {
  const texts = Object.values(sources).some(
    (source) =>
      (source.table === 'events' && source.columns.text !== undefined) ||
      (source.table === 'items' && Object.keys(source.attributes.texts ?? {}).length > 0),
  );
  // A source that is wrong may be the one that has them.
  const known = named !== undefined && [...named].every((name) => sources[name]);
  if (!text || texts || !known) return [];
  const expected =
    'a source of events with a column "text", or one of items with attributes "texts", to read';
  return [{ path: ['text'], given: undefined, expected }];
}

const sameFault = ({ path, given, expected }: Omit<CrossFault, 'issue'>): string =>
  JSON.stringify([path, given, expected]);

function environmentFaults({ deploy, environments }: Parts): CrossFault[] {
  if (!deploy) return [];
  const machines = machineFaults(deploy);
  const told = new Set(machines.map(sameFault));
  return [
    ...machines.map((fault) => ({ ...fault, path: ['deploy', ...fault.path] })),
    ...Object.entries(environments).flatMap(([environment, overrides]) => {
      const merged = deploySchema.safeParse(mergeSettings(deploy, overrides), { reportInput: true });
      const at = (path: readonly PropertyKey[]) => ['environments', environment, ...path];
      // What is wrong in all environments is told once.
      if (merged.success) {
        const own = machineFaults(merged.data).filter((fault) => !told.has(sameFault(fault)));
        return own.map((fault) => ({ ...fault, path: at(fault.path) }));
      }
      return merged.error.issues.map(
        (issue): CrossFault => ({
          path: at(issue.path),
          expected: issue.message,
          issue: { ...issue, path: at(issue.path) },
        }),
      );
    }),
  ];
}

function nightlyFaults({ nightly, sources, named }: Parts): CrossFault[] {
  if (!named) return [];
  return (nightly?.expect ?? [])
    .filter((name) => sources[name]?.table !== 'events' && !(named.has(name) && !sources[name]))
    .map((given) => ({
      path: ['nightly', 'expect'],
      given,
      expected: 'names of sources whose table is "events"',
    }));
}

function sourceFaults(name: string, source: Source, { shop }: Parts): CrossFault[] {
  const faults: CrossFault[] = [];
  if (source.table === 'events' && source.columns.currency !== undefined && shop && !shop.currency) {
    const expected = `the shop's currency, which columns.currency of "${name}" is compared with`;
    faults.push({ path: ['shop', 'currency'], given: undefined, expected });
  }
  const expected = newestByFault(source);
  if (expected !== undefined) {
    faults.push({ path: ['sources', name, 'newestBy'], given: source.newestBy, expected });
  }
  const { delimiter, quote } = source.csv;
  if (source.format === 'csv' && (delimiter === quote || delimiter === source.csv.escape)) {
    const other = `another character than csv.${delimiter === quote ? 'quote' : 'escape'}`;
    faults.push({ path: ['sources', name, 'csv', 'delimiter'], given: delimiter, expected: other });
  }
  const rules = source.rules.map((rule) => rule.name);
  const twice = rules.find((rule, i) => rules.indexOf(rule) < i);
  if (twice !== undefined) {
    faults.push({
      path: ['sources', name, 'rules'],
      given: twice,
      expected: 'a name of its own for each rule',
    });
  }
  faults.push(...splitFaults(name, source));
  if (source.table === 'labels' && source.unnest !== undefined) {
    const none = 'no unnest: a label belongs to one row of the file';
    faults.push({ path: ['sources', name, 'unnest'], given: source.unnest, expected: none });
  }
  return faults;
}

function splitFaults(name: string, source: Source): CrossFault[] {
  if (source.table !== 'labels' || !source.split) return [];
  const { testFrom, train, test } = source.split;
  const path = ['sources', name, 'split'];
  if (source.columns.split !== undefined)
    return [{ path, given: source.split, expected: 'one of split and columns.split: each splits the table' }];
  const byDay = testFrom !== undefined && !train && !test;
  const byValues = testFrom === undefined && train && test;
  if (!byDay && !byValues) {
    const expected = 'testFrom, the first day of the test rows, or train and test, values of the column';
    return [{ path, given: source.split, expected }];
  }
  const values = [...(train ?? []), ...(test ?? [])];
  const twice = values.find((value, i) => values.indexOf(value) < i);
  if (twice === undefined) return [];
  return [{ path, given: twice, expected: 'each value once, in train or in test' }];
}

/** Files of one prefix would go to one of the sources, whichever comes first. */
function prefixFaults({ sources }: Parts): CrossFault[] {
  const owners = new Map<string, string>();
  return Object.entries(sources).flatMap(([name, { prefix = `${name}/` }]) => {
    const owner = owners.get(prefix);
    if (owner === undefined) owners.set(prefix, name);
    const expected = `another prefix than that of "${owner}": a file belongs to one source`;
    return owner === undefined ? [] : [{ path: ['sources', name, 'prefix'], given: prefix, expected }];
  });
}

/** Names of the attributes of items, by kind. */
export function itemAttributes(
  { sources }: Pick<Parts, 'sources'>,
  kind: 'numbers' | 'categories' | 'texts',
): Set<string> {
  return new Set(
    Object.values(sources).flatMap((source) => {
      const set = source.table === 'items' ? source.attributes[kind] : undefined;
      return Array.isArray(set) ? set : Object.keys(set ?? {});
    }),
  );
}

function taskFaults(parts: Parts): CrossFault[] {
  const { tasks, sources, named } = parts;
  if (!named) return [];
  return Object.entries(tasks).flatMap(([name, task]): CrossFault[] => {
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
    const asks = task.kind === 'event' || task.kind === 'value';
    if (asks && task.knownDays !== undefined && (task.population ?? 'buyers') === 'buyers') {
      const expected = `no such setting without population: 'known' or 'prospects', which go by it`;
      return [{ path: ['tasks', name, 'knownDays'], given: task.knownDays, expected }];
    }
    if (task.kind !== 'label' || sources[task.source]?.table === 'labels') return [];
    if (named.has(task.source) && !sources[task.source]) return [];
    const expected = `the name of a source whose table is "labels" (sources: ${[...named].join(', ')})`;
    return [{ path: ['tasks', name, 'source'], given: task.source, expected }];
  });
}

function profileFaults(parts: Parts): CrossFault[] {
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
  const { interests } = profiles;
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
function actionFaults({ exports, tasks }: Parts): CrossFault[] {
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
  return Object.entries(exports?.actions ?? {}).flatMap(([name, { task, worth }]) => {
    const [chances, values] = [named(['event', 'absence']), named(['value'])];
    return [
      ...(chances.includes(task)
        ? []
        : [fault(name, 'task', task, 'a task of kind "event" or "absence"', chances)]),
      ...(typeof worth === 'number' || values.includes(worth)
        ? []
        : [fault(name, 'worth', worth, 'an amount, or a task of kind "value"', values)]),
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
function fairnessFaults({ fairness, sources, named }: Parts): CrossFault[] {
  if (!fairness || !named || ![...named].every((name) => sources[name])) return [];
  const known = new Set(
    Object.values(sources).flatMap((source) => {
      const set = source.table === 'users' ? source.attributes.categories : undefined;
      return Array.isArray(set) ? set : Object.keys(set ?? {});
    }),
  );
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

/** What is expected of `newestBy`, where it is something else. */
function newestByFault({ table, key = [], newestBy }: Source): string | undefined {
  if (newestBy === undefined) return undefined;
  if (table !== 'events') return 'no such setting: only events have versions';
  if (key.length === 0)
    return 'a "key" beside it: without one, lines of different files are different events';
  const given = new Set(newestBy);
  if (given.size < newestBy.length || newestBy.filter((term) => term !== 'drop').length > 1) {
    return `'drop' and one column or expression, each at most once`;
  }
  return undefined;
}
