import { z } from 'zod';
import type { Config } from '../../config/index.ts';
import type { AudienceValidation } from '../description.ts';
import { probabilityOf } from '../shared/index.ts';

/** Standardised columns are cut off here, as the ranker's are. */
const LIMIT = 5;

/** How likely a user takes one value within the horizon: a logistic regression over columns of the pair. */
export interface AudienceModel {
  readonly value: string;
  /** Places of the columns among those of a pair, and what standardises each. */
  readonly columns: readonly number[];
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  readonly weights: readonly number[];
  readonly intercept: number;
  /** Absent where too few took the value to hold some of them out. */
  readonly validation?: AudienceValidation;
}

/** A value that nothing could be learnt of, and why. */
export interface AudienceWithout {
  readonly value: string;
  readonly why: string;
}

export type Audience = AudienceModel | AudienceWithout;

export const audienceSchema: z.ZodType<Audience> = z.union([
  z.object({ value: z.string(), why: z.string() }),
  z.object({
    value: z.string(),
    columns: z.array(z.number()),
    mean: z.array(z.number()),
    deviation: z.array(z.number()),
    weights: z.array(z.number()),
    intercept: z.number(),
    validation: z.exactOptional(
      z.custom<AudienceValidation>((value) => typeof value === 'object' && value !== null),
    ),
  }),
]);

/** The probability for the pair whose columns stand from `at` on. */
export function chanceOf(
  { columns, mean, deviation, weights, intercept }: AudienceModel,
  pair: Float32Array,
  at = 0,
): number {
  let logit = intercept;
  for (let j = 0; j < columns.length; j++) {
    logit += weights[j]! * standardised(pair[at + columns[j]!]!, mean[j]!, deviation[j]!);
  }
  return probabilityOf(logit);
}

export const standardised = (x: number, mean: number, deviation: number): number =>
  Math.max(-LIMIT, Math.min(LIMIT, (x - mean) / deviation));

type AudienceSettings = NonNullable<Config['exports']['audiences']>[string];

/** The audiences of a task, in the order of their names. */
export const audiencesOf = (
  { exports: { audiences = {} } }: Config,
  task: string,
): (AudienceSettings & { readonly name: string })[] =>
  Object.entries(audiences)
    .map(([name, settings]) => ({ name, ...settings }))
    .filter((audience) => audience.task === task)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
