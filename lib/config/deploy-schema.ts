import { z } from 'zod';
import { days, name } from './parts.ts';

/**
 * When the night runs, and where and how large the cloud is. None of it decides about a row or a model.
 */

const clockTime = z
  .string()
  .regex(
    /^([01][0-9]|2[0-3]):[0-5][05]$/,
    'a time of day in the shop\'s zone, in steps of five minutes, such as "02:00"',
  );

/**
 * Hours that a night gets after its deadline. Ticks bring it forward until then; at their end the watchdog asks whether
 * the export stands, and the weekly training starts, when the GPUs are free and the day's drops are through.
 */
export const HOURS_AFTER_DEADLINE = 2;

export const nightlySchema = z
  .strictObject({
    /** From here on the night starts as soon as nothing is pending and everything expected is there. */
    from: clockTime.default('02:00'),
    /** At this time the night starts with what is there; its manifest names what is missing. */
    deadline: clockTime.default('05:00'),
    /** Sources that must have a drop whose days reach the day before the as-of day. */
    expect: z.array(name).default([]),
    /** At the deadline: score with what is there, or hold the night back until it is complete. */
    onMissing: z.enum(['score', 'hold']).default('score'),
    /** Where the last days are unlike such days before: hold the finished export back until a person releases it, or only tell. */
    onUnusual: z.enum(['hold', 'tell']).default('hold'),
    /**
     * Share of each source's history, by bytes, that must be through: else settings that were changed are not used yet,
     * and no model becomes champion.
     */
    minHistory: z.number().min(0).max(1).default(0.95),
    /** Weekday on which new models are trained; the first night trains by itself. */
    finetune: z
      .enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday', 'never'])
      .default('sunday'),
  })
  .refine(({ from, deadline }) => from < deadline, 'nightly.from before nightly.deadline, on the same day')
  .prefault({});

const megabytes = z.number().int().positive();

const processor = z.enum(['cpu', 'gpu']);

const bucketName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket, as the storage stack printed it');

