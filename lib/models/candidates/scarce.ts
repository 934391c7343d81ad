import { fitDrift } from '../../engine/metrics/index.ts';
import type { Candidate } from './candidate.ts';
import type { Choice } from './choose.ts';

/**
 * A choice in which one candidate answers some tasks alone, whatever was said of the others there.
 * @param alone per task
 */
export function answeredAlone(choice: Choice, by: Candidate, alone: readonly boolean[]): Choice {
  const members = choice.members.includes(by) ? choice.members : [...choice.members, by];
  const tasks = choice.tasks.map((task, t) => ({
    ...task,
    weights: members.map((one, m) => (alone[t] ? Number(one === by) : (task.weights[m] ?? 0))),
  }));
  // Who has lost all that it was a member for need not be fitted.
  const used = members.filter((_, m) => tasks.some(({ weights }) => weights[m]! > 0));
  return {
    ...choice,
    members: used,
    tasks: tasks.map((task) => ({
      ...task,
      weights: task.weights.filter((_, m) => used.includes(members[m]!)),
    })),
    kept: used.length === 1 ? used[0]!.name : 'blend',
  };
}

/** A choice of one candidate that nothing was judged of. */
export const unjudged = (by: Candidate, tasks: number): Choice => ({
  members: [by],
  tasks: Array.from({ length: tasks }, () => ({ weights: [1], slope: 1, intercept: 0 })),
  kept: by.name,
  losses: [],
  corrections: Array.from({ length: tasks }, () => fitDrift([])),
  unanswered: Array.from({ length: tasks }, () => []),
  forms: [],
});
