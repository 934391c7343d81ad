import type { Deploy } from '../config/index.ts';
import { PRICES } from './prices.ts';

/** An instance is paid for this long before its first work and after its last: boot, image pull, scale-down. */
const INSTANCE_OVERHEAD_HOURS = 0.12;
export const FARGATE_OVERHEAD_HOURS = 0.03;

/** What a job runs on. Two vCPUs are one processor core. */
interface Machine {
  readonly name: string;
  readonly unit: string;
  readonly cores: number;
  /** US dollars. */
  readonly hour: number;
  /** Paid for before and after the work. */
  readonly overheadHours: number;
}

/** Where a config puts a job. */
export function machineOf(job: 'finetune' | 'score', deploy: Deploy): Machine {
  if (deploy.compute[job] === 'cpu') {
    const { vcpus } = deploy.cpu;
    return {
      ...{ name: 'Fargate', unit: 'job hours', cores: vcpus / 2 },
      ...{ hour: fargateHour(deploy.cpu), overheadHours: FARGATE_OVERHEAD_HOURS },
    };
  }
  const priced = deploy.gpu.instanceTypes.find((one) => one in PRICES.instances);
  const type = priced ?? 'g6.xlarge';
  const { vcpus, hour } = PRICES.instances[type]!;
  const name =
    priced ?? `${deploy.gpu.instanceTypes[0]}, priced as ${type}, as lib/cost knows no price of it,`;
  return {
    ...{ name: `${name} on demand`, unit: 'instance hours', cores: vcpus / 2 },
    ...{ hour, overheadHours: INSTANCE_OVERHEAD_HOURS },
  };
}

/** US dollars of an hour of a job of this size. */
export function fargateHour({ vcpus, memoryMiB, architecture }: Deploy['cpu']): number {
  const { vcpuHour, gbHour } = PRICES.fargate[architecture];
  return vcpus * vcpuHour + (memoryMiB / 1024) * gbHour;
}
