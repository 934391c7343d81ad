import type { Config, Task } from '../config/index.ts';
import { contentId } from '../data/index.ts';
import { stateSettings } from '../features/index.ts';

/** What planning a run must know of a kind of task group. What its models are is told in `lib/models`, family by family. */
interface GroupKind {
  /** Kinds of tasks that it holds. */
  readonly tasks: readonly Task['kind'][];
  /** Its tasks are learnt together by one model; else each by one of its own. */
  readonly together: boolean;
  /** What is scored: users, shard by shard as of a day, or the rows of a table, which has no day. */
  readonly over: 'users' | 'rows';
  readonly readsTexts: boolean;
}

/** In the order in which groups are trained and scored. */
const KINDS = {
  users: { tasks: ['event', 'absence'], together: true, over: 'users', readsTexts: true },
  next: { tasks: ['next'], together: false, over: 'users', readsTexts: false },
  label: { tasks: ['label'], together: false, over: 'rows', readsTexts: false },
} as const satisfies Readonly<Record<string, GroupKind>>;

/**
 * Tasks that are learnt together by one model. `users` holds every task that asks yes or no of a user: one trunk,
 * one head each. A list task ranks pairs of user and candidate, a labelled table has inputs of its own: each of them
 * is a group of one. The name carries a hash of all settings that decide what the model is, so that a model never
 * serves tasks or features it was not made for.
 */
export interface TaskGroup {
  readonly name: string;
  readonly kind: keyof typeof KINDS;
  readonly tasks: readonly string[];
}

/** Is the group about users? Then it has a day, shards and states; else it is about the rows of a table. */
export const overUsers = ({ kind }: Pick<TaskGroup, 'kind'>): boolean => KINDS[kind].over === 'users';

/**
 * The groups of a config, in a fixed order.
 * @param only one task's group alone, holding every task that is learnt with it
 */
export function taskGroups(config: Config, only?: string): TaskGroup[] {
  const kinds: [string, GroupKind][] = Object.entries(KINDS);
  const groups = kinds.flatMap(([key, { tasks: holds, together }]) => {
    const kind = key as TaskGroup['kind'];
    const names = Object.entries(config.tasks)
      .filter(([, task]) => holds.includes(task.kind))
      .map(([name]) => name)
      .sort();
    if (together) return names.length > 0 ? [group(config, kind, kind, names)] : [];
    return names.map((name) => group(config, kind, `${kind}-${name}`, [name]));
  });
  return only === undefined ? groups : groups.filter(({ tasks }) => tasks.includes(only));
}

function group(config: Config, kind: TaskGroup['kind'], name: string, tasks: string[]): TaskGroup {
  const { model, training, sources, shop, text } = config;
  // No model reads treatments, so a source of them that is added or changed concerns none.
  const settings = {
    tasks: tasks.map((task) => config.tasks[task]),
    features: stateSettings(config),
    model,
    training,
    sources: Object.fromEntries(Object.entries(sources).filter(([, { table }]) => table !== 'treatments')),
    shop,
    // Only what reads texts changes with them.
    ...(KINDS[kind].readsTexts && text ? { text } : {}),
  };
  return { name: `${name}-${contentId(settings).slice(0, 8)}`, kind, tasks };
}
