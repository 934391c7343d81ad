import type { Deploy } from '../config/index.ts';
import { PRICES } from './prices.ts';
import { RATES, type Rates } from './rates.ts';

/** What decides the bill. */
export interface Load {
  readonly users: number;
  readonly eventsPerDay: number;
  readonly dropsPerDay: number;
  readonly shards: number;
  /** Days of history that stay: day rows, clean rows and drops of this age are stored. */
  readonly historyDays: number;
  /** `features.lateDays`: scoring folds on from a snapshot that lies so many days back. */
  readonly lateDays: number;
  readonly deploy: Deploy;
}

/** One line of the bill: how much of what, what it costs a day, and where the amount comes from. */
export interface Line {
  readonly part: 'ingest' | 'night' | 'training' | 'storage' | 'idle';
  readonly what: string;
  readonly amount: number;
  readonly unit: string;
  /** US dollars a day. */
  readonly usd: number;
  readonly from: string;
}

/** What a load asks of the machine, beside money. */
export interface Sizes {
  /** Processor seconds of the whole night's scoring, start of instances left out. */
  readonly scoreCpuSeconds: number;
  /** From the tick that starts the night to the export, with all children at once. */
  readonly nightHours: number;
  readonly usersPerShard: number;
  readonly dropMegabytes: number;
  readonly cleanSecondsPerDrop: number;
  readonly dispatchReads: number;
  readonly scoreReads: number;
  readonly exportSeconds: number;
}

export interface Estimate {
  readonly lines: Line[];
  readonly sizes: Sizes;
  readonly usdPerNight: number;
  readonly usdPerMonth: number;
}

const MONTH_DAYS = 365 / 12;
const GB = 1e9;
/** An instance is paid for this long before its first work and after its last: boot, image pull, scale-down. */
const INSTANCE_OVERHEAD_HOURS = 0.12;
const FARGATE_OVERHEAD_HOURS = 0.03;
/** Threads that clean uses, whatever the function has. */
const CLEAN_THREADS = 2;
/** vCPUs that a function gets by its memory. */
const MIB_PER_VCPU = 1769;
const TICKS_PER_NIGHT = 60;
const WATCHED = { alarms: 20, metrics: 16, keys: 3, endpoints: 7, zones: 2 };
const ENCRYPTED_REQUESTS_PER_DAY = 5000;
const POLLS_PER_DAY = (2 * 5 * 86_400) / 20;
const LOG_BYTES_PER_DROP = 1500;
const IMAGE_GB = 12;

/** The bill of a day and a month, and what the load asks of the machine. Every amount is a product of measured rates. */
export function estimate(load: Load, rates: Rates = RATES.rates): Estimate {
  const sizes = sizesOf(load, rates);
  const lines = [
    ...ingest(load, rates, sizes),
    ...night(load, sizes),
    ...training(load, rates),
    ...storage(load, rates),
    ...idle(load),
  ];
  const usd = (wanted: (line: Line) => boolean) =>
    lines.filter(wanted).reduce((sum, line) => sum + line.usd, 0);
  return {
    lines,
    sizes,
    usdPerNight: usd(({ part }) => part === 'ingest' || part === 'night'),
    usdPerMonth: usd(() => true) * MONTH_DAYS,
  };
}

function instanceOf({ gpu }: Deploy) {
  const known = gpu.instanceTypes.find((type) => type in PRICES.instances) ?? 'g6.xlarge';
  return { type: known, ...PRICES.instances[known]! };
}

