import type { Candidate, Fitted, Judged, Material } from './candidate.ts';

/** Candidates with what they did on held-out rows, in the order of the list, and the one that is kept. */
export interface Compared<T> {
  readonly best: Judged & T;
  readonly all: readonly (Judged & T)[];
}

/**
 * Fits the candidates that apply, one after the other, and judges each.
 * @param judge how a fitted candidate does on held-out rows; `loss` decides
 * @param worth by how much one must lower the loss to be kept before one that stands earlier in the list
 */
export async function compare<T extends { readonly loss: number }>(args: {
  candidates: readonly Candidate[];
  material: Material;
  judge: (fitted: Fitted) => Promise<T>;
  worth: number;
}): Promise<Compared<T>> {
  const { candidates, material, judge, worth } = args;
  const all: (Judged & T)[] = [];
  let best: (Judged & T) | undefined;
  for (const candidate of candidates) {
    if (!candidate.applies(material, all)) continue;
    material.progress(`form ${all.length + 1}: ${candidate.name}`);
    const fitted = await candidate.fit(material, all);
    const judged = { candidate, fitted, ...(await judge(fitted)) };
    all.push(judged);
    if (!best || judged.loss < best.loss - worth) best = judged;
  }
  if (!best) throw new Error('none of the candidates applies');
  return { best, all };
}

/** 'Kept: linear (held-out loss linear 0.4321, linear + MLP 0.4320).' */
export function keptNote({ best, all }: Compared<unknown>): string {
  const told = all.map(({ candidate, loss }) => `${candidate.name} ${loss.toFixed(4)}`).join(', ');
  return `Kept: ${best.candidate.name} (held-out loss ${told}).`;
}

/** How one candidate did on held-out rows of a task. */
export interface TaskMeasures {
  readonly task: string;
  readonly n: number;
  readonly auroc: number | null;
  readonly auprc: number | null;
  readonly logLoss: number | null;
}

/** What the candidates did on held-out rows, task by task, as a manifest and a report keep it. */
export interface Comparison {
  /** The cut-off that was held out, 'YYYY-MM-DD'; null where users were. */
  readonly cutoff: string | null;
  readonly kept: string;
  readonly candidates: readonly {
    readonly name: string;
    /** Kinds of input: features, visits, texts. */
    readonly reads: readonly string[];
    readonly tasks: readonly TaskMeasures[];
  }[];
}

/** @param cutoff the cut-off that was held out; null where users were */
export const comparisonOf = (
  { best, all }: Compared<{ readonly tasks: readonly TaskMeasures[] }>,
  cutoff: string | null,
): Comparison => ({
  cutoff,
  kept: best.candidate.name,
  candidates: all.map(({ candidate: { name, reads }, tasks }) => ({ name, reads, tasks })),
});

/** The losses as a manifest keeps them. */
export const lossesOf = ({ all }: Compared<unknown>): { name: string; loss: number }[] =>
  all.map(({ candidate, loss }) => ({ name: candidate.name, loss }));
