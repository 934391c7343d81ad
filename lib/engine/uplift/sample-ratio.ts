import { chiSquareTail } from './distributions.ts';
import { UpliftError } from './errors.ts';

export interface SampleRatio {
  /** Users that each group would have by the intended shares. */
  readonly expected: readonly number[];
  /** Pearson's chi-square with one degree of freedom less than there are groups. */
  readonly chiSquare: number;
  /** How likely a split at least as far off is by chance. */
  readonly pValue: number;
}

/**
 * Do the groups have the sizes that were intended? A mismatch says that somebody was lost, or chosen, on the way (Fabijan et al.
 * 2019, "Diagnosing sample ratio mismatch in online controlled experiments", KDD).
 * @param users of each group
 * @param shares intended, in the same order; they need not add up to one
 * @throws UpliftError unless there are two groups at least, with a positive share each
 */
export function sampleRatio(users: readonly number[], shares: readonly number[]): SampleRatio {
  const all = users.reduce((sum, n) => sum + n, 0);
  if (
    users.length !== shares.length ||
    users.length < 2 ||
    all === 0 ||
    !shares.every((share) => share > 0)
  ) {
    throw new UpliftError(
      `groups of ${users.join(', ')} users were given with the shares ${shares.join(', ')}; ` +
        'a positive share for each of at least two groups is expected, and a user',
    );
  }
  const total = shares.reduce((sum, share) => sum + share, 0);
  const expected = shares.map((share) => (all * share) / total);
  const chiSquare = expected.reduce((sum, n, i) => sum + (users[i]! - n) ** 2 / n, 0);
  return { expected, chiSquare, pValue: chiSquareTail(chiSquare, users.length - 1) };
}