function sizesOf(load: Load, rates: Rates): Sizes {
  const { users, eventsPerDay, dropsPerDay, shards, deploy } = load;
  const rowsPerDrop = eventsPerDay / dropsPerDay;
  // Those behind the snapshot, and the day itself.
  const daysRead = load.lateDays + 1;
  const { vcpus } = instanceOf(deploy);
  const cores = vcpus / 2;
  const scoreCpuSeconds =
    (users * rates.scoreCpuSecondsPerMillionUsers +
      eventsPerDay * daysRead * rates.foldCpuSecondsPerMillionEvents) /
    1e6;
  // Ranking and writing files is one process; DuckDB's threads help it, gzip and the opening of pseudonyms do not.
  const exportSeconds = (users * rates.exportCpuSecondsPerMillionUsers) / 1e6;
  const children = Math.min(deploy.scoreChildren, shards);
  const scoreHours = scoreCpuSeconds / cores / children / 3600;
  return {
    scoreCpuSeconds,
    exportSeconds,
    nightHours: scoreHours + exportSeconds / 3600 + INSTANCE_OVERHEAD_HOURS + FARGATE_OVERHEAD_HOURS,
    usersPerShard: users / shards,
    dropMegabytes: (rowsPerDrop * rates.dropBytesPerRow) / 2 ** 20,
    cleanSecondsPerDrop: cleanSeconds(rowsPerDrop, deploy, rates),
    dispatchReads: dropsPerDay * Math.min(load.historyDays, 365),
    scoreReads: dropsPerDay * daysRead * shards * rates.scoreReadsPerShardAndDayFile,
  };
}

function cleanSeconds(rows: number, { functions }: Deploy, rates: Rates): number {
  const vcpus = Math.min(CLEAN_THREADS, functions.cleanMemoryMiB / MIB_PER_VCPU);
  return (rates.cleanCpuSecondsPerDrop + (rows / 1e6) * rates.cleanCpuSecondsPerMillionRows) / vcpus;
}

function ingest(load: Load, rates: Rates, sizes: Sizes): Line[] {
  const { eventsPerDay, dropsPerDay, deploy } = load;
  const { functions, largeDrop, cpu } = deploy;
  const rowsPerDrop = eventsPerDay / dropsPerDay;
  const large = sizes.dropMegabytes > largeDrop.plainMiB;
  const featureCpu =
    dropsPerDay * rates.featuresCpuSecondsPerDrop +
    (eventsPerDay / 1e6) * rates.featuresCpuSecondsPerMillionRows;
  const featureSeconds = featureCpu / Math.min(1, functions.featuresMemoryMiB / MIB_PER_VCPU);
  const lambda = (seconds: number, mib: number) => seconds * (mib / 1024) * PRICES.lambda.gbSecond;
  const cleanGbSeconds = sizes.cleanSecondsPerDrop * dropsPerDay * (functions.cleanMemoryMiB / 1024);
  const jobHours =
    dropsPerDay *
    ((rates.cleanCpuSecondsPerDrop + (rowsPerDrop / 1e6) * rates.cleanCpuSecondsPerMillionRows) /
      CLEAN_THREADS /
      3600 +
      FARGATE_OVERHEAD_HOURS);
  const reads = dropsPerDay * (rates.cleanReadsPerDrop + rates.featuresReadsPerDrop);
  const writes = dropsPerDay * (rates.cleanWritesPerDrop + rates.featuresWritesPerDrop + 1);
  return [
    large
      ? {
          part: 'ingest',
          what: 'clean, as batch jobs (drops above deploy.largeDrop)',
          amount: jobHours,
          unit: 'job hours',
          usd: jobHours * fargateHour(cpu),
          from: 'cleanCpuSecondsPerMillionRows, cleanCpuSecondsPerDrop',
        }
      : {
          part: 'ingest',
          what: 'clean, Lambda',
          amount: cleanGbSeconds,
          unit: 'GB-s',
          usd: cleanGbSeconds * PRICES.lambda.gbSecond,
          from: 'cleanCpuSecondsPerMillionRows, cleanCpuSecondsPerDrop',
        },
    {
      part: 'ingest',
      what: 'features, Lambda',
      amount: featureSeconds * (functions.featuresMemoryMiB / 1024),
      unit: 'GB-s',
      usd: lambda(featureSeconds, functions.featuresMemoryMiB),
      from: 'featuresCpuSecondsPerMillionRows, featuresCpuSecondsPerDrop',
    },
    {
      part: 'ingest',
      what: 'S3 writes',
      amount: writes,
      unit: 'requests',
      usd: (writes / 1000) * PRICES.s3.writesPerThousand,
      from: 'cleanWritesPerDrop, featuresWritesPerDrop, and the drop itself',
    },
    {
      part: 'ingest',
      what: 'S3 reads',
      amount: reads,
      unit: 'requests',
      usd: (reads / 1000) * PRICES.s3.readsPerThousand,
      from: 'cleanReadsPerDrop, featuresReadsPerDrop',
    },
    {
      part: 'ingest',
      what: 'SQS, messages and polls',
      amount: POLLS_PER_DAY + 6 * dropsPerDay,
      unit: 'requests',
      usd: ((POLLS_PER_DAY + 6 * dropsPerDay) / 1e6) * PRICES.sqs.requestsPerMillion,
      from: 'two queues, five pollers each, 20 s a poll; send, receive, delete',
    },
    {
      part: 'ingest',
      what: 'logs',
      amount: (dropsPerDay * LOG_BYTES_PER_DROP) / GB,
      unit: 'GB',
      usd: ((dropsPerDay * LOG_BYTES_PER_DROP) / GB) * PRICES.logs.ingestGb,
      from: 'about 1.5 kB a drop from both functions',
    },
  ];
}

