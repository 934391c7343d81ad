/** A task needs so many users (rows of a table) of either outcome to be learnt. */
export const FEWEST_OF_EACH = 10;
/** With fewer than so many of either, what is believed before any data is seen takes part. */
export const ENOUGH_OF_EACH = 100;
