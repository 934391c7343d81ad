import {
  type Config,
  type LabelTask,
  LIST_RULES,
  labelsText,
  type Task,
  usersText,
} from '../config/index.ts';
import { contentId } from '../data/index.ts';
import { stateSettings } from '../features/index.ts';

/** What planning a run must know of a kind of task group. What its models are is told in `lib/models`, family by family. */
interface GroupKind {
  /** Kinds of tasks that it holds. */
  readonly tasks: readonly Task['kind'][];
  /** Which tasks of these kinds; default: all. */
  readonly only?: (task: Task) => boolean;
  /** Name of the group that learns a task, behind that of its kind; '' where there is one for all of them. */
  readonly within: (task: Task, name: string) => string;
  /** What is scored: users, shard by shard as of a day; items, all at once as of a day; or the rows of a table, which has no day. */
  readonly over: 'users' | 'items' | 'rows';
  /** What its models read texts with: a group changes with it. */
  readonly texts: (config: Config, tasks: readonly string[]) => object | undefined;
}

const RULES: ReadonlySet<string> = new Set(LIST_RULES);

const itself = (_: Task, name: string): string => name;

const noTexts = () => undefined;
const usersTexts = ({ text }: Config) => text && usersText(text);

/** Only a table that has texts is read with them. */
function rowsTexts({ text, tasks: all, sources }: Config, tasks: readonly string[]): object | undefined {
  const hasTexts = tasks.some((name) => {
    const task = all[name];
    const source = task?.kind === 'label' ? sources[task.source] : undefined;
    return source?.table === 'labels' && Object.keys(source.attributes.texts ?? {}).length > 0;
  });
  return text && hasTexts ? labelsText(text) : undefined;
}

/** In the order in which groups are trained and scored. */
const KINDS = {
  users: { tasks: ['event', 'absence'], within: populationName, over: 'users', texts: usersTexts },
  value: { tasks: ['value'], within: itself, over: 'users', texts: noTexts },
  next: { tasks: ['next'], within: itself, over: 'users', texts: noTexts },
  demand: { tasks: ['demand'], within: unitName, over: 'items', texts: noTexts },
  label: { tasks: ['label'], within: itself, over: 'rows', texts: rowsTexts },
  uplift: { tasks: ['uplift'], only: ofCampaigns, within: itself, over: 'users', texts: noTexts },
  'uplift-table': { tasks: ['uplift'], only: ofTable, within: itself, over: 'rows', texts: noTexts },
} as const satisfies Readonly<Record<string, GroupKind>>;

/** Buyers and visitors are learnt apart: what tells visitors apart says little of buyers, and of visitors there are many more. */
function populationName(task: Task): string {
  const { population = 'buyers' } = task.kind === 'event' ? task : {};
  if (typeof population === 'object') return `where-${contentId(population.where).slice(0, 8)}`;
  return population === 'buyers' ? '' : population;
}

/** Is the trial a labelled table? Else the treatments of the shop's users tell of it. */
function ofTable(task: Task): boolean {
  return task.kind === 'uplift' && task.source !== undefined;
}

function ofCampaigns(task: Task): boolean {
  return task.kind === 'uplift' && task.source === undefined;
}

/** What is forecast: items, or the values of an attribute, whose name may hold signs that keys do not. */
function unitName(task: Task): string {
  const { of = 'item' } = task.kind === 'demand' ? task : {};
  if (of === 'item') return '';
  return /^[\w-]+$/.test(of) ? of : contentId(of).slice(0, 8);
}

/**
 * Tasks that are learnt together by one model. `users` holds every task that asks yes or no of a buyer: one trunk,
 * one head each; `users-known` and `users-prospects` hold those that ask others, `users-where-<hash>` those that ask who meets a condition. A list task ranks pairs of user and candidate, a labelled table has inputs of its own: each of them
 * is a group of one. `demand` holds the tasks that forecast items, `demand-<attribute>` those that forecast its values. The name carries a hash of all settings that decide what the model is, so that a model never
 * serves tasks or features it was not made for.
 */
export interface TaskGroup {
  readonly name: string;
  readonly kind: keyof typeof KINDS;
  readonly tasks: readonly string[];
}

/** Does the group read who was treated? */
export const readsTreatments = ({ kind }: Pick<TaskGroup, 'kind'>): boolean => kind === 'uplift';

/** Is the group about users? Then it has shards and states; else it is scored whole. */
export const overUsers = ({ kind }: Pick<TaskGroup, 'kind'>): boolean => KINDS[kind].over === 'users';

/** Is the group asked as of a day? Only the rows of a labelled table are not. */
export const isDated = ({ kind }: Pick<TaskGroup, 'kind'>): boolean => KINDS[kind].over !== 'rows';

/** The rows without a label that a task answers; undefined where it answers none. */
export function unlabelledOf({ tasks }: Pick<Config, 'tasks'>, name: string): LabelTask['unlabelled'] {
  const task = tasks[name];
  return task?.kind === 'label' ? task.unlabelled : undefined;
}

/** Name of the exported table of a group that is scored whole: `table-<task>`, `demand`, `demand-<attribute>`. */
export const tableName = ({ kind, name, tasks }: TaskGroup): string =>
  // A group of items is one table, which is named without the hash of its settings.
  KINDS[kind].over === 'rows' ? `table-${tasks[0]}` : name.slice(0, name.lastIndexOf('-'));

/**
 * The groups of a config, in a fixed order.
 * @param only one task's group alone, holding every task that is learnt with it
 */
export function taskGroups(config: Config, only?: string): TaskGroup[] {
  const kinds: [string, GroupKind][] = Object.entries(KINDS);
  const groups = kinds.flatMap(([key, { tasks: holds, only: those = () => true, within }]) => {
    const kind = key as TaskGroup['kind'];
    const names = new Map<string, string[]>();
    for (const name of Object.keys(config.tasks).sort()) {
      const task = config.tasks[name]!;
      if (!holds.includes(task.kind) || !those(task)) continue;
      const own = within(task, name);
      names.set(own, [...(names.get(own) ?? []), name]);
    }
    return [...names]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([own, tasks]) => group(config, kind, own === '' ? kind : `${kind}-${own}`, tasks));
  });
  return only === undefined ? groups : groups.filter(({ tasks }) => tasks.includes(only));
}

function group(config: Config, kind: TaskGroup['kind'], name: string, tasks: string[]): TaskGroup {
  const { model, training, sources, shop } = config;
  const text = KINDS[kind].texts(config, tasks);
  // Hardly any model reads treatments, and none learns from rows without a label: a source of them that is added or changed
  // concerns no other.
  const settings = {
    tasks: tasks.map((task) => learnt(config.tasks[task]!)),
    features: stateSettings(config),
    model,
    training,
    sources: Object.fromEntries(
      Object.entries(sources).filter(
        ([, { table }]) => (kind === 'uplift' || table !== 'treatments') && table !== 'unlabelled',
      ),
    ),
    shop,
    // Only what reads texts changes with them.
    ...(text ? { text } : {}),
  };
  return { name: `${name}-${contentId(settings).slice(0, 8)}`, kind, tasks };
}

/**
 * A task as its model learns it. The rules of a list hold where lists are made, and rows without a label are only answered: a model
 * serves under any of them.
 */
function learnt(task: Task): object {
  const without = (names: ReadonlySet<string>) =>
    Object.fromEntries(Object.entries(task).filter(([name]) => !names.has(name)));
  if (task.kind === 'next') return without(RULES);
  return task.kind === 'label' ? without(ANSWERED) : task;
}

const ANSWERED: ReadonlySet<string> = new Set(['unlabelled']);
