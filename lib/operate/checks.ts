import type { Deploy } from '../config/index.ts';
import { reasonOf } from './errors.ts';

/** One thing that was looked at before a deployment. */
export interface Check {
  readonly name: string;
  /** A warning does not keep from deploying. */
  readonly state: 'ok' | 'warning' | 'failed';
  readonly found: string;
  readonly expected: string;
  /** What to do about it; absent where nothing is to be done. */
  readonly remedy?: string;
}

/** What was answered, or the error that came instead. Every check judges answers and asks nobody itself. */
export type Answer<T> = { readonly value: T } | { readonly error: unknown };

export interface Identity {
  readonly account: string;
  readonly arn: string;
}

/** An instance type that the region offers. */
export interface OfferedType {
  readonly type: string;
  readonly vcpus: number;
  /** NVIDIA GPUs it has. */
  readonly gpus: number;
  readonly architectures: readonly string[];
}

/** Bootstrap stacks older than this cannot take what the stacks' synthesiser makes. */
const BOOTSTRAP_VERSION = 6;
const NODE = { major: 20, minor: 19 };
/** The CUDA base, its provider and both images' layers, while Docker also keeps its build cache; an estimate. */
const DISK_GIB = { wanted: 20, least: 10 };
const GIB = 2 ** 30;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const ok = major > NODE.major || (major === NODE.major && minor >= NODE.minor);
  return {
    name: 'Node',
    state: ok ? 'ok' : 'failed',
    found: version,
    expected: `${NODE.major}.${NODE.minor} or later`,
    ...(ok ? {} : { remedy: 'install a newer Node: https://nodejs.org' }),
  };
}

export function checkIdentity(answer: Answer<Identity>): Check {
  const expected = 'credentials of the account that is to run it';
  if ('value' in answer) {
    const { account, arn } = answer.value;
    return { name: 'account', state: 'ok', found: `${account} as ${arn}`, expected };
  }
  return {
    name: 'account',
    state: 'failed',
    found: reasonOf(answer.error),
    expected,
    remedy:
      'sign in ("aws sso login", "aws configure") or set AWS_PROFILE; "aws sts get-caller-identity" must work',
  };
}

export function checkRegion(answer: Answer<string>): Check {
  const expected = 'a region';
  if ('value' in answer) return { name: 'region', state: 'ok', found: answer.value, expected };
  return {
    name: 'region',
    state: 'failed',
    found: reasonOf(answer.error),
    expected,
    remedy: 'say --region eu-central-1, or set AWS_REGION',
  };
}

/** @param answer the version; undefined where the parameter does not exist */
export function checkBootstrap(answer: Answer<number | undefined>, account: string, region: string): Check {
  const name = 'CDK bootstrap';
  const expected = `version ${BOOTSTRAP_VERSION} or later`;
  const remedy = `npx cdk bootstrap aws://${account}/${region}`;
  if ('error' in answer) return unknown(name, expected, answer.error, 'ssm:GetParameter');
  const { value } = answer;
  if (value === undefined) return { name, state: 'failed', found: 'not bootstrapped', expected, remedy };
  const ok = value >= BOOTSTRAP_VERSION;
  return {
    name,
    state: ok ? 'ok' : 'failed',
    found: `version ${value}`,
    expected,
    ...(ok ? {} : { remedy }),
  };
}

/**
 * Whether an environment is free or the config's own: deployed with another shop's config it would take that one's drops.
 * @param answer the shop that it was deployed for, where it was
 */
export function checkShop(answer: Answer<string | undefined>, environment: string, shop: string): Check {
  const name = 'environment';
  const expected = `free, or of shop "${shop}"`;
  if ('error' in answer) return unknown(name, expected, answer.error, 'cloudformation:DescribeStacks');
  const { value } = answer;
  if (value === undefined) return { name, state: 'ok', found: `${environment} is free`, expected };
  const found = `${environment} is of shop "${value}"`;
  if (value === shop) return { name, state: 'ok', found, expected };
  const remedy = 'name another environment with --env; only if that shop was renamed, --force takes it over';
  return { name, state: 'failed', found, expected, remedy };
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

export interface DockerServer {
  readonly version: string;
  readonly arch: string;
}

/** @param program `docker`, or what CDK_DOCKER names */
export function checkDocker(program: string, answer: Answer<DockerServer>): Check {
  const name = 'Docker';
  const expected = `${program} with its daemon running: it builds the two images`;
  if ('error' in answer) {
    return {
      name,
      state: 'failed',
      found: reasonOf(answer.error),
      expected,
      remedy: 'start Docker, or install it; another builder: CDK_DOCKER=finch (or podman)',
    };
  }
  const { version, arch } = answer.value;
  const found = `${version} on ${arch}`;
  if (/amd64|x86_64/.test(arch)) return { name, state: 'ok', found, expected };
  return {
    name,
    state: 'warning',
    found,
    expected,
    remedy: 'the images are for linux/amd64: it must be able to emulate it, and takes longer',
  };
}

/** @param where the folder whose file system was looked at */
export function checkDisk(where: string, answer: Answer<number>): Check {
  const name = 'disk';
  const expected = `${DISK_GIB.wanted} GiB free for the images`;
  if ('error' in answer) return unknown(name, expected, answer.error, `read ${where}`);
  const gib = answer.value / GIB;
  const found = `${gib.toFixed(0)} GiB free in ${where}`;
  if (gib >= DISK_GIB.wanted) return { name, state: 'ok', found, expected };
  const remedy = 'make room, for example "docker system prune"';
  return { name, state: gib < DISK_GIB.least ? 'failed' : 'warning', found, expected, remedy };
}

/** They are no dependencies of the package: only who deploys needs them. A clone has them. */
const CDK_REMEDY = 'npm install --save-dev aws-cdk@2 aws-cdk-lib@2 constructs@10 (in a clone: npm ci)';

/** @param path the CDK's command line beside Nightjar; undefined where it or its library is not installed */
export function checkCdk(path: string | undefined): Check {
  const expected = 'aws-cdk, aws-cdk-lib and constructs';
  if (path) return { name: 'CDK', state: 'ok', found: path, expected };
  return { name: 'CDK', state: 'failed', found: 'not installed', expected, remedy: CDK_REMEDY };
}

/** No check of its own: what cannot be looked at is said, and left to the deployment. */
function unknown(name: string, expected: string, error: unknown, permission: string): Check {
  return {
    name,
    state: 'warning',
    found: `could not be looked at: ${reasonOf(error)}`,
    expected,
    remedy: `allow ${permission}, or look in the console`,
  };
}