const fargateHour = ({ vcpus, memoryMiB }: Deploy['cpu']): number =>
  vcpus * PRICES.fargate.vcpuHour + (memoryMiB / 1024) * PRICES.fargate.gbHour;

function night(load: Load, sizes: Sizes): Line[] {
  const { deploy, dropsPerDay, shards } = load;
  const instance = instanceOf(deploy);
  const children = Math.min(deploy.scoreChildren, shards);
  const gpuHours = sizes.scoreCpuSeconds / (instance.vcpus / 2) / 3600 + children * INSTANCE_OVERHEAD_HOURS;
  const exportHours = sizes.exportSeconds / 3600 + FARGATE_OVERHEAD_HOURS;
  const lists = (TICKS_PER_NIGHT * 3 * dropsPerDay * Math.min(load.historyDays, 365)) / 1000;
  const reads = sizes.scoreReads + sizes.dispatchReads;
  const writes = lists + 3 * shards;
  return [
    {
      part: 'night',
      what: `score, ${instance.type} on demand`,
      amount: gpuHours,
      unit: 'instance hours',
      usd: gpuHours * instance.hour,
      from: 'scoreCpuSecondsPerMillionUsers, foldCpuSecondsPerMillionEvents, on the cores alone',
    },
    {
      part: 'night',
      what: 'export, Fargate',
      amount: exportHours,
      unit: 'job hours',
      usd: exportHours * fargateHour(deploy.cpu),
      from: 'exportCpuSecondsPerMillionUsers',
    },
    {
      part: 'night',
      what: 'S3 reads',
      amount: reads,
      unit: 'requests',
      usd: (reads / 1000) * PRICES.s3.readsPerThousand,
      from: 'scoreReadsPerShardAndDayFile; a quality record a drop and night',
    },
    {
      part: 'night',
      what: 'S3 writes and lists',
      amount: writes,
      unit: 'requests',
      usd: (writes / 1000) * PRICES.s3.writesPerThousand,
      from: 'three lists of all drops a tick, 60 ticks; snapshot, scores and export a shard',
    },
    {
      part: 'night',
      what: 'KMS',
      amount: ENCRYPTED_REQUESTS_PER_DAY,
      unit: 'requests',
      usd: (ENCRYPTED_REQUESTS_PER_DAY / 10_000) * PRICES.kms.requestsPerTenThousand,
      from: 'assumed: with bucket keys and SQS key reuse it does not grow with the objects',
    },
  ];
}

