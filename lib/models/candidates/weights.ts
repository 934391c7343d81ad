import { fitBlend } from '../../engine/metrics/index.ts';

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
