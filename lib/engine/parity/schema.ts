import { z } from 'zod';

const numbers = z.array(z.number());
/** A figure of each precision it was recorded in. */
const byPrecision = <T extends z.ZodType>(value: T) =>
  z.object({ f32: value.optional(), f64: value.optional() });

const run = z.object({
  lr_of_step: numbers,
  losses: byPrecision(numbers),
  grad_norms_before_clip: byPrecision(numbers).optional(),
  final_loss_batch0: byPrecision(z.number()).optional(),
});

const adversarial = z.object({
  loss_clean: z.number().optional(),
  loss_adv: z.number().optional(),
  embedding_grad_norm: z.number().optional(),
  loss_clean_after_sgd_step: z.number().optional(),
  table_variant: z.object({ grad_norm: z.number(), loss_adv: z.number() }).optional(),
});

const privateStep = z.object({
  per_example_norms: numbers.optional(),
  lora_norms: numbers.optional(),
  head_norms: numbers.optional(),
  clip_factors: numbers.optional(),
  loss_before: z.number().optional(),
  loss_after: z.number().optional(),
});

/**
 * `parity.json`: what was computed and what came out. Sections that a folder leaves out are not compared; keys not named
 * here (texts, versions) are not read.
 */
export const figuresSchema = z.object({
  forward: byPrecision(z.object({ loss: z.number(), grad_norm_all: z.number().optional() })).optional(),
  param_names: z.array(z.string()).min(1),
  word_embedding_name: z.string().optional(),
  decay_params: z.array(z.string()).default([]),
  no_decay_params: z.array(z.string()).default([]),
  training: z
    .object({
      batch_of_step: z.array(z.int().min(0)),
      betas: z.tuple([z.number(), z.number()]).default([0.9, 0.999]),
      eps: z.number().default(1e-8),
      weight_decay: z.number().default(0.01),
      clip_norm: z.number().nullable().default(null),
    })
    .optional(),
  lora: z.object({ r: z.int().min(1), alpha: z.number(), targets: z.array(z.string()).min(1) }).optional(),
  train_full: run.optional(),
  train_head: run.optional(),
  train_lora: run.optional(),
  train_lora_lr1e2: run.optional(),
  fgm: byPrecision(adversarial).extend({ epsilon: z.number(), sgd_lr: z.number().optional() }).optional(),
  dp_sgd: z
    .object({
      sigma: z.number(),
      lr: z.number(),
      clip_norm: z.number(),
      init: byPrecision(privateStep).optional(),
      nonzero_b: byPrecision(privateStep).optional(),
    })
    .optional(),
  onnx: z
    .record(
      z.string(),
      z.object({
        weight_map: z
          .record(
            z.string(),
            z
              .object({ initializer: z.string().nullable(), transposed: z.boolean().default(false) })
              .nullable(),
          )
          .default({}),
      }),
    )
    .refine((files) => Object.keys(files).length > 0, 'names no model file'),
});

export type Figures = z.infer<typeof figuresSchema>;
export type RunFigures = z.infer<typeof run>;
export type Precision = 'f32' | 'f64';
