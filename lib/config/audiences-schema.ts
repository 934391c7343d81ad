import { z } from 'zod';
import { name } from './parts.ts';

/** Users of an audience at most: whoever writes one holds it in memory. */
export const MOST_IN_AUDIENCE = 500_000;

/** Folders of hashed addresses stand beside those of the audiences. */
const TAKEN = ['parquet', 'csv'];

const audience = z
  .strictObject({
    /** A `next` task, or an `event` or `absence` task. */
    task: z.string(),
    /** Of a `next` task: the item or the value of its attribute. */
    value: z.string().min(1).optional(),
    /** So many users with the highest probability … */
    top: z.number().int().min(1).max(MOST_IN_AUDIENCE).optional(),
    /** … or all whose probability is above this. */
    above: z.number().gt(0).lt(1).optional(),
  })
  .refine(
    ({ top, above }) => (top === undefined) !== (above === undefined),
    'one of top, a number of users, and above, a probability',
  );

/** Lists of the users who are most likely to do something, by name. */
export const audiences = z
  .record(
    name.refine(
      (one) => !TAKEN.includes(one),
      `another name than ${TAKEN.join(' and ')}: folders have these`,
    ),
    audience,
  )
  .refine((given) => Object.keys(given).length > 0, 'at least one audience, or no such setting');
