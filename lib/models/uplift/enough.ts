import { FEWEST_OF_EACH } from '../shared/index.ts';
import type { UpliftTable } from './rows.ts';

/** An arm of fewer rows tells nothing of effects. */
const FEWEST_ROWS = 200;

/** Why there is too little to learn an effect from; undefined where there is enough. */
export function tooLittle({ treated, outcomes, binary, rows }: UpliftTable): string | undefined {
  const counts = [0, 0];
  const some = [0, 0];
  for (let row = 0; row < rows; row++) {
    const arm = treated[row]!;
    counts[arm]!++;
    some[arm]! += Number(outcomes[row]! !== 0);
  }
  const told = (of: readonly number[]) => `${of[1]} of the treated and ${of[0]} of the control`;
  if (Math.min(...counts) < FEWEST_ROWS) {
    return `there are ${told(counts)} to learn from; at least ${FEWEST_ROWS} of each are needed`;
  }
  const none = counts.map((count, arm) => count - some[arm]!);
  const fewest = Math.min(...some, ...(binary ? none : []));
  if (fewest >= FEWEST_OF_EACH) return undefined;
  return (
    `the outcome came for ${told(some)}, of ${told(counts)}; at least ${FEWEST_OF_EACH} of each with it` +
    `${binary ? ' and without it' : ''} are needed`
  );
}