function training({ deploy, eventsPerDay, historyDays }: Load, rates: Rates): Line[] {
  const instance = instanceOf(deploy);
  // Rows of training are bounded, so its fit is; reading the history (survey, start, rows) is not.
  const cpu =
    rates.finetuneCpuSeconds +
    3 * ((eventsPerDay * historyDays) / 1e6) * rates.foldCpuSecondsPerMillionEvents;
  const hours = (cpu / (instance.vcpus / 2) / 3600 + INSTANCE_OVERHEAD_HOURS) / 7;
  return [
    {
      part: 'training',
      what: `finetune once a week, ${instance.type} on demand`,
      amount: hours,
      unit: 'instance hours a day',
      usd: hours * instance.hour,
      from: 'finetuneCpuSeconds, three passes at foldCpuSecondsPerMillionEvents, on the cores alone',
    },
  ];
}

function storage(load: Load, rates: Rates): Line[] {
  const { users, eventsPerDay, historyDays, deploy } = load;
  const { retention } = deploy;
  const warmDays = Math.min(historyDays, retention.dropsToInstantRetrievalDays);
  const warm = (eventsPerDay * warmDays * rates.dropBytesPerRow) / GB;
  const cold = (eventsPerDay * Math.max(0, historyDays - warmDays) * rates.dropBytesPerRow) / GB;
  const derived = (eventsPerDay * historyDays * (rates.cleanBytesPerRow + rates.dayBytesPerRow)) / GB;
  const runs = (users * retention.runDays * (rates.snapshotBytesPerUser + rates.scoreBytesPerUser)) / GB;
  const exported = (users * retention.exportDays * rates.exportBytesPerUser) / GB;
  const line = (what: string, amount: number, price: number, from: string): Line => ({
    part: 'storage',
    what,
    amount,
    unit: 'GB',
    usd: (amount * price) / MONTH_DAYS,
    from,
  });
  const { standardGbMonth, instantRetrievalGbMonth } = PRICES.s3;
  return [
    line('drops, standard', warm, standardGbMonth, 'dropBytesPerRow (plain csv)'),
    line('drops, instant retrieval', cold, instantRetrievalGbMonth, 'dropBytesPerRow (plain csv)'),
    line('clean and day rows', derived, standardGbMonth, 'cleanBytesPerRow, dayBytesPerRow'),
    line('snapshots and scores', runs, standardGbMonth, 'snapshotBytesPerUser, scoreBytesPerUser'),
    line('exports', exported, standardGbMonth, 'exportBytesPerUser'),
    line('images', IMAGE_GB, PRICES.ecrGbMonth, 'assumed: two CUDA images and a plain one'),
  ];
}

function idle({ deploy }: Load): Line[] {
  const { alarms, metrics, keys, endpoints, zones } = WATCHED;
  const line = (what: string, amount: number, unit: string, month: number, from: string): Line => ({
    part: 'idle',
    what,
    amount,
    unit,
    usd: month / MONTH_DAYS,
    from,
  });
  const { cloudWatch } = PRICES;
  const hours = 24 * MONTH_DAYS;
  return [
    ...(deploy.network === 'endpoints'
      ? [
          line(
            'interface endpoints',
            endpoints * zones,
            'endpoint zones',
            endpoints * zones * hours * PRICES.interfaceEndpointHour,
            'lib/infra/network.ts; none with network: public-egress',
          ),
        ]
      : []),
    line('KMS keys', keys, 'keys', keys * PRICES.kms.keyMonth, 'lib/infra: data, pseudonyms, alarms'),
    line('pseudonym secret', 1, 'secrets', PRICES.secretMonth, 'lib/infra/storage.ts'),
    line(
      'alarms, metrics, dashboard',
      alarms + metrics,
      'alarms and metrics',
      alarms * cloudWatch.alarmMonth + metrics * cloudWatch.metricMonth + cloudWatch.dashboardMonth,
      'lib/infra/watch.ts',
    ),
  ];
}
