import { z } from 'zod';
import { days } from './parts.ts';

/**
 * What a list may name, whatever the ranker says. The ranker learns without these rules, and they hold where lists are made:
 * changing one trains nothing anew.
 */
export const listRules = {
  /** Nothing that the user has bought, or not within so many days: what is bought again soon is no news. */
  exclude: z.union([z.literal('bought'), z.strictObject({ boughtWithinDays: days })]).optional(),
  /** Items, or values of `of`, that no list names. */
  never: z.array(z.string().min(1)).min(1).optional(),
  /** SQL condition (DuckDB) over the attributes of items: lists name items that meet it, and no others. */
  only: z.string().min(1, 'a condition in DuckDB’s SQL over the attributes of items').optional(),
  /** A number attribute of items: how many are left. What has none left is not listed. */
  stock: z.string().min(1).optional(),
  /** Of `stock`: items with more than so many left get `boost` on top of the ranker's score. */
  overstock: z.strictObject({ above: z.number().nonnegative(), boost: z.number() }).optional(),
  /** `again`: at most this share of a list are things the user has had before. */
  mix: z.strictObject({ again: z.number().min(0).max(1) }).optional(),
};

/** Names of the settings that are rules. */
export const LIST_RULES = Object.keys(listRules) as readonly (keyof typeof listRules)[];
