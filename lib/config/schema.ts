import { z } from 'zod';
import { fixedOffset, isZoneName } from '../data/zones.ts';
import { deploySchema, nightlySchema } from './deploy-schema.ts';
import { listRules } from './list-rules.ts';
import { days, name } from './parts.ts';

/**
 * The shape of `nightjar.config.ts`: the one place of settings, read by the command line, the jobs and the stacks.
 * Every object is strict, so a misspelt key is an error that names its path. docs/config.md explains each setting
 * to the person who writes the file.
 */

/** A SQL expression of DuckDB over the source's own columns (all of which are text for csv and jsonl). */
const sql = z.string().min(1, 'a DuckDB SQL expression or a column name');

const timeZone = z
  .string()
  .refine(
    isZoneName,
    'an IANA time zone such as "Europe/London" or "UTC" (no abbreviation: BST means two zones)',
  );
/** What an abbreviation in times means. */
const zoneOrOffset = z
  .string()
  .refine(
    (text) => isZoneName(text) || fixedOffset(text) !== undefined,
    'an IANA time zone such as "Europe/London", or an offset such as "+01:00"',
  );
const oneByte = z
  .string()
  .length(1)
  .refine((char) => char.charCodeAt(0) < 128, 'one ASCII character');

/** Attributes of items, users or labelled rows, by kind. A list is shorthand for columns of that very name. */
const attributeSet = z.union([z.array(z.string()), z.record(z.string(), sql)]);
const attributes = z
  .strictObject({
    /** Imputed by the training median, standardised. */
    numbers: attributeSet.optional(),
    /** One-hot over the training part's categories, rare ones joined. */
    categories: attributeSet.optional(),
    /** Hashed words and word pairs. */
    texts: attributeSet.optional(),
  })
  .default({});

const rule = z.strictObject({
  name,
  /** SQL condition over the canonical columns (events: user, time, type, item, quantity, price, amount, …). */
  when: sql,
  action: z.enum(['flag', 'quarantine']).default('flag'),
});

const sourceCommon = {
  /** Where under `drop/` the files of this source land; default: `<source name>/`. */
  prefix: z
    .string()
    .refine(
      (prefix) => !/^\/|(^|\/)\.{1,2}(\/|$)|\/\/|\\/.test(prefix),
      'folders below drop/ such as "shop/orders/": without a / at the start, without . and ..',
    )
    .optional(),
  format: z.enum(['csv', 'jsonl', 'parquet']),
  /** csv only. `columns` names the columns of a file without a header line. */
  csv: z
    .strictObject({
      delimiter: oneByte.default(','),
      quote: oneByte.default('"'),
      /** What stands before a quote inside a quoted field: the quote itself (doubled quotes), or a backslash. */
      escape: oneByte.optional(),
      columns: z.array(z.string()).optional(),
      /** Lines before the header, or before the first record. */
      skipLines: z.number().int().nonnegative().default(0),
    })
    .prefault({}),
  /** Of csv and jsonl files without a byte order mark: a label of the WHATWG encoding standard; default: UTF-8. */
  encoding: z
    .string()
    .refine(isEncoding, 'an encoding such as "windows-1252", "latin1", "utf-16le" or "shift_jis"')
    .optional(),
  /** How numbers in texts are written; every value must be written so. Default: a decimal point and nothing else. */
  number: z
    .strictObject({
      decimal: z.enum(['.', ',']).default('.'),
      /** Between groups of three digits. */
      thousands: z.enum(['', '.', ',', ' ', "'", '’', '_']).default(''),
      /** Currency signs and units around a number, taken off. */
      marks: z
        .array(
          z
            .string()
            .regex(/[^\s+()-]/, 'a sign or a word')
            .regex(/^\D+$/, 'a mark without digits'),
        )
        .default([]),
    })
    .refine(({ decimal, thousands }) => decimal !== thousands, 'another sign for thousands than for decimals')
    .optional(),
  /** The unit of times that are plain numbers since 1970; default: milliseconds, and a number in a text is no time. */
  epoch: z.enum(['s', 'ms', 'us', 'ns']).optional(),
  /** Parses timestamps that carry no offset; default: the shop's zone. */
  timeZone: timeZone.optional(),
  /** What abbreviations of zones in times mean: { BST: 'Europe/London' }. */
  timeZones: z.record(z.string(), zoneOrOffset).default({}),
  /** Texts that stand for no value in ids, times and numbers, in place of the default list. */
  missing: z.array(z.string()).optional(),
  /** Columns that some files lack: NULL there. */
  optional: z.array(z.string()).default([]),
  /** A list in each record (a column, or in jsonl a path such as $.line_items): each of its elements becomes a row. */
  unnest: sql.optional(),
  /** Columns that are filled on the first line of a group alone: other lines of it get the same value. */
  fill: z.strictObject({ by: z.string(), columns: z.array(z.string()).min(1) }).optional(),
  /** Conditions that rows of the table meet, by name; rows that do not are left out and counted. */
  where: z.record(name, sql).default({}),
  /** Columns that identify a row; without them, equal lines within one drop are duplicates. */
  key: z.array(sql).min(1).optional(),
  /**
   * Of events with a `key`: which of several versions counts. 'drop' is the time of the drop, anything else a column or
   * expression, compared in this order; default: ['drop'].
   */
  newestBy: z.array(sql).min(1).optional(),
  /** What happens to rows of the same identity after the first. */
  duplicates: z.enum(['keep', 'drop']).default('drop'),
  /** An event may be this much later than its drop's own time before it is impossible. */
  toleranceHours: z.number().nonnegative().default(48),
  rules: z.array(rule).default([]),
};

const eventSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('events'),
  columns: z.strictObject({
    user: sql,
    time: sql,
    /** One of view, search, cart, uncart, favorite, purchase, return, review, message. */
    type: sql,
    item: sql.optional(),
    quantity: sql.optional(),
    /** Price of one unit in major units (12.50); stored as integer minor units. */
    price: sql.optional(),
    /** Money of the whole line in major units; default: quantity x price. */
    amount: sql.optional(),
    /** Code of the currency of price and amount: rows in another one than `shop.currency` are quarantined. */
    currency: sql.optional(),
    session: sql.optional(),
    text: sql.optional(),
  }),
});

const itemSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('items'),
  columns: z.strictObject({ item: sql, valid_from: sql.optional() }),
  attributes,
});

const userSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('users'),
  columns: z.strictObject({
    user: sql,
    valid_from: sql.optional(),
    /** The address to write to. Only its SHA-256 is kept, for audiences; no model sees it. */
    email: sql.optional(),
  }),
  attributes,
});

const labelSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('labels'),
  columns: z.strictObject({
    user: sql.optional(),
    label: sql,
    /** 'train' or 'test' (also 'valid'); `row_number` counts the file's rows from 0, `crc32(text)` is at hand. */
    split: sql.optional(),
  }),
  /**
   * In place of columns.split: a split by time. The test rows are the latest; validation rows are the latest of the
   * others. Attributes that are the column itself are left out.
   */
  split: z
    .strictObject({
      by: sql,
      /** `by` is a time: rows from this shop day on are for testing. */
      testFrom: z.iso.date('a day such as "2018-11-01"').optional(),
      /** `by` has a few values: those of the training part in their order in time, and those that are for testing. */
      train: z.array(z.string()).min(1).optional(),
      test: z.array(z.string()).min(1).optional(),
    })
    .optional(),
  attributes,
});

/** Who was treated by which campaign, and how: what `nightjar lift` compares. No model reads it. */
const treatmentSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('treatments'),
  columns: z.strictObject({
    user: sql,
    campaign: sql,
    /** The group that the user was put into, the control group's name for those who were held out. */
    arm: sql,
    /** When the treatment, or being held out, began. */
    time: sql,
  }),
});

const source = z.discriminatedUnion('table', [
  eventSource,
  itemSource,
  userSource,
  labelSource,
  treatmentSource,
]);

const eventType = z.enum([
  'view',
  'search',
  'cart',
  'uncart',
  'favorite',
  'purchase',
  'return',
  'review',
  'message',
]);

/**
 * Who is asked: 'buyers' have done it before; 'known' have done anything within `knownDays` before the as-of time;
 * 'prospects' are those of the known who have never done it. Default: 'buyers'.
 */
const population = z.enum(['buyers', 'known', 'prospects']).optional();
/** Of 'known' and 'prospects'; default: 90. */
const knownDays = days.optional();

const eventTask = z.strictObject({
  kind: z.literal('event'),
  /** Will the user do this … */
  event: eventType.default('purchase'),
  /** … within this many days from the as-of time? */
  horizonDays: days,
  population,
  knownDays,
});

const valueTask = z.strictObject({
  kind: z.literal('value'),
  event: eventType.default('purchase'),
  /** What is summed over the events of the window: their money, how many orders (visits with one), or their units. */
  of: z.enum(['money', 'orders', 'units']).default('money'),
  horizonDays: days,
  population,
  knownDays,
});

const absenceTask = z.strictObject({
  kind: z.literal('absence'),
  event: eventType.default('purchase'),
  horizonDays: days,
  /** Population: those who have done it within this many days before the as-of time. */
  activeDays: days,
});

const nextTask = z.strictObject({
  kind: z.literal('next'),
  event: eventType.default('purchase'),
  /** 'item', or the name of an item category attribute. */
  of: z.string().default('item'),
  horizonDays: days,
  k: z.number().int().min(1).max(100).default(10),
  ...listRules,
});

