import { z } from 'zod';
import type {
  BinaryAssessment,
  ClassAssessment,
  LabelsAssessment,
  NumbersAssessment,
  Validation,
} from '../../engine/metrics/index.ts';
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
import type { Scale } from './asked.ts';

/** How the outputs of a model are read, where they are no yes or no. */
export type Told =
  | ({ readonly form: 'one-of'; readonly validation: Validation<ClassAssessment> } & ToldClasses)
  | ({ readonly form: 'any-of'; readonly validation: Validation<LabelsAssessment> } & ToldClasses)
  | {
      readonly form: 'number';
      readonly scale: Scale;
      /** What the interval of the quantile trees is widened by at each end, on the scale that models learn. */
      readonly widened: number;
      readonly validation: Validation<NumbersAssessment>;
    };

interface ToldClasses {
  /** Names of the outputs. */
  readonly classes: readonly string[];
}

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
  /** What each candidate did on the same rows; models of earlier versions have none, nor do those that tell more than yes or no. */
  readonly comparison?: Comparison;
  /** What the chosen form did on the training rows that it was chosen by; models of earlier versions have none. */
  readonly validation?: Readonly<Record<string, Validation<BinaryAssessment>>>;
  /** Absent where the answer is yes or no. */
  readonly told?: Told;
  /** What moves the scores; one entry: of several heads it is the mean. */
  readonly strengths: readonly TaskStrengths[];
  /** Where the model reads texts by an encoder: of which attributes, the word pieces of a row, and how its pretraining went. */
  readonly texts?: {
    readonly attributes: readonly string[];
    readonly maxLength: number;
    readonly pretraining: readonly CurvePoint[];
  };
}

const held = <A extends Validation<unknown>>() =>
  z.custom<A>((value) => validationSchema<A>().safeParse({ value }).success);
const classes = z.array(z.string()).min(1);

const told: z.ZodType<Told> = z.discriminatedUnion('form', [
  z.object({ form: z.literal('one-of'), classes, validation: held<Validation<ClassAssessment>>() }),
  z.object({ form: z.literal('any-of'), classes, validation: held<Validation<LabelsAssessment>>() }),
  z.object({
    form: z.literal('number'),
    scale: z.object({ mean: z.number(), deviation: z.number() }),
    widened: z.number(),
    validation: held<Validation<NumbersAssessment>>(),
  }),
]);

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
  told: z.exactOptional(told),
  strengths: strengthsSchema,
  texts: z.exactOptional(
    z.object({ attributes: z.array(z.string()), maxLength: z.number(), pretraining: curveSchema }),
  ),
});
