import { z } from 'zod';
import { EVENT_TYPES, type EventType } from '../../data/index.ts';
import type { CurvePoint } from '../../engine/train/index.ts';
import type { ListValidation } from '../description.ts';
import { curveSchema, validationSchema } from '../shared/index.ts';
import { type Audience, audienceSchema } from './audience-model.ts';

/** What `manifest.json` of a ranker says. */
export interface NextModelManifest {
  readonly kind: 'next';
  readonly task: string;
  readonly event: string;
  readonly of: string;
  readonly horizonDays: number;
  readonly k: number;
  readonly trainedBefore: string;
  /** Pairs of user and unit that were learnt from, and the groups (a user at a cut-off) they come in. */
  readonly rows: number;
  readonly groups: number;
  /** Types that are read beside the task's event; absent where there are none, and in models of earlier versions. */
  readonly others?: readonly EventType[];
  /** Attributes of items that are read; absent where none are, and in models of earlier versions. */
  readonly attributes?: readonly string[];
  readonly curve: readonly CurvePoint[];
  /** How it came about, one sentence each. */
  readonly selection: readonly string[];
  /**
   * What a ranker that was fitted in the same way, without the latest window, does on that window. Absent where the
   * history is too short, and in models of earlier versions.
   */
  readonly validation?: Readonly<Record<string, ListValidation>>;
  /** In words, the rules of the lists that were validated; absent where there were none. The ranker itself knows none. */
  readonly rules?: readonly string[];
  /** By name; absent where none were asked for, and in models of earlier versions. */
  readonly audiences?: Readonly<Record<string, Audience>>;
}

export const nextManifest: z.ZodType<NextModelManifest> = z.object({
  kind: z.literal('next'),
  task: z.string(),
  event: z.string(),
  of: z.string(),
  horizonDays: z.number(),
  k: z.number(),
  trainedBefore: z.string(),
  rows: z.number(),
  groups: z.number(),
  others: z.exactOptional(z.array(z.enum(EVENT_TYPES))),
  attributes: z.exactOptional(z.array(z.string())),
  curve: curveSchema,
  selection: z.array(z.string()),
  validation: z.exactOptional(validationSchema<ListValidation>()),
  rules: z.exactOptional(z.array(z.string())),
  audiences: z.exactOptional(z.record(z.string(), audienceSchema)),
});
