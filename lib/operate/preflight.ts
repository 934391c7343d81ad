import { type Deploy, usesGpu } from '../config/index.ts';
import {
  type Answer,
  type Check,
  checkBootstrap,
  checkCdk,
  checkDisk,
  checkDocker,
  checkIdentity,
  checkNode,
  checkRegion,
  checkShop,
} from './checks.ts';
import {
  checkConcurrency,
  checkFargateQuota,
  checkServiceRoles,
  checkZones,
  FARGATE_QUOTA,
  serviceRoles,
} from './checks-account.ts';
import { checkInstances, checkQuotas, quotasOf } from './checks-gpu.ts';
import type { Surroundings } from './surroundings.ts';

export interface Preflight {
  readonly checks: Check[];
  /** Undefined where there are no credentials, or no region. */
  readonly account?: string;
  readonly region?: string;
}

/**
 * Looks at everything that a deployment needs, before it. Nothing is changed, and no check stops another one; only where
 * nobody is signed in are the questions to the account left out.
 */
export async function preflight(
  around: Surroundings,
  deploy: Deploy,
  { environment, shop }: { readonly environment: string; readonly shop: string },
): Promise<Preflight> {
  const onGpu = usesGpu(deploy);
  const processors = new Set<'amd64' | 'arm64'>([deploy.cpu.architecture === 'arm64' ? 'arm64' : 'amd64']);
  if (onGpu) processors.add('amd64');
  const local = [
    checkNode(around.nodeVersion),
    checkCdk(around.cdk()),
    checkDocker(around.dockerProgram, [...processors], await ask(() => around.docker())),
    checkDisk(around.scratch, onGpu ? 'gpu' : 'cpu', await ask(() => around.freeBytes())),
  ];
  const region = await ask(() => around.region());
  if ('error' in region) return { checks: [...local, checkRegion(region)] };
  const identity = await ask(() => around.identity());
  const known = [...local, checkRegion(region), checkIdentity(identity)];
  if ('error' in identity) return { checks: known, region: region.value };
  const { account } = identity.value;
  const bootstrap = await ask(() => around.bootstrapVersion());
  const owner = await ask(() => around.deployedShop(environment));
  const roles = new Map<string, Answer<boolean>>();
  for (const { role } of serviceRoles(deploy)) roles.set(role, await ask(() => around.hasRole(role)));
  return {
    checks: [
      ...known,
      checkBootstrap(bootstrap, account, region.value),
      checkShop(owner, environment, shop),
      checkZones(deploy, await ask(() => around.zones())),
      checkServiceRoles(deploy, roles),
      checkConcurrency(await ask(() => around.concurrency()), region.value),
      checkFargateQuota(deploy, await ask(() => around.quota('fargate', FARGATE_QUOTA)), region.value),
      ...(onGpu ? await gpuChecks(around, deploy.gpu, region.value) : []),
    ],
    account,
    region: region.value,
  };
}

async function gpuChecks(around: Surroundings, gpu: Deploy['gpu'], region: string): Promise<Check[]> {
  const offered = await ask(() => around.offeredTypes(gpu.instanceTypes));
  const quotas = new Map<string, Answer<number>>();
  for (const { code } of quotasOf(gpu)) quotas.set(code, await ask(() => around.quota('ec2', code)));
  return [
    checkInstances(gpu.instanceTypes, offered),
    ...checkQuotas(gpu, 'value' in offered ? offered.value : [], quotas, region),
  ];
}

async function ask<T>(question: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await question() };
  } catch (error) {
    return { error };
  }
}
