import { z } from 'zod';
import { listRules } from './list-rules.ts';
import { days, eventType, name } from './parts.ts';

const sql = z.string().min(1, 'a condition in DuckDB SQL');

/**
 * Who is asked: 'buyers' have done it before; 'known' have done anything within `knownDays` before the as-of time;
 * 'prospects' are those of the known who have never done it; { where: condition }: who meets a condition in SQL over features
 * of behaviour and attributes of users, of those who have done anything before. Default: 'buyers'.
 */
const population = z
  .union([z.enum(['buyers', 'known', 'prospects']), z.strictObject({ where: sql })], {
    error: `'buyers', 'known', 'prospects', or { where: 'a condition in SQL' }`,
  })
  .optional();
/** Of 'known' and 'prospects', default: 90; of a condition, default: at any time before. */
const knownDays = days.optional();

const eventTask = z.strictObject({
  kind: z.literal('event'),
  /** Will the user do this … */
  event: eventType.default('purchase'),
  /** … within this many days from the as-of time? */
  horizonDays: days,
  population,
  knownDays,
});

const valueTask = z.strictObject({
  kind: z.literal('value'),
  event: eventType.default('purchase'),
  /** What is summed over the events of the window: their money, how many orders (visits with one), or their units. */
  of: z.enum(['money', 'orders', 'units']).default('money'),
  horizonDays: days,
  population,
  knownDays,
});

const absenceTask = z.strictObject({
  kind: z.literal('absence'),
  event: eventType.default('purchase'),
  horizonDays: days,
  /** Population: those who have done it within this many days before the as-of time. */
  activeDays: days,
});

const nextTask = z.strictObject({
  kind: z.literal('next'),
  event: eventType.default('purchase'),
  /** 'item', or the name of an item category attribute. */
  of: z.string().default('item'),
  horizonDays: days,
  k: z.number().int().min(1).max(100).default(10),
  ...listRules,
});

const demandTask = z.strictObject({
  kind: z.literal('demand'),
  /** How many units of each item will have such an event … */
  event: eventType.default('purchase'),
  /** 'item', or the name of an item category attribute, whose values are forecast in place of items. */
  of: z.string().default('item'),
  /** … within this many days from the as-of time? */
  horizonDays: days.max(365, 'at most 365 days'),
  /** A number attribute of items: units in stock, for the chance that they do not last. */
  stock: z.string().optional(),
});

const labelTask = z.strictObject({
  kind: z.literal('label'),
  /** The source of the labelled table. */
  source: name,
  /**
   * What a label is: yes or no (`positive` or another), one of several classes, any number of several labels, or a number. Default:
   * 'yes-no'.
   */
  answers: z.enum(['yes-no', 'one-of', 'any-of', 'number']).optional(),
  /** Of 'yes-no': the label's value that counts as 1. */
  positive: z.string().default('1'),
  /** Of 'any-of': what stands between two labels of a row. A row whose label begins with `[` is a JSON list. Default: a comma. */
  separator: z.string().min(1).optional(),
  /** Attributes this task must not see, for example one that is only known after the fact. */
  exclude: z.array(z.string()).default([]),
  /** A source of rows without a label: those that came within `days` shop days before the as-of day are answered, too. */
  unlabelled: z.strictObject({ source: name, days: days.default(7) }).optional(),
});

const upliftTask = z.strictObject({
  kind: z.literal('uplift'),
  /** The source of a labelled table with a row for each user of a trial, or … */
  source: name.optional(),
  /** … campaigns of the `treatments`, whose users the shop's own events tell of. */
  campaigns: z.array(z.string()).min(1).optional(),
  /** Of a table: the category attribute that names each row's arm. No model reads it. */
  arm: z.string().optional(),
  /** Arms that were treated, as one; rows of arms that neither list names are left out. */
  treated: z.array(z.string()).min(1),
  /** Arms that were held out. */
  control: z.array(z.string()).min(1).default(['control']),
  /** What is counted: 'chance' that the outcome comes, or its 'amount': a number, or of campaigns the money of the events. */
  of: z.enum(['chance', 'amount']).default('chance'),
  /** Of a table: the attribute that is the outcome; default: the label. */
  outcome: z.string().optional(),
  /** Of a table and 'chance': the outcome's value that counts as 1; default: '1'. */
  positive: z.string().optional(),
  /** Attributes of a table that this task must not see, such as other outcomes. */
  exclude: z.array(z.string()).optional(),
  /** Of campaigns: the outcome is such an event; default: 'purchase'. */
  event: eventType.optional(),
  /** Of campaigns: … within so many days from the treatment. */
  horizonDays: days.optional(),
  /** Of campaigns: who is scored; default: 'known'. */
  population,
  knownDays,
  /** Whose outcome the treatment is expected to raise by more is persuadable. */
  least: z.number().default(0),
});

/** What is asked, by kind. */
export const task = z.discriminatedUnion('kind', [
  eventTask,
  absenceTask,
  nextTask,
  valueTask,
  demandTask,
  labelTask,
  upliftTask,
]);
