import type { Config, Task } from '../config/index.ts';
import { contentId } from '../data/index.ts';
import { stateSettings } from '../features/index.ts';

/**
 * Tasks that are learnt together by one model. `users` holds every task that asks yes or no of a user: one trunk,
 * one head each. A list task ranks pairs of user and candidate, a labelled table has inputs of its own: each of them
 * is a group of one. The name carries a hash of all settings that decide what the model is, so that a model never
 * serves tasks or features it was not made for.
 */
export interface TaskGroup {
  readonly name: string;
  readonly kind: 'users' | 'next' | 'label';
  readonly tasks: readonly string[];
}

/**
 * The groups of a config, in a fixed order.
 * @param only one task's group alone, holding every task that is learnt with it
 */
export function taskGroups(config: Config, only?: string): TaskGroup[] {
  const named = (test: (task: Task) => boolean) =>
    Object.entries(config.tasks)
      .filter(([, task]) => test(task))
      .map(([name]) => name)
      .sort();
  const users = named((task) => task.kind === 'event' || task.kind === 'absence');
  const groups = [
    ...(users.length > 0 ? [group(config, 'users', 'users', users)] : []),
    ...named((task) => task.kind === 'next').map((task) => group(config, 'next', `next-${task}`, [task])),
    ...named((task) => task.kind === 'label').map((task) => group(config, 'label', `label-${task}`, [task])),
  ];
  return only === undefined ? groups : groups.filter(({ tasks }) => tasks.includes(only));
}

function group(config: Config, kind: TaskGroup['kind'], name: string, tasks: string[]): TaskGroup {
  const { model, training, sources, shop, text } = config;
  const settings = {
    tasks: tasks.map((task) => config.tasks[task]),
    features: stateSettings(config),
    model,
    training,
    sources,
    shop,
    // Only what reads texts changes with them.
    ...(kind === 'users' && text ? { text } : {}),
  };
  return { name: `${name}-${contentId(settings).slice(0, 8)}`, kind, tasks };
}
