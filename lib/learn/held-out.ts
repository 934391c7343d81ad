import type { Config } from '../config/index.ts';
import { type Head, predictPropensity } from '../models/index.ts';
import { auroc, averagePrecision, logLoss } from '../train/index.ts';
import type { Fitted } from './material.ts';
import type { UserRows } from './row-table.ts';
import { userTask } from './user-rows.ts';

/** How one candidate did on held-out rows, by task. */
export interface TaskMeasures {
  readonly task: string;
  readonly n: number;
  readonly auroc: number | null;
  readonly auprc: number | null;
  readonly logLoss: number | null;
}

/** Labels and probabilities of the held-out rows of each task whose whole window was over by a day. */
async function wholeWindows(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  at: Int32Array,
  { shape, parameters, tokens, text }: Fitted,
  through: number,
): Promise<{ labels: number[]; probabilities: number[] }[]> {
  const logits = await predictPropensity(
    shape,
    parameters,
    { ...rows, tokens, text },
    at,
    config.training.threads,
  );
  return heads.map(({ task }, t) => {
    const { horizonDays } = userTask(config, task);
    const labels: number[] = [];
    const probabilities: number[] = [];
    at.forEach((row, i) => {
      const outcome = rows.outcomes[row * heads.length + t]!;
      if (Number.isNaN(outcome) || rows.cutoff[row]! + horizonDays > through) return;
      labels.push(outcome);
      probabilities.push(1 / (1 + Math.exp(-logits[i * heads.length + t]!)));
    });
    return { labels, probabilities };
  });
}

/**
 * How a fitted candidate does on held-out rows.
 * @param through windows that are not over by this day do not count
 * @returns the mean over the tasks of the log loss of whole windows, and the measures of each
 */
export async function heldOutMeasures(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  at: Int32Array,
  fitted: Fitted,
  through: number,
): Promise<{ loss: number; tasks: TaskMeasures[] }> {
  const outcomes = await wholeWindows(config, heads, rows, at, fitted, through);
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
  return { loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length, tasks };
}
