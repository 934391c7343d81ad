import { z } from 'zod';
import { deploySchema, nightlySchema } from './deploy-schema.ts';
import { exportsSchema, fairness } from './exports-schema.ts';
import { days, name, timeZone } from './parts.ts';
import { source } from './source-schema.ts';
import { task } from './task-schema.ts';
import { text } from './text-schema.ts';

/**
 * The shape of `nightjar.config.ts`: the one place of settings, read by the command line, the jobs and the stacks.
 * Every object is strict, so a misspelt key is an error that names its path. docs/config.md explains each setting
 * to the person who writes the file.
 */

const features = z
  .strictObject({
    /** Half-lives in days of the decayed counts and sums. */
    halfLives: z.array(z.number().positive()).min(1).default([1, 7, 30, 90]),
    /** Tokens of a user's behaviour sequence. */
    tokens: z.number().int().min(4).max(512).default(64),
    /** Daily detail older than this leaves the user's state; lifetime totals stay. */
    historyDays: days.default(730),
    /** States are kept as of so many days before the as-of day, so that drops up to this late do not outdate them. */
    lateDays: days.default(3),
  })
  .prefault({});

/** Families of models that are tried and blended; a forest only where it is named. */
export const MODEL_FAMILIES = ['logistic', 'trees', 'forest', 'network'] as const;

const model = z
  .strictObject({
    /** What is tried for tasks over users and labelled tables; 'auto': logistic regression, boosted trees and networks. */
    families: z
      .array(z.enum(['auto', ...MODEL_FAMILIES]))
      .min(1)
      .default(['auto']),
    seed: z.number().int().nonnegative().default(7),
    /** What reads a user's visits; default: 'transformer'. The others read in both directions, too. */
    sequence: z.enum(['transformer', 'gru', 'lstm', 'cnn']).optional(),
    /** Its width and layers, and the Transformer's heads; 0 layers leave the sequence branch out. */
    width: z.number().int().positive().default(32),
    layers: z.number().int().nonnegative().default(2),
    heads: z.number().int().positive().default(4),
    /** Width of the MLP's hidden layers. */
    hidden: z.number().int().positive().default(32),
    /** Members of the MLP ensemble inside the one graph. */
    members: z.number().int().positive().default(8),
    /** An encoder of another shop's visits in the bucket (`models/behaviours/<name>/`), as one more thing to try. */
    behaviour: name.optional(),
  })
  .prefault({});

/**
 * The optimisers of the engine, each with the peak learning rate and the weight decay that stand where none is given. A
 * decay is not of one measure: SGD, AdamW and Adafactor shrink a weight by rate x decay each step; Adagrad adds it to the
 * gradient.
 */
const OPTIMISERS = {
  adamw: { learningRate: 0.002, weightDecay: 0.3 },
  sgd: { learningRate: 0.05, weightDecay: 0.01 },
  adagrad: { learningRate: 0.02, weightDecay: 0.001 },
  adafactor: { learningRate: 0.002, weightDecay: 0.3 },
};

const training = z
  .strictObject({
    /** Steps of self-supervised pretraining on the shop's own events. */
    pretrainSteps: z.number().int().nonnegative().default(150),
    /** Upper bound of fine-tuning steps; small tables take fewer. */
    steps: z.number().int().positive().default(1000),
    batchSize: z.number().int().min(8).default(512),
    /** What updates the networks of users and tables, and the pretraining on visits; default: 'adamw'. */
    optimiser: z.enum(['adamw', 'sgd', 'adagrad', 'adafactor']).optional(),
    /** Of 'sgd'; default: 0.9. */
    momentum: z.number().min(0).lt(1).optional(),
    /** Peak; the default is that of the optimiser. */
    learningRate: z.number().positive().optional(),
    /** On the weights of MLP and sequence; the linear part has a penalty of its own. The default is that of the optimiser. */
    weightDecay: z.number().nonnegative().optional(),
    /** Looks for settings of the network on the shop's own past, at the price of so many fits and one more. */
    search: z.strictObject({ fits: z.number().int().min(3).max(12) }).optional(),
    /** Days between training cut-offs, and how many at most. */
    cutoffEveryDays: days.default(14),
    maxCutoffs: z.number().int().positive().default(26),
    /** Threads of the runtime. The same number gives the same bytes. */
    threads: z.number().int().positive().default(2),
    /** Write each training's curves as TensorBoard event files, too: `runs/<runId>/tensorboard/`. */
    tensorboard: z.boolean().optional(),
  })
  .transform((given) => {
    const rates = OPTIMISERS[given.optimiser ?? 'adamw'];
    const { learningRate = rates.learningRate, weightDecay = rates.weightDecay } = given;
    return { ...given, learningRate, weightDecay };
  })
  .prefault({});

