import { type Deploy, usesGpu } from '../config/index.ts';
import { type FormatRates, formatRates } from './formats.ts';
import { idle, WATCHED } from './idle.ts';
import type { Line, Load } from './load.ts';
import { FARGATE_OVERHEAD_HOURS, fargateHour, machineOf } from './machines.ts';
import { PRICES } from './prices.ts';
import { RATES, type Rates } from './rates.ts';
import { readsOfFiles } from './reads.ts';
import { training, trainingWork } from './training.ts';

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
  /** Of one training. */
  readonly trainingHours: number;
  readonly trainingEventsPerShard: number;
  /** `deploy.largeDrop`: a larger drop goes to a batch job. */
  readonly largeDrop: { readonly setting: string; readonly mebibytes: number };
}

export interface Estimate {
  readonly lines: Line[];
  readonly sizes: Sizes;
  readonly usdPerNight: number;
  readonly usdPerMonth: number;
}

const MONTH_DAYS = 365 / 12;
const GB = 1e9;
/** Threads that clean uses, whatever the function has. */
const CLEAN_THREADS = 2;
/** vCPUs that a function gets by its memory. */
const MIB_PER_VCPU = 1769;
/** Beyond them exports have several files (lib/export/table.ts). */
const USERS_OF_ONE_FILE = 1e6;
const TICKS_PER_NIGHT = 60;
const ENCRYPTED_REQUESTS_PER_DAY = 5000;
const LOG_BYTES_PER_DROP = 1500;
/** An image in the registry, compressed. */
const IMAGE_GB = { cpu: 0.3, gpu: 4 };

