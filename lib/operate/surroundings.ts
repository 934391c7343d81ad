import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  DescribeAvailabilityZonesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  NoSuchResourceException,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { DockerServer, Identity } from './checks.ts';
import type { OfferedType } from './checks-gpu.ts';
import { OperateError } from './errors.ts';
import { deployedShop } from './outputs.ts';

/** What a deployment depends on: the account, the region and this machine. Every question may fail. */
export interface Surroundings {
  readonly nodeVersion: string;
  /** The container builder: CDK_DOCKER, else docker. */
  readonly dockerProgram: string;
  /** Where Docker and the CDK keep what they make meanwhile. */
  readonly scratch: string;
  region(): Promise<string>;
  identity(): Promise<Identity>;
  /** Undefined where the account's region was never bootstrapped. */
  bootstrapVersion(): Promise<number | undefined>;
  /** The shop that an environment was deployed for, where it was. */
  deployedShop(environment: string): Promise<string | undefined>;
  /** Those of the types that the region offers. */
  offeredTypes(types: readonly string[]): Promise<OfferedType[]>;
  /** Value of a quota of a service. */
  quota(service: string, code: string): Promise<number>;
  /** Availability zones that the account may use. */
  zones(): Promise<number>;
  /** Executions of functions that the account may have at a time. */
  concurrency(): Promise<number>;
  /** Whether the account has this role. */
  hasRole(name: string): Promise<boolean>;
  docker(): Promise<DockerServer>;
  freeBytes(): Promise<number>;
  /** The CDK's command line; undefined where it, or the library that the stacks are made of, is not installed. */
  cdk(): string | undefined;
}

/** The real ones. @param region instead of the one that the SDK finds (AWS_REGION, the profile's) */
export function realSurroundings(region?: string): Surroundings {
  const settings = region === undefined ? {} : { region };
  const ec2 = new EC2Client(settings);
  const dockerProgram = process.env.CDK_DOCKER ?? 'docker';
  const scratch = tmpdir();
  return {
    nodeVersion: process.version,
    dockerProgram,
    scratch,
    region: () => ec2.config.region(),
    async identity() {
      const { Account, Arn } = await new STSClient(settings).send(new GetCallerIdentityCommand({}));
      return { account: Account ?? '', arn: Arn ?? '' };
    },
    async bootstrapVersion() {
      try {
        const { Parameter } = await new SSMClient(settings).send(
          new GetParameterCommand({ Name: '/cdk-bootstrap/hnb659fds/version' }),
        );
        return Number(Parameter?.Value);
      } catch (error) {
        if (error instanceof ParameterNotFound) return undefined;
        throw error;
      }
    },
    deployedShop: (environment) => deployedShop(new CloudFormationClient(settings), environment),
    offeredTypes: (types) => offeredTypes(ec2, types),
    async zones() {
      const { AvailabilityZones = [] } = await ec2.send(
        new DescribeAvailabilityZonesCommand({
          Filters: [{ Name: 'zone-type', Values: ['availability-zone'] }],
        }),
      );
      return AvailabilityZones.length;
    },
    async concurrency() {
      const { AccountLimit } = await new LambdaClient(settings).send(new GetAccountSettingsCommand({}));
      return AccountLimit?.ConcurrentExecutions ?? 0;
    },
    async hasRole(name) {
      try {
        await new IAMClient(settings).send(new GetRoleCommand({ RoleName: name }));
        return true;
      } catch (error) {
        if (error instanceof NoSuchEntityException) return false;
        throw error;
      }
    },
    async quota(service, code) {
      const client = new ServiceQuotasClient(settings);
      const which = { ServiceCode: service, QuotaCode: code };
      try {
        return (await client.send(new GetServiceQuotaCommand(which))).Quota?.Value ?? 0;
      } catch (error) {
        if (!(error instanceof NoSuchResourceException)) throw error;
        // An account that never touched the quota has the default one.
        return (await client.send(new GetAWSDefaultServiceQuotaCommand(which))).Quota?.Value ?? 0;
      }
    },
    docker: () => dockerServer(dockerProgram),
    async freeBytes() {
      const { bavail, bsize } = await statfs(scratch);
      return bavail * bsize;
    },
    cdk: cdkProgram,
  };
}

async function offeredTypes(ec2: EC2Client, types: readonly string[]): Promise<OfferedType[]> {
  const { InstanceTypeOfferings = [] } = await ec2.send(
    new DescribeInstanceTypeOfferingsCommand({
      LocationType: 'region',
      Filters: [{ Name: 'instance-type', Values: [...types] }],
    }),
  );
  const offered = InstanceTypeOfferings.flatMap(({ InstanceType }) => InstanceType ?? []);
  if (offered.length === 0) return [];
  const { InstanceTypes = [] } = await ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: offered }));
  return InstanceTypes.map(({ InstanceType, VCpuInfo, GpuInfo, ProcessorInfo }) => ({
    type: InstanceType ?? '',
    vcpus: VCpuInfo?.DefaultVCpus ?? 0,
    gpus: (GpuInfo?.Gpus ?? [])
      .filter(({ Manufacturer }) => Manufacturer?.toUpperCase() === 'NVIDIA')
      .reduce((sum, { Count }) => sum + (Count ?? 0), 0),
    architectures: ProcessorInfo?.SupportedArchitectures ?? [],
  })).sort((a, b) => types.indexOf(a.type) - types.indexOf(b.type));
}

/** A daemon that hangs is as good as none. */
const DOCKER_MS = 20_000;

async function dockerServer(program: string): Promise<DockerServer> {
  try {
    const { stdout } = await promisify(execFile)(
      program,
      ['version', '--format', '{{.Server.Version}} {{.Server.Arch}}'],
      { timeout: DOCKER_MS },
    );
    const [version = '', arch = ''] = stdout.trim().split(' ');
    if (version === '') throw new OperateError(`${program} names no server`);
    return { version, arch };
  } catch (cause) {
    if (cause instanceof OperateError) throw cause;
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new OperateError(
      missing ? `there is no program ${program}` : `the daemon of ${program} does not answer`,
      {
        cause,
      },
    );
  }
}

/** The command line of the aws-cdk that is installed beside this code, whatever the shell's PATH holds. */
function cdkProgram(): string | undefined {
  const { resolve } = createRequire(import.meta.url);
  try {
    for (const library of ['aws-cdk-lib', 'constructs']) resolve(`${library}/package.json`);
    return join(resolve('aws-cdk/package.json'), '../bin/cdk');
  } catch {
    return undefined;
  }
}
