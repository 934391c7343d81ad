import { z } from 'zod';
import type { BinaryAssessment, Validation } from '../../engine/metrics/index.ts';
import type { CurvePoint } from '../../engine/train/index.ts';
import type { AttributeEncoder } from '../../features/index.ts';
import { type Comparison, comparisonSchema, type ExportedModel, type Head } from '../candidates/index.ts';
import type { Scarce, TaskStrengths } from '../shared/index.ts';
import {
  attributesSchema,
  curveSchema,
  type LeftOut,
  leftOutSchema,
  lossesSchema,
  scarceSchema,
  strengthsSchema,
  validationSchema,
} from '../shared/index.ts';

/** What `manifest.json` of a users model says. Everything that scoring needs beside the graph stands in it. */
export interface UsersModelManifest {
  readonly kind: 'users';
  readonly heads: readonly Head[];
  /** Null where the model reads no visits. */
  readonly sequence: ExportedModel['sequence'];
  /** Absent where the model reads no texts. */
  readonly text?: NonNullable<ExportedModel['text']>;
  /** Columns of the feature vector that the graph takes, in its order. */
  readonly columns: readonly number[];
  /** What follows them: what is said of users. */
  readonly profile: AttributeEncoder | null;
  readonly groups: readonly string[];
  readonly trainedBefore: string;
  readonly rows: number;
  readonly curve: readonly CurvePoint[];
  readonly pretraining: readonly CurvePoint[];
  /** What was chosen on validation, one sentence each. */
  readonly selection: readonly string[];
  /** Held-out loss of the candidates. */
  readonly candidates: readonly { readonly name: string; readonly loss: number }[];
  /** What each candidate did at one of the cut-offs; in models of earlier versions only where texts are read. */
  readonly comparison?: Comparison;
  /**
   * What the chosen form did on the data that it was chosen by, by task. A task whose window was never over has none,
   * and models of earlier versions have none at all.
   */
  readonly validation?: Readonly<Record<string, Validation<BinaryAssessment>>>;
  /** Tasks of the group that could not be trained, and why; absent where there were none. */
  readonly leftOut?: readonly LeftOut[];
  /** Tasks that there was little data for; absent where there were none. */
  readonly scarce?: readonly Scarce[];
  /** Per head what moves its scores. */
  readonly strengths: readonly TaskStrengths[];
}

const head = z.object({ task: z.string(), bins: z.number(), inverted: z.boolean() });
const vocabulary = z.object({
  items: z.array(z.string()),
  spendEdges: z.array(z.number()),
  classes: z.exactOptional(z.number()),
});
const lora = z.object({
  rank: z.number(),
  alpha: z.number(),
  targets: z.array(z.string()),
  maxDifference: z.number(),
});

export const usersManifest: z.ZodType<UsersModelManifest> = z.object({
  kind: z.literal('users'),
  heads: z.array(head),
  sequence: z.object({ vocabulary, length: z.number() }).nullable(),
  text: z.exactOptional(
    z.object({
      places: z.number(),
      maxLength: z.number(),
      pretraining: curveSchema,
      lora: z.exactOptional(lora),
    }),
  ),
  columns: z.array(z.number()),
  profile: attributesSchema.nullable(),
  groups: z.array(z.string()),
  trainedBefore: z.string(),
  rows: z.number(),
  curve: curveSchema,
  pretraining: curveSchema,
  selection: z.array(z.string()),
  candidates: lossesSchema,
  comparison: z.exactOptional(comparisonSchema),
  validation: z.exactOptional(validationSchema<Validation<BinaryAssessment>>()),
  leftOut: z.exactOptional(leftOutSchema),
  scarce: z.exactOptional(scarceSchema),
  strengths: strengthsSchema,
});
