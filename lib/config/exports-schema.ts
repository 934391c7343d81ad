import { z } from 'zod';
import { audiences } from './audiences-schema.ts';
import { days, eventType, name } from './parts.ts';

/** Groups of users that yes-or-no tasks are measured for, one by one. */
export const fairness = z
  .strictObject({
    /** Category attributes of `users` sources, such as an age band. */
    attributes: z.array(z.string()).min(1),
    /** A group whose mean probability is off by more than this from what happened is told as a warning. */
    bound: z.number().positive().max(1).default(0.1),
  })
  .optional();

/** What the table of profiles is made by. Days are shop days; gaps are those between days with a purchase. */
const profiles = z.strictObject({
  /** Whose first purchase is at most this many days ago is new. */
  newDays: days.default(30),
  /** A gap of this many days counts beside a user's own ones: what is expected of someone who bought once. */
  gapDays: days.default(45),
  /** A user lapses, and is lost, when the last purchase is more than so many expected gaps ago … */
  lapsingAfter: z.number().positive().default(2),
  lostAfter: z.number().positive().default(4),
  /** … but nobody lapses within this many days. */
  leastDays: days.default(14),
  /** Who came back after being lost stays won back for this many days. */
  wonBackDays: days.default(30),
  /** 'item', or an item category attribute: what a user's interests are told in; left out: they are not told. */
  interests: z.string().optional(),
  /** Interests of a user that are named at most; default: 3. */
  mostInterests: z.number().int().min(1).max(20).optional(),
  /** Also how anomalous each buyer is, and why: returns and orders unlike those of others. */
  anomaly: z.boolean().optional(),
});

export const exportsSchema = z
  .strictObject({
    formats: z
      .array(z.enum(['parquet', 'csv.gz']))
      .min(1)
      .default(['parquet', 'csv.gz']),
    /**
     * What CSV holds of a text that a spreadsheet would take for a formula: it with an apostrophe in front ('guard', the
     * default), or it as it is ('keep').
     */
    csvFormulas: z.enum(['guard', 'keep']).optional(),
    /** Share of users held out of every campaign, by a stable hash of the user. */
    controlShare: z.number().min(0).max(0.5).default(0.05),
    /** How many of the strongest reasons stand beside each probability. */
    reasons: z.number().int().min(0).max(10).default(3),
    /** Also why each entry of a list stands there, as facts such as 'bought 4 times, last 32 days ago'. */
    listReasons: z.boolean().optional(),
    /** A table of what goes with each item: in the same basket, and within so many days behind it. `true`: the defaults. */
    items: z
      .union([
        z.boolean(),
        z.strictObject({ event: eventType.default('purchase'), withinDays: days.default(30) }),
      ])
      .optional(),
    /** What the shop may do to a user: the one with the highest expected gain is told for each. */
    actions: z
      .record(
        name,
        z.strictObject({
          /** An `event` task whose chance it raises, or an `absence` task whose chance it lowers. */
          task: z.string(),
          /** By which share of itself the chance changes: 0.08 makes 25 % 27 %. `nightjar lift` measures it. */
          lift: z.number().positive().max(5),
          /** What it is worth where it works, in major units of money: a number, or a value task. */
          worth: z.union([z.number().positive(), z.string()]),
          cost: z.number().nonnegative().default(0),
        }),
      )
      .refine((actions) => Object.keys(actions).length > 0, 'at least one action, or no such setting')
      .optional(),
    /** Who is most likely to take an item or a value of its attributes, or to do what a task asks about: a list each. */
    audiences: audiences.optional(),
    /** Also a table `profiles`: lifecycle, recency, frequency and money, habits and segment of each user. */
    profiles: z
      .union([z.boolean().transform((on) => (on ? profiles.parse({}) : undefined)), profiles], {
        error: 'true, false, or settings such as { gapDays: 30 }',
      })
      .optional(),
  })
  .prefault({});
