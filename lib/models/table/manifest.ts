import { z } from 'zod';
import type { BinaryAssessment, Validation } from '../../engine/metrics/index.ts';
import type { CurvePoint } from '../../engine/train/index.ts';
import type { AttributeEncoder } from '../../features/index.ts';
import { type Comparison, comparisonSchema } from '../candidates/index.ts';
import type { TaskStrengths } from '../shared/index.ts';
import {
  attributesSchema,
  curveSchema,
  lossesSchema,
  strengthsSchema,
  validationSchema,
} from '../shared/index.ts';

/** What `manifest.json` of a labelled table's model says. */
export interface TableModelManifest {
  readonly kind: 'label';
  readonly task: string;
  readonly encoder: AttributeEncoder;
  readonly groups: readonly string[];
  readonly rows: number;
  readonly curve: readonly CurvePoint[];
  readonly selection: readonly string[];
  readonly candidates: readonly { readonly name: string; readonly loss: number }[];
  /** What each candidate did on the same rows; models of earlier versions have none. */
  readonly comparison?: Comparison;
  /** What the chosen form did on the training rows that it was chosen by; models of earlier versions have none. */
  readonly validation?: Readonly<Record<string, Validation<BinaryAssessment>>>;
  /** What moves the scores; one entry, as there is one head. */
  readonly strengths: readonly TaskStrengths[];
  /** Where the model reads texts by an encoder: of which attributes, the word pieces of a row, and how its pretraining went. */
  readonly texts?: {
    readonly attributes: readonly string[];
    readonly maxLength: number;
    readonly pretraining: readonly CurvePoint[];
  };
}

export const tableManifest: z.ZodType<TableModelManifest> = z.object({
  kind: z.literal('label'),
  task: z.string(),
  encoder: attributesSchema,
  groups: z.array(z.string()),
  rows: z.number(),
  curve: curveSchema,
  selection: z.array(z.string()),
  candidates: lossesSchema,
  comparison: z.exactOptional(comparisonSchema),
  validation: z.exactOptional(validationSchema<Validation<BinaryAssessment>>()),
  strengths: strengthsSchema,
  texts: z.exactOptional(z.object({ attributes: z.array(z.string()), maxLength: z.number(), pretraining: curveSchema })),
});
