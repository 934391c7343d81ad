import type { Deploy } from '../config/index.ts';
import { fargateHour, PRICES } from '../cost/index.ts';
import type { JobDefinition } from '../runtime/index.ts';
import { REMEMBERED_DAYS, type StackJob } from './jobs.ts';

/** What the jobs of the last days cost, about. */
export interface JobCost {
  readonly days: number;
  readonly gpuHours: number;
  readonly cpuHours: number;
  readonly usd: number;
  /** What the figure holds and what it leaves out. */
  readonly note: string;
}

const HOUR_MS = 3_600_000;

/**
 * Estimates from run times, for an account's bill comes a day late: at list prices, an array as if each child ran as
 * long as the whole, spot instances as if they were on demand, so rather too much than too little for the jobs.
 */
export function jobCost(
  jobs: readonly StackJob[],
  jobQueues: Readonly<Record<JobDefinition, string>>,
  deploy: Deploy,
  now: Date,
): JobCost {
  const onGpu = (['finetune', 'score'] as const).filter((job) => deploy.compute[job] === 'gpu');
  const gpuQueues = new Set(onGpu.map((job) => jobQueues[job]));
  const hours = (gpu: boolean) =>
    jobs.filter(({ queue }) => gpuQueues.has(queue) === gpu).reduce((sum, job) => sum + hoursOf(job, now), 0);
  const [gpuHours, cpuHours] = [hours(true), hours(false)];
  const type = deploy.gpu.instanceTypes.find((name) => PRICES.instances[name] !== undefined);
  const gpuHour = type === undefined ? 0 : PRICES.instances[type]!.hour;
  const { vcpus, memoryMiB } = deploy.cpu;
  const cpuHour = fargateHour(deploy.cpu);
  return {
    days: REMEMBERED_DAYS,
    gpuHours,
    cpuHours,
    usd: gpuHours * gpuHour + cpuHours * cpuHour,
    note:
      `an estimate of the jobs alone, from their run times at list prices of ${PRICES.date} in ${PRICES.region} ` +
      `(${gpuNote(onGpu.length > 0, type)}Fargate as ${vcpus} vCPUs with ${memoryMiB} MiB); ` +
      'without start-up and idle time, functions, storage, requests and network. What is billed stands in Cost Explorer',
  };
}

function gpuNote(onGpu: boolean, type: string | undefined): string {
  if (!onGpu) return '';
  return type === undefined
    ? 'GPU hours without a price: their types are not in lib/cost; '
    : `GPU hours as ${type} on demand; `;
}

function hoursOf({ startedAt, stoppedAt, children }: StackJob, now: Date): number {
  if (!startedAt) return 0;
  return (children * Math.max(0, (stoppedAt ?? now).getTime() - startedAt.getTime())) / HOUR_MS;
}
