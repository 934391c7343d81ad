import type { Deploy } from '../config/index.ts';
import { type Answer, type Check, unknown } from './checks.ts';

/** An instance type that the region offers. */
export interface OfferedType {
  readonly type: string;
  readonly vcpus: number;
  /** NVIDIA GPUs it has. */
  readonly gpus: number;
  readonly architectures: readonly string[];
}

/**
 * Whether the region offers the GPU types: one that can run the image is enough, AWS Batch takes what it gets.
 * @param answer the types that are offered, of those that the config names
 */
export function checkInstances(wanted: readonly string[], answer: Answer<readonly OfferedType[]>): Check {
  const name = 'GPU instance types';
  const expected = wanted.join(', ');
  if ('error' in answer) {
    return unknown(
      name,
      expected,
      answer.error,
      'ec2:DescribeInstanceTypeOfferings, ec2:DescribeInstanceTypes',
    );
  }
  const fit = answer.value.filter(runsTheImage).map(({ type }) => type);
  const faults = wanted.flatMap((type) => {
    const offered = answer.value.find((one) => one.type === type);
    if (!offered) return `${type} is not offered here`;
    return runsTheImage(offered) ? [] : `${type} has no NVIDIA GPU beside an x86_64 processor`;
  });
  const found = fit.length > 0 ? fit.join(', ') : 'none of them';
  if (faults.length === 0) return { name, state: 'ok', found, expected };
  return {
    name,
    state: fit.length > 0 ? 'warning' : 'failed',
    found: `${found} (${faults.join('; ')})`,
    expected,
    remedy: 'change deploy.gpu.instanceTypes, or take another region',
  };
}

const runsTheImage = ({ gpus, architectures }: OfferedType) => gpus > 0 && architectures.includes('x86_64');

/** EC2's quotas count vCPUs by family of instance types, on-demand and spot apart. */
export interface Quota {
  readonly pool: 'on-demand' | 'spot';
  readonly family: 'G' | 'P';
  readonly code: string;
}

const QUOTAS: readonly Quota[] = [
  { pool: 'spot', family: 'G', code: 'L-3819A6DF' },
  { pool: 'on-demand', family: 'G', code: 'L-DB2E81BA' },
  { pool: 'spot', family: 'P', code: 'L-7212CCBC' },
  { pool: 'on-demand', family: 'P', code: 'L-417A185B' },
];

/** The quotas that the config's types draw from: spot ones only where spot is tried. */
export function quotasOf({ instanceTypes, spot }: Deploy['gpu']): Quota[] {
  return QUOTAS.filter(
    ({ pool, family }) =>
      (pool === 'on-demand' || spot) && instanceTypes.some((type) => familyOf(type) === family),
  );
}

/** G and VT share a quota. */
const familyOf = (type: string) => (/^(g|vt)\d/.test(type) ? 'G' : /^p\d/.test(type) ? 'P' : undefined);

/**
 * The vCPUs that may run at a time, for each quota. It fails where none of them lets a single instance start.
 * @param answers vCPUs by quota code
 */
export function checkQuotas(
  gpu: Deploy['gpu'],
  offered: readonly OfferedType[],
  answers: ReadonlyMap<string, Answer<number>>,
  region: string,
): Check[] {
  const smallest = (family: Quota['family']) =>
    offered.reduce(
      (least, { type, vcpus }) => (familyOf(type) === family ? Math.min(least, vcpus) : least),
      Number.POSITIVE_INFINITY,
    );
  const quotas = quotasOf(gpu).map((quota) => ({
    ...quota,
    answer: answers.get(quota.code) ?? { error: new Error('it was not asked for') },
    // Where the types are not known, any vCPU counts.
    least: offered.length === 0 ? 1 : smallest(quota.family),
  }));
  const starts = quotas.some(({ answer, least }) => 'error' in answer || answer.value >= least);
  return quotas.map(({ pool, family, code, answer, least }) => {
    const name = `quota ${family} ${pool}`;
    const expected = `${gpu.maxVcpus} vCPUs (${code})`;
    if ('error' in answer) return unknown(name, expected, answer.error, 'servicequotas:GetServiceQuota');
    const { value } = answer;
    if (value >= gpu.maxVcpus) return { name, state: 'ok', found: `${value} vCPUs`, expected };
    const ask =
      'aws service-quotas request-service-quota-increase --service-code ec2 ' +
      `--quota-code ${code} --desired-value ${gpu.maxVcpus} --region ${region}`;
    const none = value < least;
    return {
      name,
      state: none && !starts ? 'failed' : 'warning',
      found: none ? `${value} vCPUs: not one instance starts` : `${value} vCPUs`,
      expected,
      remedy: none ? `${ask} (granted within hours or days)` : `${ask}, or lower deploy.gpu.maxVcpus`,
    };
  });
}
