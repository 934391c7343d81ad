import type { Deploy } from '../config/index.ts';
import {
  type Answer,
  type Check,
  checkBootstrap,
  checkCdk,
  checkDisk,
  checkDocker,
  checkIdentity,
  checkInstances,
  checkNode,
  checkQuotas,
  checkRegion,
  checkShop,
  quotasOf,
} from './checks.ts';
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
  const local = [
    checkNode(around.nodeVersion),
    checkCdk(around.cdk()),
    checkDocker(around.dockerProgram, await ask(() => around.docker())),
    checkDisk(around.scratch, await ask(() => around.freeBytes())),
  ];
  const region = await ask(() => around.region());
  if ('error' in region) return { checks: [...local, checkRegion(region)] };
  const identity = await ask(() => around.identity());
  const known = [...local, checkRegion(region), checkIdentity(identity)];
  if ('error' in identity) return { checks: known, region: region.value };
  const { account } = identity.value;
  const bootstrap = await ask(() => around.bootstrapVersion());
  const owner = await ask(() => around.deployedShop(environment));
  const offered = await ask(() => around.offeredTypes(deploy.gpu.instanceTypes));
  const quotas = new Map<string, Answer<number>>();
  for (const { code } of quotasOf(deploy.gpu)) quotas.set(code, await ask(() => around.quota(code)));
  return {
    checks: [
      ...known,
      checkBootstrap(bootstrap, account, region.value),
      checkShop(owner, environment, shop),
      checkInstances(deploy.gpu.instanceTypes, offered),
      ...checkQuotas(deploy.gpu, 'value' in offered ? offered.value : [], quotas, region.value),
    ],
    account,
    region: region.value,
  };
}

async function ask<T>(question: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await question() };
  } catch (error) {
    return { error };
  }
}
