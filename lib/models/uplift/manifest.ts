import { z } from 'zod';
import type { AttributeEncoder } from '../../features/index.ts';
import type { UpliftValidation } from '../effects.ts';
import {
  attributesSchema,
  lossesSchema,
  strengthsSchema,
  type TaskStrengths,
  validationSchema,
} from '../shared/index.ts';
import type { Balance } from './balance.ts';

/** Who was compared. */
export interface Arms {
  /** Training rows. */
  readonly treated: number;
  readonly control: number;
  /** Rows that are not learnt from, and why. */
  readonly leftOut: readonly { readonly rows: number; readonly why: string }[];
}

/** What `manifest.json` of a model of effects says. */
export interface UpliftModelManifest {
  readonly kind: 'uplift';
  readonly task: string;
  /** Absent for a labelled table, whose rows have no day. */
  readonly trainedBefore?: string;
  /** Over users: places of the feature vector that it reads. */
  readonly columns?: readonly number[];
  /** Of the table's attributes, or of what is said of users; null where nothing is. */
  readonly encoder: AttributeEncoder | null;
  /** What the columns of `reasons` stand for. */
  readonly groups: readonly string[];
  readonly arms: Arms;
  /** Mean outcome of either arm is in the validation. Could the features tell who was treated? */
  readonly balance: Balance;
  readonly losses: readonly { readonly name: string; readonly loss: number }[];
  readonly selection: readonly string[];
  readonly validation: Readonly<Record<string, UpliftValidation>>;
  readonly strengths: readonly TaskStrengths[];
}

const pair = z.tuple([z.number(), z.number()]);

export const upliftManifest: z.ZodType<UpliftModelManifest> = z.object({
  kind: z.literal('uplift'),
  task: z.string(),
  trainedBefore: z.exactOptional(z.string()),
  columns: z.exactOptional(z.array(z.number())),
  encoder: attributesSchema.nullable(),
  groups: z.array(z.string()),
  arms: z.object({
    treated: z.number(),
    control: z.number(),
    leftOut: z.array(z.object({ rows: z.number(), why: z.string() })),
  }),
  balance: z.object({
    rows: z.number(),
    share: z.number(),
    auroc: z.number().nullable(),
    interval: pair.nullable(),
    by: z.enum(['linear', 'trees']),
    range: pair,
    outside: z.number(),
  }),
  losses: lossesSchema,
  selection: z.array(z.string()),
  validation: validationSchema<UpliftValidation>(),
  strengths: strengthsSchema,
});
