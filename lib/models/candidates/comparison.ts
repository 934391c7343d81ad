import { z } from 'zod';
import { measuresOf, type TaskMeasures, taskRows } from './held-out.ts';
import type { Trial } from './trial.ts';

/** What the candidates did on held-out rows, task by task, as a manifest and a report keep it. */
export interface Comparison {
  /** The cut-off that was held out, 'YYYY-MM-DD'; null where users or rows were. */
  readonly cutoff: string | null;
  readonly kept: string;
  readonly candidates: readonly {
    readonly name: string;
    /** Kinds of input: features, visits, texts. */
    readonly reads: readonly string[];
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
  cutoff: z.string().nullable(),
  kept: z.string(),
  candidates: z.array(
    z.object({
      name: z.string(),
      reads: z.array(z.string()),
      tasks: z.array(measures),
    }),
  ),
});

/** What is said of rows of a trial under some name. */
export interface Said {
  readonly name: string;
  readonly reads: readonly string[];
  /** (rows, tasks). */
  readonly logits: Float32Array;
}

/** What every candidate says of a trial's rows. */
export const saidOf = ({ logits }: Trial): Said[] =>
  [...logits].map(([{ name, reads }, said]) => ({ name, reads, logits: said }));

/** @param cutoff the cut-off that was held out; null where users or rows were */
export const comparisonOf = (
  { outcomes }: Trial,
  said: readonly Said[],
  tasks: readonly string[],
  cutoff: string | null,
  kept: string,
): Comparison => ({
  cutoff,
  kept,
  candidates: said.map(({ name, reads, logits }) => ({
    name,
    reads,
    tasks: tasks.map((task, t) => measuresOf(task, taskRows(logits, outcomes, tasks.length, t))),
  })),
});
