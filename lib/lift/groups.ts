import { DataError } from '../data/index.ts';
import type { Person } from './people.ts';
import type { Design } from './question.ts';
import type { EarlierScores } from './scores.ts';
import type { Campaign } from './treatments.ts';

/** An arm of fewer users is not compared. */
const FEWEST_USERS = 50;
/** The users of one arm, side by side. */
export interface Group {
  readonly arm: string;
  readonly converted: Float64Array;
  /** Major units. */
  readonly money: Float64Array;
  /** In the order of the names of covariates; the first is money. */
  readonly covariates: readonly Float64Array[];
}

/** @param minor minor units in a major one */
export function groupsOf(
  { arms }: Design,
  people: ReadonlyMap<string, Person>,
  minor: number,
  scores: EarlierScores | undefined,
): Group[] {
  // In one order, however the drops came: sums of floats depend on it.
  const all = [...people].sort(([a], [b]) => (a < b ? -1 : 1));
  return arms.map((arm, place) => {
    const own = all.filter(([, person]) => person.arm === place);
    const column = (of: (person: Person, user: string) => number) =>
      Float64Array.from(own, ([user, person]) => of(person, user));
    return {
      arm,
      converted: column(({ done }) => Number(done > 0)),
      money: column(({ money }) => money / minor),
      covariates: [
        column(({ moneyBefore }) => moneyBefore / minor),
        column(({ doneBefore }) => doneBefore),
        ...(scores ? [column((_, user) => scores.probabilities.get(user) ?? 0)] : []),
      ],
    };
  });
}

/** @throws DataError for arms of too few users */
export function checkSizes({ name }: Campaign, groups: readonly Group[]): void {
  const small = groups.filter(({ money }) => money.length < FEWEST_USERS);
  if (small.length === 0) return;
  const told = small.map(({ arm, money }) => `${arm} has ${money.length}`).join(', ');
  throw new DataError(
    `campaign "${name}" has too few users to compare: ${told}, and ${FEWEST_USERS} in each arm are needed for an interval that means anything`,
  );
}

/** Users of a group with the event in their window. */
export const countConverted = ({ converted }: Group): number =>
  converted.reduce((sum, value) => sum + value, 0);
