import type { Line, Load } from './load.ts';
import { machineOf } from './machines.ts';
import { PRICES } from './prices.ts';
import type { Rates } from './rates.ts';

/** Trainings are weekly. */
const EVERY_DAYS = 7;
/** A range read takes about as long, and many are under way at once. */
const READ_SECONDS = 0.02;
const READS_AT_ONCE = 16;

/** What one training asks for. */
interface TrainingWork {
  /** Processor seconds of all threads. */
  readonly cpuSeconds: number;
  /** Requests that read the history. */
  readonly reads: number;
  /** On the machine that the config gives it, start and stop left out. */
  readonly hours: number;
}

/**
 * The one place that says what a training takes. Its rows are bounded, so its fit is (`finetuneCpuSeconds`). What it reads is
 * said by the rates `trainingReads…` (requests) and `trainingReadSeconds…` (processor seconds).
 */
export function trainingWork(
  { deploy, shards, eventsPerDay, historyDays }: Load,
  rates: Rates,
): TrainingWork {
  const millions = (eventsPerDay * historyDays) / 1e6;
  const cpuSeconds = rates.finetuneCpuSeconds + millions * rates.trainingReadSecondsPerMillionEvents;
  const reads = shards * rates.trainingReadsPerShard;
  const { cores } = machineOf('finetune', deploy);
  return { cpuSeconds, reads, hours: (cpuSeconds / cores + (reads * READ_SECONDS) / READS_AT_ONCE) / 3600 };
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
      from: 'trainingReadsPerShard, once a week',
    },
  ];
}