const demandTask = z.strictObject({
  kind: z.literal('demand'),
  /** How many units of each item will have such an event … */
  event: eventType.default('purchase'),
  /** 'item', or the name of an item category attribute, whose values are forecast in place of items. */
  of: z.string().default('item'),
  /** … within this many days from the as-of time? */
  horizonDays: days.max(365, 'at most 365 days'),
  /** A number attribute of items: units in stock, for the chance that they do not last. */
  stock: z.string().optional(),
});

const labelTask = z.strictObject({
  kind: z.literal('label'),
  /** The source of the labelled table. */
  source: name,
  /** The label's value that counts as 1. */
  positive: z.string().default('1'),
  /** Attributes this task must not see, for example one that is only known after the fact. */
  exclude: z.array(z.string()).default([]),
});

const task = z.discriminatedUnion('kind', [
  eventTask,
  absenceTask,
  nextTask,
  valueTask,
  demandTask,
  labelTask,
]);

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

/** How texts are read; without it no model reads a text, and nothing else changes. */
const text = z
  .strictObject({
    /**
     * The name of an encoder in the bucket (`models/encoders/<name>/`), or the sizes of a small one that is pretrained on
     * the shop's own texts, those known before the day in question alone.
     */
    encoder: z
      .union([
        name,
        z.strictObject({
          layers: z.number().int().positive().default(2),
          width: z.number().int().positive().default(64),
          heads: z.number().int().positive().default(4),
          /** Word pieces of its tokenizer, at most. */
          vocabulary: z.number().int().min(100).max(100_000).default(4000),
          /** Passes of masked-token pretraining over the distinct texts. */
          epochs: z.number().int().nonnegative().default(20),
          learningRate: z.number().positive().default(0.002),
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
    maxLength: z.number().int().min(8).max(512).default(64),
    /** A user's most recent texts that are read: of events, and as many titles of items. */
    recent: z.number().int().min(1).max(64).default(16),
    /** Texts of events older than this are not read. */
    days: days.default(365),
  })
  .optional();

/** Groups of users that yes-or-no tasks are measured for, one by one. */
const fairness = z
  .strictObject({
    /** Category attributes of `users` sources, such as an age band. */
    attributes: z.array(z.string()).min(1),
    /** A group whose mean probability is off by more than this from what happened is told as a warning. */
    bound: z.number().positive().max(1).default(0.1),
  })
  .optional();

/** What the table of profiles is made by. Days are shop days; gaps are those between days with a purchase. */
const profiles = z.strictObject({
  /** Whose first purchase is at most this many days ago is new. */
  newDays: days.default(30),
  /** A gap of this many days counts beside a user's own ones: what is expected of someone who bought once. */
  gapDays: days.default(45),
  /** A user lapses, and is lost, when the last purchase is more than so many expected gaps ago … */
  lapsingAfter: z.number().positive().default(2),
  lostAfter: z.number().positive().default(4),
  /** … but nobody lapses within this many days. */
  leastDays: days.default(14),
  /** Who came back after being lost stays won back for this many days. */
  wonBackDays: days.default(30),
  /** 'item', or an item category attribute: what a user's interests are told in; left out: they are not told. */
  interests: z.string().optional(),
  /** Interests of a user that are named at most. */
  mostInterests: z.number().int().min(1).max(20).default(3),
});

const exportsSchema = z
  .strictObject({
    formats: z
      .array(z.enum(['parquet', 'csv.gz']))
      .min(1)
      .default(['parquet', 'csv.gz']),
    /** Share of users held out of every campaign, by a stable hash of the user. */
    controlShare: z.number().min(0).max(0.5).default(0.05),
    /** How many of the strongest reasons stand beside each probability. */
    reasons: z.number().int().min(0).max(10).default(3),
    /** A table of what goes with each item: in the same basket, and within so many days behind it. `true`: the defaults. */
    items: z
      .union([
        z.boolean(),
        z.strictObject({ event: eventType.default('purchase'), withinDays: days.default(30) }),
      ])
      .optional(),
    /** What the shop may do to a user: the one with the highest expected gain is told for each. */
    actions: z
      .record(
        name,
        z.strictObject({
          /** An `event` task whose chance it raises, or an `absence` task whose chance it lowers. */
          task: z.string(),
          /** By which share of itself the chance changes: 0.08 makes 25 % 27 %. `nightjar lift` measures it. */
          lift: z.number().positive(),
          /** What it is worth where it works, in major units of money: a number, or a value task. */
          worth: z.union([z.number().positive(), z.string()]),
          cost: z.number().nonnegative().default(0),
        }),
      )
      .optional(),
    /** Also a table `profiles`: lifecycle, recency, frequency and money, habits and segment of each user. */
    profiles: z.union([z.literal(true).transform(() => profiles.parse({})), profiles]).optional(),
  })
  .prefault({});

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

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}

function isCurrency(code: string): boolean {
  return Intl.supportedValuesOf('currency').includes(code);
}
