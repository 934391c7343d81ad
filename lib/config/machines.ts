/** vCPUs of the sizes with one GPU: a job uses one, and where there are four the others would be paid for in vain. */
const SIZES: Readonly<Record<string, number>> = {
  xlarge: 4,
  '2xlarge': 8,
  '4xlarge': 16,
  '8xlarge': 32,
  '16xlarge': 64,
};

interface Family {
  /** GiB of memory a vCPU. */
  readonly gib: number;
  readonly sizes: readonly string[];
}

/** The families with such sizes and x86 processors (the images are built for x86). */
const FAMILIES: Readonly<Record<string, Family>> = {
  g4dn: { gib: 4, sizes: Object.keys(SIZES) },
  g5: { gib: 4, sizes: Object.keys(SIZES) },
  g6: { gib: 4, sizes: Object.keys(SIZES) },
  g6e: { gib: 8, sizes: Object.keys(SIZES) },
  gr6: { gib: 8, sizes: ['4xlarge', '8xlarge'] },
};

/** Part of an instance's memory that its own system and the agent leave to jobs. */
const FOR_JOBS = 0.9;

const STEP_MIB = 512;

export interface JobSize {
  readonly vcpus: number;
  readonly memoryMiB: number;
}

function instanceSize(type: string): { vcpus: number; gib: number } | undefined {
  const [family = '', size = ''] = type.split('.');
  const known = FAMILIES[family];
  if (!known?.sizes.includes(size)) return undefined;
  const vcpus = SIZES[size]!;
  return { vcpus, gib: vcpus * known.gib };
}

/**
 * What a job with one GPU may ask for so that it fits on each of the instance types: all vCPUs of the smallest, and the
 * memory that is left on the one with the least. A job that asks for more than every type has waits forever.
 * @param instanceTypes of a checked config
 */
export function gpuJobSize(instanceTypes: readonly string[]): JobSize {
  const sizes = instanceTypes.flatMap((type) => instanceSize(type) ?? []);
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

/** What is wrong with a setting, by its path below `deploy`. */
interface MachineFault {
  readonly path: readonly string[];
  readonly given: unknown;
  readonly expected: string;
}

interface Machines {
  readonly compute: Readonly<Record<string, 'cpu' | 'gpu'>>;
  readonly cpu: JobSize & { readonly maxVcpus: number };
  readonly gpu: { readonly instanceTypes: readonly string[]; readonly maxVcpus: number };
}

/** Machines that AWS does not have, or too few of them for one job: it would wait forever. */
export function machineFaults({ compute, cpu, gpu }: Machines): MachineFault[] {
  const unknown = gpu.instanceTypes.filter((type) => !instanceSize(type));
  const faults: MachineFault[] = [
    ...fargateFaults(cpu),
    ...roomFaults('cpu', cpu.maxVcpus, cpu.vcpus),
    ...unknown.map((given) => ({
      path: ['gpu', 'instanceTypes'],
      given,
      expected: `${nearTypes(given)}: types with one GPU and x86 processors`,
    })),
  ];
  const onGpu = Object.values(compute).includes('gpu') && unknown.length === 0;
  if (onGpu) faults.push(...roomFaults('gpu', gpu.maxVcpus, gpuJobSize(gpu.instanceTypes).vcpus));
  return faults;
}

function fargateFaults({ vcpus, memoryMiB }: JobSize): MachineFault[] {
  const { from, to, step } = FARGATE[vcpus]!;
  const below = Math.min(to, from + Math.floor((memoryMiB - from) / step) * step);
  if (memoryMiB >= from && below === memoryMiB) return [];
  const near = memoryMiB < from ? `${from}` : below === to ? `${to}` : `${below} or ${below + step}`;
  const expected = `${near}: Fargate has ${from} to ${to} in steps of ${step} with ${vcpus} vCPUs`;
  return [{ path: ['cpu', 'memoryMiB'], given: memoryMiB, expected }];
}

const roomFaults = (kind: string, maxVcpus: number, vcpus: number): MachineFault[] =>
  maxVcpus >= vcpus
    ? []
    : [{ path: [kind, 'maxVcpus'], given: maxVcpus, expected: `at least the ${vcpus} vCPUs of one job` }];

/** Types of the same family, else those of the same size, else the smallest of each family. */
function nearTypes(given: string): string {
  const [family = '', size = ''] = given.split('.');
  const of = (name: string, { sizes }: Family) => sizes.map((one) => `${name}.${one}`);
  const all = Object.entries(FAMILIES).flatMap(([name, known]) => of(name, known));
  const known = FAMILIES[family];
  const alike = known ? of(family, known) : all.filter((type) => type.endsWith(`.${size}`));
  const near = alike.length > 0 ? alike : Object.entries(FAMILIES).map(([name, one]) => of(name, one)[0]!);
  return `one of ${near.join(', ')}`;
}
