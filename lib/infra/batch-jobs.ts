import { type Duration, Size, Stack } from 'aws-cdk-lib';
import {
  type EcsContainerDefinitionProps,
  EcsEc2ContainerDefinition,
  EcsFargateContainerDefinition,
  EcsJobDefinition,
  EcsVolume,
  LinuxParameters,
} from 'aws-cdk-lib/aws-batch';
import {
  type ContainerImage,
  CpuArchitecture,
  FargatePlatformVersion,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { type IRole, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { JobSize } from '../config/index.ts';
import type { JobDefinition } from '../runtime/index.ts';
import { ATTEMPTS, RETRY_RULES } from './batch-retry.ts';

/** The user that the images run as; it owns nothing but its scratch files. */
export const JOB_USER = '10001';

/** For threads of the runtime that share tensors; Docker's own 64 MB are soon full. Counts as memory of the job. */
const SHARED_MEMORY_MIB = 1024;

/** A drop of some tens of gigabytes, its decompressed form and DuckDB's spilled sorts. */
const FARGATE_DISK_GIB = 100;

export interface JobProps {
  readonly definition: JobDefinition;
  /** Full name: names stay when a definition gets a new revision, so other stacks may rely on them. */
  readonly name: string;
  readonly image: ContainerImage;
  readonly size: JobSize;
  /** A GPU host of which the job takes the whole, or a machine of Fargate's. */
  readonly on: 'gpu' | 'cpu';
  /** Of the machine. */
  readonly architecture: 'x64' | 'arm64';
  readonly assignPublicIp: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** Of one attempt. */
  readonly timeout: Duration;
  readonly logGroup: ILogGroup;
  /** Pulls the image and opens the log. */
  readonly executionRole: IRole;
}

/** A job's definition and the role that its program has. */
export class Job extends Construct {
  readonly role: Role;
  /** Without a revision: Batch takes the newest one, and stacks that submit the job need not follow each deployment. */
  readonly arn: string;

  constructor(scope: Construct, id: string, props: JobProps) {
    super(scope, id);
    this.role = new Role(this, 'Role', {
      description: `Program of the job "${props.definition}"`,
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    const container = {
      image: props.image,
      command: ['node', `app/${props.definition}.mjs`],
      cpu: props.size.vcpus,
      memory: Size.mebibytes(props.size.memoryMiB),
      environment: { ...props.environment, NIGHTJAR_MEMORY_MIB: String(props.size.memoryMiB) },
      jobRole: this.role,
      executionRole: props.executionRole,
      user: JOB_USER,
      logging: LogDrivers.awsLogs({ logGroup: props.logGroup, streamPrefix: props.definition }),
      linuxParameters: new LinuxParameters(this, 'Linux', {
        // Passes SIGTERM on and gathers what worker processes leave.
        initProcessEnabled: true,
        ...(props.on === 'gpu' ? { sharedMemorySize: Size.mebibytes(SHARED_MEMORY_MIB) } : {}),
      }),
    };
    new EcsJobDefinition(this, 'Definition', {
      jobDefinitionName: props.name,
      retryAttempts: ATTEMPTS,
      retryStrategies: [...RETRY_RULES],
      timeout: props.timeout,
      container: props.on === 'gpu' ? this.#onGpu(container) : this.#onFargate(container, props),
    });
    this.arn = Stack.of(this).formatArn({
      service: 'batch',
      resource: 'job-definition',
      resourceName: props.name,
    });
  }

  #onGpu(container: EcsContainerDefinitionProps): EcsEc2ContainerDefinition {
    return new EcsEc2ContainerDefinition(this, 'Container', {
      ...container,
      gpu: 1,
      readonlyRootFilesystem: true,
      // The host's /var/tmp is on its disk and open to every user; its /tmp is in memory.
      volumes: [EcsVolume.host({ name: 'scratch', hostPath: '/var/tmp', containerPath: '/tmp' })],
    });
  }

  #onFargate(
    container: EcsContainerDefinitionProps,
    { assignPublicIp, architecture }: JobProps,
  ): EcsFargateContainerDefinition {
    return new EcsFargateContainerDefinition(this, 'Container', {
      ...container,
      assignPublicIp,
      fargatePlatformVersion: FargatePlatformVersion.LATEST,
      ephemeralStorageSize: Size.gibibytes(FARGATE_DISK_GIB),
      fargateCpuArchitecture: architecture === 'arm64' ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
      fargateOperatingSystemFamily: OperatingSystemFamily.LINUX,
      // An empty volume of Fargate belongs to root unless the image says otherwise, and the job's user must write in /tmp.
      // The machine is the job's own and ends with it; of the image its user owns nothing.
      readonlyRootFilesystem: false,
    });
  }
}
