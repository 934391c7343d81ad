import { blendLogits, fitBlend } from '../../engine/metrics/index.ts';

/** How strongly weights are drawn to equal ones, see `fitBlend`: by one day, and by rows that tell of others like them. */
const DAYS_PENALTY = 0.1;
const ROWS_PENALTY = 0.02;

/**
 * Weights of members in a blend, see `fitBlend`, over all rows they were judged at. Rows of one day go up and down together:
 * what one day says of the next is worth less than its rows are many.
 * @param logits per member, one a row, of all days
 * @param days that the rows are of; 0 where users or rows were held out
 */
export const blendWeights = (
  logits: readonly (readonly number[])[],
  labels: readonly number[],
  days: number,
): number[] =>
  logits.length === 1
    ? [1]
    : fitBlend(logits, labels, { penalty: days > 0 ? DAYS_PENALTY / days : ROWS_PENALTY });

/** What the members of a blend said of the rows of one trial. */
export interface SaidRows {
  readonly day: number | null;
  /** Per member, one a row. */
  readonly logits: readonly (readonly number[])[];
  readonly labels: readonly number[];
  /** Whose the rows are. */
  readonly users: readonly number[];
}

/**
 * What a blend says of each trial's rows by weights that were not fitted on them: those of the other trials, or of the other
 * users where there is one trial alone.
 */
export function blendedApart(trials: readonly SaidRows[]): number[][] {
  const [only] = trials;
  if (only && trials.length === 1) return [acrossFolds(only)];
  return trials.map((one) => {
    const others = trials.filter((other) => other !== one);
    const weights = blendWeights(
      one.logits.map((_, m) => others.flatMap(({ logits }) => logits[m]!)),
      others.flatMap(({ labels }) => labels),
      others.filter(({ day }) => day !== null).length,
    );
    return [...blendLogits(one.logits, weights)];
  });
}

/** Parts of the users, each of which is blended by weights of the others. */
const FOLDS = 5;

/** A user's rows are in one part. */
function acrossFolds({ day, logits, labels, users }: SaidRows): number[] {
  const places = new Map([...new Set(users)].sort((a, b) => a - b).map((user, i) => [user, i % FOLDS]));
  const folds = users.map((user) => places.get(user)!);
  const blended = new Array<number>(labels.length).fill(0);
  for (let fold = 0; fold < FOLDS; fold++) {
    const outside = (_: unknown, i: number) => folds[i] !== fold;
    const kept = labels.filter(outside);
    // Of one outcome alone, or of nobody, weights would say nothing.
    const known = kept.includes(0) && kept.includes(1);
    const others = logits.map((own) => own.filter(outside));
    const weights = known
      ? blendWeights(others, kept, day === null ? 0 : 1)
      : logits.map(() => 1 / logits.length);
    blendLogits(logits, weights).forEach((logit, i) => {
      if (folds[i] === fold) blended[i] = logit;
    });
  }
  return blended;
}
