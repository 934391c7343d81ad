import type { BootstrapInterval } from './bootstrap.ts';
import type { Numbers } from './input.ts';

/** A 95 % interval over resampled users; null where the measure is not defined. */
export type Interval = readonly [low: number, high: number] | null;

/** Draws of a bootstrap, and the steps of work from which on there are fewer of them, down to FEWEST_DRAWS. */
const DRAWS = 1000;
const FEWEST_DRAWS = 200;
const MOST_STEPS = 2e8;

/** How many times to resample: fewer where a draw is much work. @param steps of one draw, about */
export function drawsFor(steps: number): number {
  return Math.max(FEWEST_DRAWS, Math.min(DRAWS, Math.floor(MOST_STEPS / Math.max(1, steps))));
}

export function intervalOf({ low, high }: BootstrapInterval): Interval {
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : null;
}

/** Users numbered from 0 in the order of the rows given, per row its user's; without users each row is one. */
export function numberUsers(
  rows: ArrayLike<number>,
  users: Numbers | undefined,
): { userOf: Int32Array; users: number } {
  const numbers = new Map<number, number>();
  const userOf = Int32Array.from(rows, (row) => {
    const user = users ? users[row]! : row;
    let number = numbers.get(user);
    if (number === undefined) numbers.set(user, (number = numbers.size));
    return number;
  });
  return { userOf, users: numbers.size };
}
