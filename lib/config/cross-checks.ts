import { audienceFaults } from './audience-checks.ts';
import { deploySchema, mergeSettings } from './deploy-schema.ts';
import type { CrossFault, Parts } from './faults.ts';
import { machineFaults } from './machines.ts';
import { configSchema, type Source } from './schema.ts';
import { actionFaults, fairnessFaults, profileFaults, taskFaults } from './task-checks.ts';
import { usersText } from './text-schema.ts';

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
    ...behaviourFaults(parts),
    ...momentumFaults(parts),
    ...textFaults(parts),
    ...environmentFaults(parts),
    ...nightlyFaults(parts),
    ...Object.entries(parts.sources).flatMap(([name, source]) => sourceFaults(name, source, parts)),
    ...prefixFaults(parts),
    ...taskFaults(parts),
    ...fairnessFaults(parts),
    ...actionFaults(parts),
    ...audienceFaults(parts),
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
  const encoder = text && usersText(text).encoder;
  if (typeof encoder === 'object' && encoder.width % encoder.heads !== 0) {
    const expected = `a divisor of text.encoder.width, which is ${encoder.width}`;
    faults.push({ path: ['text', 'encoder', 'heads'], given: encoder.heads, expected });
  }
  return faults;
}

function behaviourFaults({ model }: Parts): CrossFault[] {
  if (model?.behaviour === undefined || model.layers > 0) return [];
  const expected = 'at least 1 with model.behaviour: 0 layers leave out what reads visits';
  return [{ path: ['model', 'layers'], given: model.layers, expected }];
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
      ((source.table === 'items' || source.table === 'labels') &&
        Object.keys(source.attributes.texts ?? {}).length > 0),
  );
  // A source that is wrong may be the one that has them.
  const known = named !== undefined && [...named].every((name) => sources[name]);
  if (!text || texts || !known) return [];
  const expected =
    'a source of events with a column "text", or one of items or labels with attributes "texts", to read';
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

/** Tables whose drops tell which days they reach. */
const DATED: ReadonlySet<string> = new Set(['events', 'unlabelled']);

function nightlyFaults({ nightly, sources, named }: Parts): CrossFault[] {
  if (!named) return [];
  return (nightly?.expect ?? [])
    .filter((name) => !DATED.has(sources[name]?.table ?? '') && !(named.has(name) && !sources[name]))
    .map((given) => ({
      path: ['nightly', 'expect'],
      given,
      expected: 'names of sources whose table is "events" or "unlabelled"',
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
