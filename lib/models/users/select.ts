import { formatDay } from '../../data/index.ts';
import type { BinaryAssessment, Validation } from '../../engine/metrics/index.ts';
import {
  type Candidate,
  type Comparison,
  compare,
  comparisonOf,
  keptNote,
  lossesOf,
} from '../candidates/index.ts';
import { heldOutMeasures, validationOf } from './held-out.ts';
import type { Known } from './known.ts';
import { materialOf, rowsWhere } from './material.ts';

/** A candidate must lower the validation loss by this much to be kept before a smaller one. */
const WORTH = 0.0005;

export interface Selected {
  readonly candidate: Candidate;
  readonly losses: { name: string; loss: number }[];
  readonly comparison: Comparison;
  readonly validation: Record<string, Validation<BinaryAssessment>>;
  readonly notes: string[];
}

/**
 * Compares the candidates on a cut-off that lies after all they were fitted on, or on users held out.
 * @param day by which everything was known: the validation cut-off, or the as-of day
 */
export async function select(
  known: Known,
  candidates: readonly Candidate[],
  day: number,
  asOf: number,
): Promise<Selected> {
  const timeSplit = day < asOf;
  const { config, heads, rows, progress } = known;
  // Without enough closed cut-offs a fold of users is held out instead, over all cut-offs.
  const heldOut = (row: number) => (timeSplit ? rows.cutoff[row] === day : rows.unit[row]! % 0.2 < 0.04);
  const validation = rowsWhere(rows, heldOut);
  progress('choosing a form');
  const compared = await compare({
    candidates,
    material: materialOf(known, day, heldOut),
    judge: async (fitted) =>
      heldOutMeasures(config, heads, rows, validation, await fitted.logits(validation), asOf),
    worth: WORTH,
  });
  const { candidate, outcomes } = compared.best;
  progress('measuring the chosen one on what was held out');
  return {
    candidate,
    losses: lossesOf(compared),
    comparison: comparisonOf(compared, timeSplit ? formatDay(day) : null),
    validation: validationOf(heads, outcomes, timeSplit ? 'day' : 'users'),
    notes: [
      timeSplit
        ? `Validated on the cut-off ${formatDay(day)}, whose windows were closed by the as-of day; everything was fitted on what was known by then.`
        : 'Too few closed cut-offs for a later slice: a fifth of the users was held out.',
      keptNote(compared),
    ],
  };
}
