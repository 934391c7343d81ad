import type { Line, Load } from './load.ts';
import { machineOf } from './machines.ts';
import { PRICES } from './prices.ts';
import type { Rates } from './rates.ts';
import { readsOfFiles } from './reads.ts';

/** Trainings are weekly. */
const EVERY_DAYS = 7;
/** A range read takes about as long, and many are under way at once. */
const READ_SECONDS = 0.02;
const READS_AT_ONCE = 16;

/** Of a longer history a sample of the users is read (lib/run/gather-users.ts). */
const MOST_ENTRIES = 16e6;
/** Smaller files are packed, into packs of so many bytes (lib/features/packs). */
const PACKED_BYTES = 4 * 2 ** 20;
const PACK_BYTES = 64 * 2 ** 20;

/** What one training asks for. */
interface TrainingWork {
  /** Processor seconds of all threads. */
  readonly cpuSeconds: number;
  /** Requests that read the history. */
  readonly reads: number;
  /** Entries of a shard, events at most: read at once. */
  readonly entriesPerShard: number;
  /** On the machine that the config gives it, start and stop left out. */
  readonly hours: number;
}

/**
 * The one place that says what a training takes. Its rows are bounded, so its fit is (`finetuneCpuSeconds`), and so is what it
 * reads (`trainingReadSecondsPerMillionEvents`, all its looks together).
 */
export function trainingWork(
  { deploy, shards, eventsPerDay, dropsPerDay, historyDays }: Load,
  rates: Rates,
): TrainingWork {
  const events = eventsPerDay * historyDays;
  // One shard at least, and each is held in memory.
  const entriesPerShard = events / shards;
  const read = Math.min(events, Math.max(MOST_ENTRIES, entriesPerShard));
  const cpuSeconds = rates.finetuneCpuSeconds + (read / 1e6) * rates.trainingReadSecondsPerMillionEvents;
  const { cores } = machineOf('finetune', deploy);
  const bytes = (eventsPerDay / dropsPerDay) * rates.dayBytesPerRow;
  const drops = dropsPerDay * historyDays;
  // Small files lie in packs, one for each month of two years and each year before, and more where they are large.
  const packs = 24 + historyDays / 365 + (drops * bytes) / PACK_BYTES;
  const [files, each] = bytes <= PACKED_BYTES ? [packs, (drops * bytes) / packs] : [drops, bytes];
  const reads = readsOfFiles(files, each, cores, read / events);
  return {
    cpuSeconds,
    reads,
    entriesPerShard,
    hours: (cpuSeconds / cores + (reads * READ_SECONDS) / READS_AT_ONCE) / 3600,
  };
}

/** The lines of the bill. */
export function training(load: Load, rates: Rates): Line[] {
  const machine = machineOf('finetune', load.deploy);
  const work = trainingWork(load, rates);
  const hours = (work.hours + machine.overheadHours) / EVERY_DAYS;
  const reads = work.reads / EVERY_DAYS;
  return [
    {
      part: 'training',
      what: `finetune once a week, ${machine.name}`,
      amount: hours,
      unit: `${machine.unit} a day`,
      usd: hours * machine.hour,
      from: 'finetuneCpuSeconds, trainingReadSecondsPerMillionEvents, on the cores alone',
    },
    {
      part: 'training',
      what: 'S3 reads',
      amount: reads,
      unit: 'requests',
      usd: (reads / 1000) * PRICES.s3.readsPerThousand,
      from: 'day files and packs of lib/cost/reads.ts, once a week',
    },
  ];
}
