import { z } from 'zod';
import { days, name } from './parts.ts';

/** Sizes of an encoder that is made, where the config gives none and users' texts are read. */
const USERS_ENCODER = { layers: 2, width: 64, heads: 4, vocabulary: 4000, epochs: 20, learningRate: 0.002 };
const USERS_LENGTH = 64;

const count = z.number().int().positive();

/** What a fine-tuning trains of an encoder beside the heads: all, nothing, layer by layer from the top, or low-rank updates. */
const tuning = z.union([
  z.enum(['full', 'head', 'gradual']),
  z.strictObject({
    lora: z.strictObject({
      rank: count.default(8),
      alpha: z.number().positive().default(16),
      /** Linear layers by name: the last parts of it, or a pattern with `*`. */
      targets: z.array(z.string()).min(1).default(['query', 'value']),
    }),
  }),
]);

/** How texts are read; without it no model reads a text, and nothing else changes. */
export const text = z
  .strictObject({
    /**
     * The name of an encoder in the bucket (`models/encoders/<name>/`), or the sizes of a small one that is pretrained on
     * the shop's own texts, those known before the day in question alone. What is left out depends on what is read: see
     * `usersText` for users' texts; for the rows of labelled tables it follows from how much text there is.
     */
    encoder: z
      .union([
        name,
        z.strictObject({
          layers: z.number().int().positive().optional(),
          width: z.number().int().positive().optional(),
          heads: z.number().int().positive().optional(),
          /** Word pieces of its tokenizer, at most. */
          vocabulary: z.number().int().min(100).max(100_000).optional(),
          /** Passes of masked-token pretraining over the distinct texts. */
          epochs: z.number().int().nonnegative().optional(),
          learningRate: z.number().positive().optional(),
        }),
      ])
      .prefault({}),
    /** Also tries to train the encoder with the model, by low-rank adaptation; left out: its vectors stay as they are. */
    lora: z
      .strictObject({
        rank: z.number().int().positive().default(8),
        alpha: z.number().positive().default(16),
        /** Linear layers by name: the last parts of it, or a pattern with `*`. */
        targets: z.array(z.string()).min(1).default(['query', 'value']),
        /** Steps at most. */
        steps: z.number().int().positive().default(200),
      })
      .optional(),
    /** Word pieces of a text that are read. */
    maxLength: z.number().int().min(8).max(512).optional(),
    /** A user's most recent texts that are read: of events, and as many titles of items. */
    recent: z.number().int().min(1).max(64).default(16),
    /** Texts of events older than this are not read. */
    days: days.default(365),
    /** What scores the rows of labelled tables: the model as it is, or with weights of 8 bits where they cost little; default: 'full'. */
    night: z.enum(['full', 'int8']).optional(),
    /** How a classifier of the texts of a labelled table is fine-tuned. */
    labels: z
      .strictObject({
        /** Passes over the training texts at most; default: by how much text there is. */
        epochs: z.number().int().positive().max(100).optional(),
        /** Peak rate of the encoder; default: 0.001, of an encoder that is brought 0.00005. */
        learningRate: z.number().positive().optional(),
        /** Learn from copies with typing errors, too; default: tried where texts are few, and kept where it helps. */
        typos: z.boolean().optional(),
        /** What is trained of the encoder; default: 'full', all of it. */
        tuning: tuning.optional(),
      })
      .prefault({}),
  })
  .optional();

export type TextSettings = NonNullable<z.output<typeof text>>;

/** Sizes of an encoder that is made from a shop's own texts. */
export type EncoderSizes = typeof USERS_ENCODER;

/** Sizes with those that a config gives in their places. */
export function encoderSizes(
  usual: EncoderSizes,
  given: Exclude<TextSettings['encoder'], string>,
): EncoderSizes {
  const stated = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...usual, ...Object.fromEntries(stated) };
}

/** What models of users read texts with, every default filled in. */
export function usersText({ encoder, labels: _, night: __, ...text }: TextSettings): Omit<
  TextSettings,
  'encoder' | 'labels' | 'night'
> & {
  readonly encoder: string | EncoderSizes;
  readonly maxLength: number;
} {
  return {
    ...text,
    encoder: typeof encoder === 'string' ? encoder : encoderSizes(USERS_ENCODER, encoder),
    maxLength: text.maxLength ?? USERS_LENGTH,
  };
}

/**
 * What models of labelled rows read texts with, as far as a config says it. What a night scores with is no part of it, and a tuning that is
 * the default says nothing.
 */
export const labelsText = ({ encoder, maxLength, labels: { tuning, ...labels } }: TextSettings) => ({
  encoder,
  ...(maxLength === undefined ? {} : { maxLength }),
  labels: tuning === undefined || tuning === 'full' ? labels : { ...labels, tuning },
});