const arn = (service: string) =>
  z
    .string()
    .regex(
      new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:[0-9]{12}:`),
      `an ARN of ${service}, such as "arn:aws:${service}:eu-central-1:123456789012:…"`,
    );

/** Where and how large: read by the stacks alone. No model and no row depends on it. */
export const deploySchema = z.strictObject({
  /**
   * Where training and scoring run. `cpu` is Fargate, as large as `cpu` says; a GPU, of the types in `gpu`, pays for text
   * encoders. One for both, or one each.
   */
  compute: z
    .union(
      [
        processor.transform((both) => ({ finetune: both, score: both })),
        z.strictObject({ finetune: processor.default('cpu'), score: processor.default('cpu') }),
      ],
      '"cpu", "gpu", or { finetune: …, score: … } with one of them each',
    )
    .prefault('cpu'),
  /**
   * No way to the internet but interface endpoints (which cost money every hour), or public addresses with no way in. Default:
   * `public-egress` in the environment `dev`, `endpoints` in all others.
   */
  network: z.enum(['endpoints', 'public-egress']).optional(),
  /** Availability zones that jobs may start in; a region may have two only. */
  zones: z.union([z.literal(2), z.literal(3)], '2 or 3').default(3),
  gpu: z
    .strictObject({
      instanceTypes: z
        .array(z.string().regex(/^[a-z0-9-]+\.[a-z0-9]+$/, 'an instance type such as "g6.xlarge"'))
        .min(1)
        .default(['g6.xlarge', 'g5.xlarge', 'g4dn.xlarge']),
      maxVcpus: z.number().int().min(4).default(32),
      /** Try spot capacity before on-demand. */
      spot: z.boolean().default(true),
    })
    .prefault({}),
  /** Jobs on Fargate: large drops, exports, and what `compute` puts there. */
  cpu: z
    .strictObject({
      /** Graviton (`arm64`) costs a fifth less; whoever deploys must be able to build images for it. */
      architecture: z.enum(['x64', 'arm64']).default('x64'),
      vcpus: z.union([z.literal(2), z.literal(4), z.literal(8), z.literal(16)], '2, 4, 8 or 16').default(4),
      memoryMiB: megabytes.default(16384),
      maxVcpus: z.number().int().min(2).default(32),
    })
    .prefault({}),
  /** Children of the nightly score job: each takes a range of shards on a machine of its own. */
  scoreChildren: z.number().int().min(1).max(10_000).default(2),
  /** For how long a job asks a service again that is away, before it ends and is started later. */
  retrySeconds: z.number().int().min(0).max(3600).default(60),
  /** A drop above this goes to a batch job instead of the function. */
  largeDrop: z
    .strictObject({ plainMiB: megabytes.default(256), gzipMiB: megabytes.default(48) })
    .prefault({}),
  functions: z
    .strictObject({
      cleanMemoryMiB: z.number().int().min(512).max(10240).default(3008),
      featuresMemoryMiB: z.number().int().min(512).max(10240).default(1769),
      dispatchMemoryMiB: z.number().int().min(256).max(10240).default(1024),
    })
    .prefault({}),
  retention: z
    .strictObject({
      /** Raw drops move to the instant-retrieval tier after this many days; they are never deleted. */
      dropsToInstantRetrievalDays: days.default(90),
      /** Replaced versions of a drop. */
      oldVersionDays: days.default(90),
      quarantineDays: days.default(30),
      /** Folded states and scores of past nights. */
      runDays: days.default(30),
      exportDays: days.default(400),
      logDays: z
        .union([z.literal(30), z.literal(90), z.literal(180), z.literal(365)], '30, 90, 180 or 365')
        .default(90),
    })
    .prefault({}),
  /**
   * What an earlier deployment left when its stacks were destroyed, for new stacks to take over: buckets with their data, the
   * keys that they are encrypted with, and the pseudonym secret.
   */
  adopt: z
    .strictObject({
      drops: bucketName,
      data: bucketName,
      exports: bucketName,
      logs: bucketName,
      dataKey: arn('kms'),
      pseudonymKey: arn('kms'),
      pseudonymSecret: arn('secretsmanager'),
    })
    .optional(),
  /** Gets alarms; without it they only show in the console. */
  alarmEmail: z.email('an email address').optional(),
  /** Gets what can wait for the morning, and notices of the budget. Default: `alarmEmail`. */
  noticeEmail: z.email('an email address').optional(),
  /** Address at which whoever is called at night can read docs/operations.md; alarms link to its sections. */
  runbook: z
    .url({ protocol: /^https?$/, error: 'an address such as "https://wiki.shop.example/nightjar"' })
    .refine((url) => !url.includes('#'), 'an address without "#": alarms add the section')
    .optional(),
  /**
   * US dollars a month at which the budget of the whole account warns; `false` for none, as one environment of an account
   * is enough to have it. Default: none in `dev`, 300 in all others.
   */
  budgetUsd: z
    .union([z.number().positive(), z.literal(false)], 'a number above 0, or false for none')
    .optional(),
  /** A page in CloudWatch that shows the night; it costs as much as thirty alarms. Default: not in `dev`. */
  dashboard: z.boolean().optional(),
  /** A trace in X-Ray for each night, from its drops to its export; in a network of endpoints one more of them. */
  tracing: z.boolean().default(false),
});

type Settings = z.output<typeof deploySchema>;

type ByEnvironment = 'network' | 'budgetUsd' | 'dashboard';

/** The deployment settings of one environment, every default filled in. */
export type Deploy = Omit<Settings, ByEnvironment> & {
  readonly [K in ByEnvironment]-?: NonNullable<Settings[K]>;
} & {
  /** Everything may vanish with the stacks. No setting: only in `dev`; elsewhere buckets, keys and secrets outlive them. */
  readonly disposable: boolean;
};

/** `deploy` with what differs in an environment. */
export function deployOf(
  config: { readonly deploy: Settings; readonly environments: Readonly<Record<string, object>> },
  environment: string,
): Deploy {
  const settings = deploySchema.parse(mergeSettings(config.deploy, config.environments[environment] ?? {}));
  const disposable = environment === 'dev';
  return {
    ...settings,
    network: settings.network ?? (disposable ? 'public-egress' : 'endpoints'),
    budgetUsd: settings.budgetUsd ?? (disposable ? false : 300),
    dashboard: settings.dashboard ?? !disposable,
    disposable,
  };
}

/** Does any job run on a GPU, and so on a host of our own? */
export const usesGpu = ({ compute }: Pick<Deploy, 'compute'>): boolean =>
  Object.values(compute).includes('gpu');

/** The base with every value that the overrides give, object by object. */
export function mergeSettings(base: object, overrides: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(overrides)) {
    const below = merged[key];
    merged[key] = isPlain(below) && isPlain(value) ? mergeSettings(below, value) : value;
  }
  return merged;
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
