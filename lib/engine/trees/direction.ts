import type { Answer, Space, Sums, Units } from './space.ts';
import { rowsOf } from './units.ts';

/** A split with where missing values will go when no row of the leaf lacks the value: where more rows go. */
export function withDirection(
  answer: Answer,
  space: Space,
  slot: number,
  position: number,
  sums: Sums,
  units: Units,
): Answer {
  if (space.hasMissing(slot, position)) return answer;
  return { ...answer, missingLeft: 2 * rowsOf(answer.left, units) > rowsOf(sums, units) };
}
