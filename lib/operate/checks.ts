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

/** Bootstrap stacks older than this cannot take what the stacks' synthesiser makes. */
const BOOTSTRAP_VERSION = 6;
const NODE = { major: 20, minor: 19 };
/** The images' layers, with CUDA and its provider where a job runs on a GPU, and Docker's build cache; an estimate. */
const DISK_GIB = { cpu: { wanted: 4, least: 2 }, gpu: { wanted: 20, least: 10 } };
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

export interface DockerServer {
  readonly version: string;
  readonly arch: string;
}

/**
 * @param program `docker`, or what CDK_DOCKER names
 * @param wanted processors that the images are for
 */
export function checkDocker(
  program: string,
  wanted: readonly ('amd64' | 'arm64')[],
  answer: Answer<DockerServer>,
): Check {
  const name = 'Docker';
  const expected = `${program} with its daemon running: it builds the images of the jobs`;
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
  const own = /arm64|aarch64/.test(arch) ? 'arm64' : 'amd64';
  const foreign = wanted.filter((one) => one !== own);
  if (foreign.length === 0) return { name, state: 'ok', found, expected };
  return {
    name,
    state: 'warning',
    found,
    expected,
    remedy: `images are for linux/${foreign.join(' and ')}: it must be able to emulate it, and takes longer`,
  };
}

/** @param where the folder whose file system was looked at */
export function checkDisk(where: string, images: 'cpu' | 'gpu', answer: Answer<number>): Check {
  const name = 'disk';
  const { wanted, least } = DISK_GIB[images];
  const expected = `${wanted} GiB free for the images`;
  if ('error' in answer) return unknown(name, expected, answer.error, `read ${where}`);
  const gib = answer.value / GIB;
  const found = `${gib.toFixed(0)} GiB free in ${where}`;
  if (gib >= wanted) return { name, state: 'ok', found, expected };
  const remedy = 'make room, for example "docker system prune"';
  return { name, state: gib < least ? 'failed' : 'warning', found, expected, remedy };
}

/** They are no dependencies of the package: only who deploys needs them. A clone has them. */
const CDK_REMEDY = 'npm install --save-dev aws-cdk@2 aws-cdk-lib@2 constructs@10 (in a clone: npm ci)';

/** @param path the CDK's command line beside Nightjar; undefined where it or its library is not installed */
export function checkCdk(path: string | undefined): Check {
  const expected = 'aws-cdk, aws-cdk-lib and constructs';
  if (path) return { name: 'CDK', state: 'ok', found: path, expected };
  return { name: 'CDK', state: 'failed', found: 'not installed', expected, remedy: CDK_REMEDY };
}

/**
 * No check of its own: what cannot be looked at is said, and left to the deployment. A policy of the organisation that
 * denies the question is told apart: nobody in the account can allow it.
 */
export function unknown(name: string, expected: string, error: unknown, permission: string): Check {
  const reason = reasonOf(error);
  const byOrganisation = /service control policy|resource control policy/i.test(reason);
  return {
    name,
    state: 'warning',
    found: `could not be looked at: ${reason}`,
    expected,
    remedy: byOrganisation
      ? `a policy of the organisation (SCP) denies ${permission}: ask who keeps it whether it denies the deployment too`
      : `allow ${permission}, or look in the console`,
  };
}
