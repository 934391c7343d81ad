/** A task needs so many users (rows of a table) of either outcome to be learnt. */
export const FEWEST_OF_EACH = 10;
