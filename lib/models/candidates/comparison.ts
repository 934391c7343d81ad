import { z } from 'zod';
import { formatDay } from '../../data/index.ts';
import type { Candidate } from './candidate.ts';
import { measuresOf, type TaskMeasures, type TaskRows, taskRows } from './held-out.ts';
import type { Trial } from './trial.ts';

/** What the candidates did on held-out rows, task by task, as a manifest and a report keep it. */
export interface Comparison {
  /** Cut-offs that were held out, 'YYYY-MM-DD', ascending; none where users or rows were. */
  readonly days: readonly string[];
  readonly kept: string;
  readonly candidates: readonly {
    readonly name: string;
    /** Kinds of input: features, visits, texts. */
    readonly reads: readonly string[];
    /** Over the rows of all trials at which it answered. */
    readonly tasks: readonly TaskMeasures[];
  }[];
}

const measures = z.object({
  task: z.string(),
  n: z.number(),
  auroc: z.number().nullable(),
  auprc: z.number().nullable(),
  logLoss: z.number().nullable(),
});

export const comparisonSchema: z.ZodType<Comparison> = z.object({
  days: z.array(z.string()).default([]),
  kept: z.string(),
  candidates: z.array(
    z.object({
      name: z.string(),
      reads: z.array(z.string()),
      tasks: z.array(measures),
    }),
  ),
});

/** What is said of rows under some name. */
export interface Said {
  readonly name: string;
  readonly reads: readonly string[];
  /** (rows, tasks) of a trial; undefined where it was not tried there. */
  logits(trial: Trial): Float32Array | undefined;
}

/** What every candidate says of a trial's rows. */
export const saidOf = (candidates: readonly Candidate[]): Said[] =>
  candidates.map((one) => ({
    name: one.name,
    reads: one.reads,
    logits: ({ logits }) => logits.get(one),
  }));

/** Leaves out those that were never tried. */
export function comparisonOf(
  trials: readonly Trial[],
  said: readonly Said[],
  tasks: readonly string[],
  kept: string,
): Comparison {
  const days = trials.flatMap(({ day }) => (day === null ? [] : [formatDay(day)]));
  const measured = ({ logits }: Said, t: number): TaskMeasures => {
    const all: TaskRows = { labels: [], logits: [], at: [] };
    for (const trial of trials) {
      const own = logits(trial);
      if (!own) continue;
      const rows = taskRows(own, trial.outcomes, tasks.length, t);
      for (const [i, label] of rows.labels.entries()) {
        all.labels.push(label);
        all.logits.push(rows.logits[i]!);
      }
    }
    return measuresOf(tasks[t]!, all);
  };
  return {
    days,
    kept,
    candidates: said
      .filter((one) => trials.some((trial) => one.logits(trial)))
      .map((one) => ({
        name: one.name,
        reads: one.reads,
        tasks: tasks.map((_, t) => measured(one, t)),
      })),
  };
}
