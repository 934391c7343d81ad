import { ConfigError } from '../data/errors.ts';

/** vCPUs of the sizes with one GPU: a job uses one, and where there are four the others would be paid for in vain. */
const SIZES: Readonly<Record<string, number>> = {
  xlarge: 4,
  '2xlarge': 8,
  '4xlarge': 16,
  '8xlarge': 32,
  '16xlarge': 64,
};

/** GiB of memory a vCPU, of the families with such sizes and x86 processors (the images are built for x86). */
const FAMILIES: Readonly<Record<string, number>> = {
  g4dn: 4,
  g5: 4,
  g6: 4,
  g6e: 8,
  gr6: 8,
};

/** Part of an instance's memory that its own system and the agent leave to jobs. */
const FOR_JOBS = 0.9;

const STEP_MIB = 512;

export interface JobSize {
  readonly vcpus: number;
  readonly memoryMiB: number;
}

/**
 * What a job with one GPU may ask for so that it fits on each of the instance types: all vCPUs of the smallest, and the
 * memory that is left on the one with the least. A job that asks for more than every type has waits forever.
 * @throws ConfigError where a type is not known here
 */
export function gpuJobSize(instanceTypes: readonly string[]): JobSize {
  const sizes = instanceTypes.map((type) => {
    const [family = '', size = ''] = type.split('.');
    const vcpus = SIZES[size];
    const gibPerVcpu = FAMILIES[family];
    if (vcpus === undefined || gibPerVcpu === undefined) {
      throw new ConfigError(
        `deploy.gpu.instanceTypes: given "${type}", expected a type of ${Object.keys(FAMILIES).join(', ')} ` +
          `in a size of ${Object.keys(SIZES).join(', ')} (one GPU each)`,
      );
    }
    return { vcpus, gib: vcpus * gibPerVcpu };
  });
  const mib = Math.min(...sizes.map(({ gib }) => gib)) * 1024 * FOR_JOBS;
  return {
    vcpus: Math.min(...sizes.map(({ vcpus }) => vcpus)),
    memoryMiB: Math.floor(mib / STEP_MIB) * STEP_MIB,
  };
}

/** Memory that Fargate has for a number of vCPUs, in MiB (ECS developer guide, "Task CPU and memory"). */
const FARGATE: Readonly<Record<number, { from: number; to: number; step: number }>> = {
  2: { from: 4096, to: 16384, step: 1024 },
  4: { from: 8192, to: 30720, step: 1024 },
  8: { from: 16384, to: 61440, step: 4096 },
  16: { from: 32768, to: 122880, step: 8192 },
};

/** @throws ConfigError where Fargate does not have this memory with these vCPUs */
export function checkFargate({ vcpus, memoryMiB }: JobSize): void {
  const has = FARGATE[vcpus];
  if (has && memoryMiB >= has.from && memoryMiB <= has.to && (memoryMiB - has.from) % has.step === 0) return;
  throw new ConfigError(
    has
      ? `deploy.cpu.memoryMiB: given ${memoryMiB}, expected ${has.from} to ${has.to} in steps of ${has.step} with ${vcpus} vCPUs`
      : `deploy.cpu.vcpus: given ${vcpus}, expected one of ${Object.keys(FARGATE).join(', ')}`,
  );
}

/**
 * A job that does not fit into its compute environment is never started and never fails.
 * @throws ConfigError
 */
export function checkRoom(setting: string, maxVcpus: number, job: JobSize): void {
  if (maxVcpus >= job.vcpus) return;
  throw new ConfigError(`${setting}: given ${maxVcpus}, expected at least the ${job.vcpus} vCPUs of one job`);
}
