import type { Config } from '../config/index.ts';
import type { ScoreColumns } from '../score/index.ts';

/** Something that the shop may do to a user, as its config says it, in the order of names. */
export interface Action {
  readonly name: string;
  /** The yes-or-no task whose chance it raises (of an `absence` task: lowers). */
  readonly task: string;
  /** By which share of itself the chance changes, as a campaign has shown. */
  readonly lift: number;
  /** What it is worth if it works, in major units, or the value task that says it of each user. */
  readonly worth: number | string;
  readonly cost: number;
}

export const actionsOf = ({ exports: { actions = {} } }: Config): Action[] =>
  Object.entries(actions)
    .map(([name, action]) => ({ name, ...action }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * The action with the highest expected gain for a user: lift x chance x worth - cost. Undefined where none gains anything, or
 * none of their tasks asks the user.
 */
export function bestAction(
  actions: readonly Action[],
  { tasks, values }: Pick<ScoreColumns, 'tasks' | 'values'>,
  row: number,
): { readonly name: string; readonly gain: number } | undefined {
  let best: { name: string; gain: number } | undefined;
  for (const { name, task, lift, worth, cost } of actions) {
    const chance = tasks[task]?.probability[row] ?? Number.NaN;
    const each = typeof worth === 'number' ? worth : (values[worth]?.value[row] ?? Number.NaN);
    const gain = lift * chance * each - cost;
    if (gain > (best?.gain ?? 0)) best = { name, gain };
  }
  return best;
}
