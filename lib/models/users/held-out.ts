import type { Config } from '../../config/index.ts';
import { formatDay } from '../../data/index.ts';
import {
  assessBinary,
  auroc,
  averagePrecision,
  type BinaryAssessment,
  logLoss,
  type Validation,
} from '../../engine/metrics/index.ts';
import type { Head, TaskMeasures } from '../candidates/index.ts';
import { probabilityOf } from '../shared/index.ts';
import type { UserRows } from './row-table.ts';
import { userTask } from './user-rows.ts';

/** Held-out rows of one task whose whole window was over by a day. */
export interface HeldOutRows {
  readonly labels: number[];
  readonly probabilities: number[];
  /** Whose row each is: a number per user. */
  readonly users: number[];
  /** First and last cut-off among them. */
  readonly first: number;
  readonly last: number;
}

/** The held-out rows of each task whose whole window was over by a day. @param logits (at.length, tasks) */
function wholeWindows(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  at: Int32Array,
  logits: Float32Array,
  through: number,
): HeldOutRows[] {
  return heads.map(({ task }, t) => {
    const { horizonDays } = userTask(config, task);
    const labels: number[] = [];
    const probabilities: number[] = [];
    const users: number[] = [];
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    at.forEach((row, i) => {
      const outcome = rows.outcomes[row * heads.length + t]!;
      const cutoff = rows.cutoff[row]!;
      if (Number.isNaN(outcome) || cutoff + horizonDays > through) return;
      labels.push(outcome);
      probabilities.push(probabilityOf(logits[i * heads.length + t]!));
      users.push(rows.unit[row]!);
      first = Math.min(first, cutoff);
      last = Math.max(last, cutoff);
    });
    return { labels, probabilities, users, first, last };
  });
}

/**
 * How a fitted candidate does on held-out rows.
 * @param at their numbers
 * @param logits what it says of them, (at.length, tasks)
 * @param through windows that are not over by this day do not count
 * @returns the mean over the tasks of the log loss of whole windows, the measures of each, and its rows
 */
export function heldOutMeasures(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  at: Int32Array,
  logits: Float32Array,
  through: number,
): { loss: number; tasks: TaskMeasures[]; outcomes: HeldOutRows[] } {
  const outcomes = wholeWindows(config, heads, rows, at, logits, through);
  const losses = outcomes.map(({ labels, probabilities }) =>
    labels.length > 0 ? logLoss(labels, probabilities) : 0,
  );
  const tasks = outcomes.map(({ labels, probabilities }, t) => {
    const both = labels.includes(0) && labels.includes(1);
    return {
      task: heads[t]!.task,
      n: labels.length,
      auroc: both ? auroc(labels, probabilities) : null,
      auprc: both ? averagePrecision(labels, probabilities) : null,
      logLoss: labels.length > 0 ? losses[t]! : null,
    };
  });
  return { loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length, tasks, outcomes };
}

/** Validation figures of the tasks that have held-out rows, by task. */
export function validationOf(
  heads: readonly Head[],
  outcomes: readonly HeldOutRows[],
  by: 'day' | 'users',
): Record<string, Validation<BinaryAssessment>> {
  return Object.fromEntries(
    outcomes.flatMap(({ labels, probabilities, users, first, last }, t) =>
      labels.length === 0
        ? []
        : [
            [
              heads[t]!.task,
              {
                by,
                days: [formatDay(first), formatDay(last)] as const,
                assessment: assessBinary(labels, probabilities, users),
              },
            ],
          ],
    ),
  );
}
