import { eventCode, parseDay } from '../../data/index.ts';
import { happens } from '../../features/index.ts';
import type { BinaryOutcomes, EvaluateContext, OutcomeCollector } from '../family.ts';
import { userTask } from './user-rows.ts';

/** Predictions beside what users did in the tasks' windows. */
export async function userOutcomes({ manifest, tasks }: EvaluateContext): Promise<OutcomeCollector> {
  const day = parseDay(manifest.asOf!);
  const compared = tasks.map((name) => {
    const into: BinaryOutcomes = { kind: 'binary', ids: [], labels: [], probabilities: [] };
    return { name, task: userTask(manifest.config, name), into };
  });
  return {
    outcomes: Object.fromEntries(compared.map(({ name, into }) => [name, into])),
    add(user, scores, row) {
      for (const { name, task, into } of compared) {
        const probability = scores.tasks[name]!.probability[row]!;
        // The population as the run knew it: by now other versions of its events may count.
        if (Number.isNaN(probability)) continue;
        const done = happens(user.outcomes, day, task.horizonDays, eventCode(task.event));
        into.ids.push(user.user);
        into.labels.push(Number(done === (task.kind === 'event')));
        into.probabilities.push(probability);
      }
    },
  };
}
