import { z } from 'zod';
import type { AttributeEncoder } from '../../features/index.ts';
import type { ValueValidation } from '../description.ts';
import {
  attributesSchema,
  lossesSchema,
  strengthsSchema,
  type TaskStrengths,
  validationSchema,
} from '../shared/index.ts';
import { type CustomerBase, customerBaseSchema } from './customer-base.ts';
import type { IntervalShape } from './interval.ts';

/** What `manifest.json` of a value model says: all that scoring needs beside the trees. */
export interface ValueModelManifest {
  readonly kind: 'value';
  readonly task: string;
  readonly trainedBefore: string;
  /** See `ValueColumns`. */
  readonly columns: readonly number[];
  readonly profile: AttributeEncoder | null;
  /** Absent where the histories hold none. */
  readonly base?: CustomerBase;
  /** What a window came to in the mean; see `FittedValue`. */
  readonly typical: number;
  /** Of the members; see `MEMBERS`. */
  readonly weights: readonly number[];
  /** Standard deviation of the logarithm of an amount; 0 without trees. */
  readonly spread: number;
  /** Absent where none can be told. */
  readonly interval?: IntervalShape;
  /** What the columns of `reasons` stand for; none without trees. */
  readonly groups: readonly string[];
  /** Rows that were learnt from. */
  readonly rows: number;
  readonly losses: readonly { readonly name: string; readonly loss: number }[];
  readonly selection: readonly string[];
  readonly validation?: Readonly<Record<string, ValueValidation>>;
  readonly strengths: readonly TaskStrengths[];
}

export const valueManifest: z.ZodType<ValueModelManifest> = z.object({
  kind: z.literal('value'),
  task: z.string(),
  trainedBefore: z.string(),
  columns: z.array(z.number()),
  profile: attributesSchema.nullable(),
  base: z.exactOptional(customerBaseSchema),
  typical: z.number(),
  weights: z.array(z.number()),
  spread: z.number(),
  interval: z.exactOptional(z.object({ spread: z.number(), level: z.number() })),
  groups: z.array(z.string()),
  rows: z.number(),
  losses: lossesSchema,
  selection: z.array(z.string()),
  validation: z.exactOptional(validationSchema<ValueValidation>()),
  strengths: strengthsSchema,
});