/** The bill of a day and a month, and what the load asks of the machine. Every amount is a product of measured rates. */
export function estimate(load: Load, rates: Rates = RATES.rates): Estimate {
  const sizes = sizesOf(load, rates);
  const lines = [
    ...ingest(load, rates, sizes),
    ...night(load, rates, sizes),
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

function sizesOf(load: Load, rates: Rates): Sizes {
  const { users, eventsPerDay, dropsPerDay, shards, deploy } = load;
  const rowsPerDrop = eventsPerDay / dropsPerDay;
  // Those behind the snapshot, and the day itself.
  const daysRead = load.lateDays + 1;
  const { cores, overheadHours } = machineOf('score', deploy);
  const scoreCpuSeconds =
    (users * rates.scoreCpuSecondsPerMillionUsers +
      eventsPerDay * daysRead * rates.foldCpuSecondsPerMillionEvents) /
    1e6;
  // Where users have several files, a process a vCPU shares them out.
  const workers = users > USERS_OF_ONE_FILE ? deploy.cpu.vcpus / 2 : 1;
  const exportSeconds = (users * rates.exportCpuSecondsPerMillionUsers) / 1e6 / workers;
  const format = formatRates(load.format, rates);
  const trained = trainingWork(load, rates);
  const children = Math.min(deploy.scoreChildren, shards);
  const scoreHours = scoreCpuSeconds / cores / children / 3600;
  return {
    scoreCpuSeconds,
    exportSeconds,
    nightHours: scoreHours + exportSeconds / 3600 + overheadHours + FARGATE_OVERHEAD_HOURS,
    usersPerShard: users / shards,
    dropMegabytes: (rowsPerDrop * format.dropBytesPerRow) / 2 ** 20,
    cleanSecondsPerDrop: cleanSeconds(rowsPerDrop, deploy, rates, format),
    trainingHours: trained.hours,
    trainingEventsPerShard: trained.entriesPerShard,
    largeDrop: { setting: `deploy.largeDrop.${format.limit}`, mebibytes: deploy.largeDrop[format.limit] },
    dispatchReads: dispatchReads(dropsPerDay, load.historyDays),
    scoreReads: readsOfFiles(dropsPerDay * daysRead, rowsPerDrop * rates.dayBytesPerRow, children),
  };
}

/** With more drops the tick keeps an index of them (lib/run/index-limits.ts): of 16,384 drops each segment, … */
const LISTED_WHOLE = 30_000;
const SEGMENT_DROPS = 16_384;
/** … and a call lists so many of them at most. */
const LISTED_KEYS = 150_000;

/** What a dispatch function that starts anew reads: a record of each drop, or the index and the records of the day's drops. */
function dispatchReads(dropsPerDay: number, historyDays: number): number {
  const drops = dropsPerDay * Math.min(historyDays, 365);
  return drops <= LISTED_WHOLE ? drops : drops / SEGMENT_DROPS + dropsPerDay;
}

/** Pages that the ticks of a night list. */
function dispatchLists(dropsPerDay: number, historyDays: number): number {
  const drops = dropsPerDay * Math.min(historyDays, 365);
  if (drops <= LISTED_WHOLE) return (TICKS_PER_NIGHT * 4 * drops) / 1000;
  // Of each new drop its digest and its day rows are asked for besides.
  return (TICKS_PER_NIGHT * Math.min(drops, LISTED_KEYS)) / 1000 + 2 * dropsPerDay;
}

function cleanSeconds(rows: number, { functions }: Deploy, rates: Rates, format: FormatRates): number {
  const vcpus = Math.min(CLEAN_THREADS, functions.cleanMemoryMiB / MIB_PER_VCPU);
  return (rates.cleanCpuSecondsPerDrop + (rows / 1e6) * format.cleanCpuSecondsPerMillionRows) / vcpus;
}

function ingest(load: Load, rates: Rates, sizes: Sizes): Line[] {
  const { eventsPerDay, dropsPerDay, deploy } = load;
  const { functions, cpu } = deploy;
  const rowsPerDrop = eventsPerDay / dropsPerDay;
  const { names, cleanCpuSecondsPerMillionRows } = formatRates(load.format, rates);
  const large = sizes.dropMegabytes > sizes.largeDrop.mebibytes;
  const featureCpu =
    dropsPerDay * rates.featuresCpuSecondsPerDrop +
    (eventsPerDay / 1e6) * rates.featuresCpuSecondsPerMillionRows;
  const featureSeconds = featureCpu / Math.min(1, functions.featuresMemoryMiB / MIB_PER_VCPU);
  const lambda = (seconds: number, mib: number) => seconds * (mib / 1024) * PRICES.lambda.gbSecond;
  const cleanGbSeconds = sizes.cleanSecondsPerDrop * dropsPerDay * (functions.cleanMemoryMiB / 1024);
  const jobHours =
    dropsPerDay *
    ((rates.cleanCpuSecondsPerDrop + (rowsPerDrop / 1e6) * cleanCpuSecondsPerMillionRows) /
      CLEAN_THREADS /
      3600 +
      FARGATE_OVERHEAD_HOURS);
  const reads = dropsPerDay * (rates.cleanReadsPerDrop + rates.featuresReadsPerDrop);
  const writes = dropsPerDay * (rates.cleanWritesPerDrop + rates.featuresWritesPerDrop + 2);
  return [
    large
      ? {
          part: 'ingest',
          what: 'clean, as batch jobs (drops above deploy.largeDrop)',
          amount: jobHours,
          unit: 'job hours',
          usd: jobHours * fargateHour(cpu),
          from: `${names.clean}, cleanCpuSecondsPerDrop`,
        }
      : {
          part: 'ingest',
          what: 'clean, Lambda',
          amount: cleanGbSeconds,
          unit: 'GB-s',
          usd: cleanGbSeconds * PRICES.lambda.gbSecond,
          from: `${names.clean}, cleanCpuSecondsPerDrop`,
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
      from: 'cleanWritesPerDrop, featuresWritesPerDrop, the drop itself and its digest',
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
      what: 'SQS, messages',
      amount: 6 * dropsPerDay,
      unit: 'requests',
      usd: ((6 * dropsPerDay) / 1e6) * PRICES.sqs.requestsPerMillion,
      from: 'send, receive, delete, in two queues',
    },
    {
      part: 'ingest',
      what: 'logs',
      amount: (dropsPerDay * LOG_BYTES_PER_DROP) / GB,
      unit: 'GB',
      usd: ((dropsPerDay * LOG_BYTES_PER_DROP) / GB) * PRICES.logs.ingestGb,
      from: 'about 1.5 kB a drop from both functions',
    },
    {
      part: 'ingest',
      what: 'metrics of functions and jobs',
      amount: WATCHED.metricsOfWork,
      unit: 'metrics',
      usd: (WATCHED.metricsOfWork * PRICES.cloudWatch.metricMonth) / MONTH_DAYS,
      from: 'lib/infra/watch-metrics.ts, lib/runtime/aws/metrics.ts',
    },
  ];
}

function night(load: Load, rates: Rates, sizes: Sizes): Line[] {
  const { deploy, dropsPerDay, shards } = load;
  const machine = machineOf('score', deploy);
  const children = Math.min(deploy.scoreChildren, shards);
  const scoreHours = sizes.scoreCpuSeconds / machine.cores / 3600 + children * machine.overheadHours;
  const exportHours = sizes.exportSeconds / 3600 + FARGATE_OVERHEAD_HOURS;
  const lists = dispatchLists(dropsPerDay, load.historyDays);
  const reads = sizes.scoreReads + sizes.dispatchReads + shards * rates.exportReadsPerShard;
  const writes = lists + 3 * shards;
  return [
    {
      part: 'night',
      what: `score, ${machine.name}`,
      amount: scoreHours,
      unit: machine.unit,
      usd: scoreHours * machine.hour,
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
      from: 'day files of lib/cost/reads.ts, exportReadsPerShard; a quality record a drop and night, with an index only of new drops',
    },
    {
      part: 'night',
      what: 'S3 writes and lists',
      amount: writes,
      unit: 'requests',
      usd: (writes / 1000) * PRICES.s3.writesPerThousand,
      from: 'four lists of all drops a tick, with an index a part of them, 60 ticks; snapshot, scores and export a shard',
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

function storage(load: Load, rates: Rates): Line[] {
  const { users, eventsPerDay, historyDays, deploy } = load;
  const { retention } = deploy;
  const warmDays = Math.min(historyDays, retention.dropsToInstantRetrievalDays);
  const { dropBytesPerRow, names } = formatRates(load.format, rates);
  const warm = (eventsPerDay * warmDays * dropBytesPerRow) / GB;
  const cold = (eventsPerDay * Math.max(0, historyDays - warmDays) * dropBytesPerRow) / GB;
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
    line('drops, standard', warm, standardGbMonth, names.bytes),
    line('drops, instant retrieval', cold, instantRetrievalGbMonth, names.bytes),
    line('clean and day rows', derived, standardGbMonth, 'cleanBytesPerRow, dayBytesPerRow'),
    line('snapshots and scores', runs, standardGbMonth, 'snapshotBytesPerUser, scoreBytesPerUser'),
    line('exports', exported, standardGbMonth, 'exportBytesPerUser'),
    line(
      'images',
      IMAGE_GB.cpu + (usesGpu(deploy) ? IMAGE_GB.gpu : 0),
      PRICES.ecrGbMonth,
      'assumed: a plain image, and one with CUDA where a job runs on a GPU',
    ),
  ];
}