/** What a newly trained model has to show before it serves. */
const gate = z.strictObject({
  /** 'checked': one that fails a check does not become champion. 'never': a person promotes. 'always': whatever the checks say. */
  promote: z.enum(['checked', 'never', 'always']).default('checked'),
  /** By how much it may be worse than the champion: a share of its log loss, and absolutely of AUROC and of the level. */
  margin: z.number().min(0).max(1).default(0.02),
  /** By how much AUROC may rise at once before somebody must look why. */
  tooGood: z.number().min(0).max(0.5).default(0.1),
  /** By what factor tonight's mean score (odds of chances) may differ from the champion's. */
  shift: z.number().gt(1).default(2),
  /** Rank correlation of tonight's scores with the champion's, at least. */
  order: z.number().min(-1).max(1).default(0.3),
});

export type GateSettings = z.output<typeof gate>;

/** What stands in the config, every default filled in. */
export const gateSettings = (config: { readonly gate?: GateSettings | undefined }): GateSettings =>
  config.gate ?? gate.parse({});

/** Each setting by itself; what one says of another is checked in `cross-checks.ts`. */
export const configSchema = z.strictObject({
  shop: z.strictObject({
    name: z.string().min(1).default('shop'),
    /** Defines days, as-of times, label windows and the schedule. */
    timeZone,
    /** ISO 4217: decides how many digits the minor unit has. Without it: two. */
    currency: z.string().refine(isCurrency, 'a currency by its ISO 4217 code, such as "EUR"').optional(),
  }),
  sources: z.record(name, source),
  tasks: z.record(name, task),
  /** A power of two: how many parts a night is cut into. */
  shards: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .refine((n) => (n & (n - 1)) === 0, 'a power of two (1, 2, 4, … 4096)')
    .default(4),
  features,
  model,
  training,
  text,
  gate: gate.optional(),
  fairness,
  exports: exportsSchema,
  nightly: nightlySchema,
  deploy: deploySchema.prefault({}),
  /** What differs from `deploy` in an environment (`-c env=dev`), by its name: only the settings that differ. */
  environments: z.record(name, z.record(z.string(), z.unknown())).default({}),
});

/** What a person writes: defaults may be left out. */
export type ConfigInput = z.input<typeof configSchema>;
/** What the code reads: every default filled in. */
export type Config = z.output<typeof configSchema>;
export type Nightly = Config['nightly'];
export type ProfileSettings = NonNullable<Config['exports']['profiles']>;
export type Source = Config['sources'][string];
export type Task = Config['tasks'][string];
export type EventTask = Extract<Task, { kind: 'event' }>;
export type AbsenceTask = Extract<Task, { kind: 'absence' }>;
export type ValueTask = Extract<Task, { kind: 'value' }>;
export type NextTask = Extract<Task, { kind: 'next' }>;
export type DemandTask = Extract<Task, { kind: 'demand' }>;
export type LabelTask = Extract<Task, { kind: 'label' }>;
export type UpliftTask = Extract<Task, { kind: 'uplift' }>;

function isCurrency(code: string): boolean {
  return Intl.supportedValuesOf('currency').includes(code);
}
