import { z } from 'zod';
import type { SpreadClass } from '../../engine/forecast/index.ts';
import type { Validation } from '../../engine/metrics/index.ts';
import type { DemandAssessment } from '../description.ts';
import { leftOutSchema } from '../shared/index.ts';

/** How one task is forecast. */
export interface DemandModel {
  readonly task: string;
  /** Names of members and their weights; the others have none. */
  readonly blend: readonly { readonly member: string; readonly weight: number }[];
  readonly spread: readonly SpreadClass[];
  /** First days of the past windows that it was learnt from. */
  readonly windows: readonly string[];
  /** Absent where the history is too short for a window that weights and intervals knew nothing of. */
  readonly validation?: Validation<DemandAssessment>;
}

/** What `manifest.json` of a demand model says: it is the whole of the model. */
export interface DemandManifest {
  readonly kind: 'demand';
  /** 'item', or the attribute whose values are forecast. */
  readonly of: string;
  readonly trainedBefore: string;
  readonly models: readonly DemandModel[];
  readonly leftOut: readonly { readonly task: string; readonly why: string }[];
  /** How it came about, one sentence each. */
  readonly selection: readonly string[];
}

const spreadSchema = z
  .array(z.object({ below: z.number().nullable(), n: z.number(), ratios: z.array(z.number()).min(2) }))
  .min(1);

export const demandManifest: z.ZodType<DemandManifest> = z.object({
  kind: z.literal('demand'),
  of: z.string(),
  trainedBefore: z.string(),
  models: z.array(
    z.object({
      task: z.string(),
      blend: z.array(z.object({ member: z.string(), weight: z.number() })).min(1),
      spread: spreadSchema,
      windows: z.array(z.string()),
      validation: z.exactOptional(
        z.custom<Validation<DemandAssessment>>(
          (value) => typeof value === 'object' && value !== null && 'assessment' in value,
        ),
      ),
    }),
  ),
  leftOut: leftOutSchema,
  selection: z.array(z.string()),
});
