import type { Choice } from './choose.ts';
import { taskRows } from './held-out.ts';
import { chosenLogits } from './selected.ts';
import type { Trial } from './trial.ts';

/** What the chosen form says of one task's rows of its latest past day, fitted on what was known by then. */
export interface LatestRows {
  readonly task: string;
  /** Shop day as of which the users were scored; their windows were over when the model was trained. */
  readonly day: number;
  /** Per row a number in [0, 1) of whose it is, as a float32. */
  readonly users: readonly number[];
  /** 1 or 0. */
  readonly labels: readonly number[];
  readonly logits: readonly number[];
}

/** The latest rows of each task that was judged at a past day. @param trials ascending by day */
export function latestRows(choice: Choice, trials: readonly Trial[], tasks: readonly string[]): LatestRows[] {
  return tasks.flatMap((task, t) => {
    for (const trial of trials.toReversed()) {
      if (trial.day === null) continue;
      const { labels, logits, at } = taskRows(chosenLogits(choice, trial), trial.outcomes, tasks.length, t);
      if (labels.length > 0) {
        return [{ task, day: trial.day, users: at.map((row) => trial.users[row]!), labels, logits }];
      }
    }
    return [];
  });
}
