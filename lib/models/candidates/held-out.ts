import { auroc, averagePrecision, logLoss } from '../../engine/metrics/index.ts';
import { probabilityOf } from '../shared/index.ts';

/** How one candidate did on held-out rows of a task. */
export interface TaskMeasures {
  readonly task: string;
  readonly n: number;
  readonly auroc: number | null;
  readonly auprc: number | null;
  readonly logLoss: number | null;
}

/** What is known of one task's rows, and what was said of them. */
export interface TaskRows {
  readonly labels: number[];
  readonly logits: number[];
  /** Places of the rows. */
  readonly at: number[];
}

/**
 * The rows of one task that count.
 * @param logits (rows, tasks) what was said of them; where it is NaN the row does not count
 * @param outcomes (rows, tasks)
 */
export function taskRows(
  logits: Float32Array,
  outcomes: Float32Array,
  tasks: number,
  task: number,
): TaskRows {
  const rows: TaskRows = { labels: [], logits: [], at: [] };
  for (let i = 0; i < outcomes.length / tasks; i++) {
    const outcome = outcomes[i * tasks + task]!;
    const logit = logits[i * tasks + task]!;
    if (Number.isNaN(outcome) || Number.isNaN(logit)) continue;
    rows.labels.push(outcome);
    rows.logits.push(logit);
    rows.at.push(i);
  }
  return rows;
}

export const lossOf = ({ labels, logits }: Pick<TaskRows, 'labels' | 'logits'>): number =>
  logLoss(labels, logits.map(probabilityOf));

/** The mean over the tasks that are answered and have rows of their log loss; NaN where there is none. */
export function meanLossOf(logits: Float32Array, outcomes: Float32Array, tasks: number): number {
  const losses: number[] = [];
  for (let task = 0; task < tasks; task++) {
    const rows = taskRows(logits, outcomes, tasks, task);
    if (rows.labels.length > 0) losses.push(lossOf(rows));
  }
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

export function measuresOf(
  task: string,
  { labels, logits }: Pick<TaskRows, 'labels' | 'logits'>,
): TaskMeasures {
  const probabilities = logits.map(probabilityOf);
  const both = labels.includes(0) && labels.includes(1);
  return {
    task,
    n: labels.length,
    auroc: both ? auroc(labels, probabilities) : null,
    auprc: both ? averagePrecision(labels, probabilities) : null,
    logLoss: labels.length > 0 ? logLoss(labels, probabilities) : null,
  };
}
