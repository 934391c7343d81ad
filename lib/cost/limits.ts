import type { Sizes } from './estimate.ts';
import type { Load } from './load.ts';

/** A bound that a load may run into, and the setting to move when it does. */
export interface Limit {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
  readonly ok: boolean;
  readonly setting: string;
}

const LAMBDA_SECONDS = 900;
/** A quality record takes about 20 ms to read, 16 at a time; the tick should leave time for the rest. */
const DISPATCH_READS = 400_000;
/** A range read takes about 20 ms, one after another, in each child. */
const READ_SECONDS = 0.02;
/** A job of an export is given two hours, and readers wait for it. */
const EXPORT_SECONDS = 3600;
/** An attempt of a training is given eight hours. */
const TRAINING_HOURS = 6;
/** Users of a shard that a child holds in memory at once. */
const USERS_PER_SHARD = 100_000;

/** Events of a shard that a training holds in memory at once, about 100 bytes each. */
const EVENTS_PER_SHARD = 40e6;

/** Bounds of a load, the violated ones first. @param windowHours from nightly.deadline until the exports are wanted */
export function limits(load: Load, sizes: Sizes, windowHours = 3): Limit[] {
  const children = Math.min(load.deploy.scoreChildren, load.shards);
  const rows: Omit<Limit, 'ok'>[] = [
    {
      what: 'hours from the start of the night to the export',
      value: sizes.nightHours,
      limit: windowHours,
      unit: 'h',
      setting:
        'deploy.scoreChildren up (and the maxVcpus of deploy.cpu or deploy.gpu, and the account quota with it)',
    },
    {
      what: 'users of a shard, in memory at once',
      value: sizes.usersPerShard,
      limit: USERS_PER_SHARD,
      unit: 'users',
      setting: 'shards up (a power of two, at most 4096)',
    },
    {
      what: 'events of a shard that a training holds in memory',
      value: sizes.trainingEventsPerShard,
      limit: EVENTS_PER_SHARD,
      unit: 'events',
      setting: 'shards up (a power of two, at most 4096); do not drop the oldest years',
    },
    {
      what: 'range reads of a child, one after another',
      value: (sizes.scoreReads / children) * READ_SECONDS,
      limit: (windowHours * 3600) / 2,
      unit: 's',
      setting: 'fewer, larger drops; deploy.scoreChildren up; fewer shards',
    },
    {
      what: 'seconds of the clean function for a drop',
      value: sizes.dropMegabytes > sizes.largeDrop.mebibytes ? 0 : sizes.cleanSecondsPerDrop,
      limit: LAMBDA_SECONDS * 0.7,
      unit: 's',
      setting: `${sizes.largeDrop.setting} down: larger drops go to a batch job`,
    },
    {
      what: 'size of a drop that goes through a batch job',
      value: sizes.dropMegabytes,
      limit: load.deploy.cpu.memoryMiB,
      unit: 'MiB',
      setting: 'more, smaller drops; deploy.cpu.memoryMiB up',
    },
    {
      what: 'quality records that a cold dispatch reads',
      value: sizes.dispatchReads,
      limit: DISPATCH_READS,
      unit: 'reads',
      setting: 'fewer, larger drops (an hour instead of a minute)',
    },
    {
      what: 'seconds of the export',
      value: sizes.exportSeconds,
      limit: EXPORT_SECONDS,
      unit: 's',
      setting:
        'deploy.cpu.vcpus up (16 at most), and memoryMiB with it: 1,536 for each; exports.formats: one of the two alone',
    },
    {
      what: 'hours of a training',
      value: sizes.trainingHours,
      limit: TRAINING_HOURS,
      unit: 'h',
      setting:
        'deploy.cpu.vcpus up, where deploy.compute trains on Fargate; deploy.gpu.instanceTypes larger where it does not; features.historyDays down',
    },
  ];
  return rows
    .map((row) => ({ ...row, ok: row.value <= row.limit }))
    .sort((a, b) => Number(a.ok) - Number(b.ok));
}
