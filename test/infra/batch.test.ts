import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { gpuJobSize } from '../../lib/config/index.ts';
import { type EvaluateOnExit, isRetried, type RetryStrategy } from '../cloud/retry-rules.ts';
import { ofType, synthesise } from './synthesis.ts';

const { batch } = synthesise({
  deploy: {
    compute: 'gpu',
    gpu: { instanceTypes: ['g6.2xlarge', 'g4dn.xlarge'], maxVcpus: 64 },
    cpu: { vcpus: 8, memoryMiB: 32768, maxVcpus: 16 },
    retention: { logDays: 180 },
  },
}).templates;
const template = Template.fromJSON({ ...batch });
const onDemandOnly = synthesise({ deploy: { compute: 'gpu', gpu: { spot: false } } }).templates.batch;

interface Container {
  Command: string[];
  Environment: { Name: string; Value: unknown }[];
  ResourceRequirements: { Type: string; Value: string }[];
  JobRoleArn: unknown;
  User: string;
}

interface Definition {
  ContainerProperties: Container;
  RetryStrategy: { Attempts: number; EvaluateOnExit: Record<string, string>[] };
  PlatformCapabilities: string[];
  Timeout: { AttemptDurationSeconds: number };
}

const JOBS = ['finetune', 'score', 'export', 'clean'] as const;

const definitions = Object.fromEntries(
  ofType(batch, 'AWS::Batch::JobDefinition').map(([, { Properties }]) => {
    const definition: unknown = Properties;
    return [String(Properties.JobDefinitionName).replace('nightjar-prod-', ''), definition as Definition];
  }),
);
const container = (job: string): Container => definitions[job]!.ContainerProperties;

/** A job queue by the first word of its logical id, and its compute environments in order. */
function environmentsOf(queue: string, from = batch): string[] {
  const [, { Properties }] = ofType(from, 'AWS::Batch::JobQueue').find(([id]) => id.startsWith(queue))!;
  const order = Properties.ComputeEnvironmentOrder as {
    Order: number;
    ComputeEnvironment: { 'Fn::GetAtt': [string, string] };
  }[];
  return [...order]
    .sort((a, b) => a.Order - b.Order)
    .map(({ ComputeEnvironment }) => ComputeEnvironment['Fn::GetAtt'][0].replace(/[0-9A-F]{8}$/, ''));
}

describe('compute environments', () => {
  it('GPU: spot capacity first, on-demand second, in one queue', () => {
    expect(environmentsOf('GpuQueue')).toEqual(['GpuSpot', 'GpuOnDemand']);
    template.hasResourceProperties('AWS::Batch::ComputeEnvironment', {
      ComputeResources: { Type: 'SPOT', AllocationStrategy: 'SPOT_PRICE_CAPACITY_OPTIMIZED' },
    });
    template.hasResourceProperties('AWS::Batch::ComputeEnvironment', {
      ComputeResources: { Type: 'EC2', AllocationStrategy: 'BEST_FIT_PROGRESSIVE' },
    });
  });

  it('GPU: on-demand alone where spot is not wanted', () => {
    expect(environmentsOf('GpuQueue', onDemandOnly)).toEqual(['GpuOnDemand']);
    Template.fromJSON({ ...onDemandOnly }).resourcePropertiesCountIs(
      'AWS::Batch::ComputeEnvironment',
      { ComputeResources: { Type: 'SPOT' } },
      0,
    );
  });

  it('GPU: the types of the config and no others, on the AL2023 image for NVIDIA, none while idle', () => {
    template.resourcePropertiesCountIs(
      'AWS::Batch::ComputeEnvironment',
      {
        ComputeResources: {
          // No "optimal", which would add types without a GPU.
          InstanceTypes: ['g6.2xlarge', 'g4dn.xlarge'],
          Ec2Configuration: [{ ImageType: 'ECS_AL2023_NVIDIA' }],
          MinvCpus: 0,
          MaxvCpus: 64,
        },
      },
      2,
    );
  });

  it('GPU: hosts have an encrypted disk of 100 GB, IMDSv2, and keep their role to themselves', () => {
    template.resourceCountIs('AWS::EC2::LaunchTemplate', 1);
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: {
        BlockDeviceMappings: [
          {
            DeviceName: '/dev/xvda',
            Ebs: Match.objectLike({ Encrypted: true, VolumeSize: 100, VolumeType: 'gp3' }),
          },
        ],
        MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1, HttpEndpoint: 'enabled' },
      },
    });
    // The jobs' user cannot ask the host for the role.
    expect(JSON.stringify(ofType(batch, 'AWS::EC2::LaunchTemplate'))).toContain(
      'iptables -I OUTPUT -d 169.254.169.254 -m owner --uid-owner 10001 -j REJECT',
    );
  });

  it('GPU: follow every change of the launch template', () => {
    const [[id] = ['']] = ofType(batch, 'AWS::EC2::LaunchTemplate');
    template.resourcePropertiesCountIs(
      'AWS::Batch::ComputeEnvironment',
      {
        ComputeResources: {
          LaunchTemplate: {
            LaunchTemplateId: { Ref: id },
            Version: { 'Fn::GetAtt': [id, 'LatestVersionNumber'] },
          },
        },
      },
      2,
    );
  });

  it('CPU: Fargate, for large drops and exports', () => {
    expect(environmentsOf('CpuQueue')).toEqual(['Cpu']);
    template.hasResourceProperties('AWS::Batch::ComputeEnvironment', {
      ComputeResources: { Type: 'FARGATE', MaxvCpus: 16 },
    });
  });

  it('have no names and are changed in place: a replacement would wait for itself', () => {
    template.resourceCountIs('AWS::Batch::ComputeEnvironment', 3);
    template.allResourcesProperties('AWS::Batch::ComputeEnvironment', {
      ComputeEnvironmentName: Match.absent(),
      // With a role of ours, Batch could only replace them.
      ServiceRole: Match.absent(),
    });
    // Fargate's says nothing: see updates.test.ts.
    template.resourcePropertiesCountIs(
      'AWS::Batch::ComputeEnvironment',
      { ReplaceComputeEnvironment: false },
      2,
    );
    template.resourceCountIs('AWS::Batch::JobQueue', 2);
    template.allResourcesProperties('AWS::Batch::JobQueue', { JobQueueName: Match.absent() });
  });

  it('give up what no host can ever run, and keep waiting for capacity', () => {
    template.allResourcesProperties('AWS::Batch::JobQueue', {
      JobStateTimeLimitActions: ['COMPUTE_ENVIRONMENT_MAX_RESOURCE', 'JOB_RESOURCE_REQUIREMENT'].map(
        (reason) => ({
          Action: 'CANCEL',
          MaxTimeSeconds: 1800,
          Reason: `MISCONFIGURATION:${reason}`,
          State: 'RUNNABLE',
        }),
      ),
    });
  });

  it('hosts have a policy of their own that neither pulls images nor makes clusters', () => {
    // given
    const [, { Properties }] = ofType(batch, 'AWS::IAM::Policy').find(([id]) =>
      id.startsWith('GpuHostRole'),
    )!;
    const { Statement } = Properties.PolicyDocument as {
      Statement: { Action: string | string[]; Resource: unknown }[];
    };
    const actions = Statement.flatMap(({ Action }) => Action);
    // then
    expect(actions.filter((action) => !action.startsWith('ecs:'))).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
    expect(actions).not.toContain('ecs:CreateCluster');
    expect(Statement.filter(({ Resource }) => Resource === '*').map(({ Action }) => Action)).toEqual([
      'ecs:DiscoverPollEndpoint',
    ]);
    for (const [, role] of ofType(batch, 'AWS::IAM::Role')) {
      expect(role.Properties.ManagedPolicyArns).toBeUndefined();
    }
  });
});

describe('without a GPU, by default', () => {
  const plain = synthesise().templates.batch;
  const ofPlain = ofType(plain, 'AWS::Batch::JobDefinition').map(
    ([, { Properties }]) => Properties as unknown as Definition & { ContainerProperties: { Image: unknown } },
  );

  it('every job is on Fargate, from one image', () => {
    expect(ofPlain.flatMap(({ PlatformCapabilities }) => PlatformCapabilities)).toEqual(
      Array(4).fill('FARGATE'),
    );
    expect(
      new Set(ofPlain.map(({ ContainerProperties }) => JSON.stringify(ContainerProperties.Image))).size,
    ).toBe(1);
    expect(ofType(plain, 'AWS::Batch::JobQueue')).toHaveLength(1);
  });

  it('there are no hosts, no roles of hosts and no network of theirs', () => {
    expect(ofType(plain, 'AWS::EC2::LaunchTemplate')).toEqual([]);
    expect(ofType(plain, 'AWS::IAM::InstanceProfile')).toEqual([]);
    expect(ofType(plain, 'AWS::Batch::ComputeEnvironment')).toHaveLength(1);
  });

  it('one of the two may have one', () => {
    const { batch: mixed } = synthesise({ deploy: { compute: { finetune: 'gpu' } } }).templates;
    const places = Object.fromEntries(
      ofType(mixed, 'AWS::Batch::JobDefinition').map(([, { Properties }]) => [
        String(Properties.JobDefinitionName).replace('nightjar-prod-', ''),
        Properties.PlatformCapabilities,
      ]),
    );
    expect(places).toEqual({
      finetune: ['EC2'],
      score: ['FARGATE'],
      export: ['FARGATE'],
      clean: ['FARGATE'],
    });
  });

  it('runs on Graviton where the config says so', () => {
    const { batch: arm } = synthesise({ deploy: { cpu: { architecture: 'arm64' } } }).templates;
    const platforms = ofType(arm, 'AWS::Batch::JobDefinition').map(
      ([, { Properties }]) =>
        (Properties.ContainerProperties as { RuntimePlatform: unknown }).RuntimePlatform,
    );
    expect(platforms).toEqual(Array(4).fill({ CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' }));
  });
});

describe('job definitions', () => {
  it('are four, each with a program and a role of its own', () => {
    expect(Object.keys(definitions).sort()).toEqual([...JOBS].sort());
    for (const job of JOBS) expect(container(job).Command).toEqual(['node', `app/${job}.mjs`]);
    expect(new Set(JOBS.map((job) => JSON.stringify(container(job).JobRoleArn))).size).toBe(4);
  });

  it('run as a user without rights, from an image of this very build', () => {
    template.allResourcesProperties('AWS::Batch::JobDefinition', {
      ContainerProperties: {
        User: '10001',
        Privileged: Match.absent(),
        Image: { 'Fn::Sub': Match.stringLikeRegexp(':[0-9a-f]{64}$') },
        LinuxParameters: { InitProcessEnabled: true },
      },
    });
  });

  it.each(['finetune', 'score'])('%s: one GPU, and no more than the smallest host has', (job) => {
    expect(definitions[job]!.PlatformCapabilities).toEqual(['EC2']);
    expect(container(job)).toMatchObject({
      ResourceRequirements: [
        { Type: 'MEMORY', Value: '14336' },
        { Type: 'VCPU', Value: '4' },
        { Type: 'GPU', Value: '1' },
      ],
      LinuxParameters: { SharedMemorySize: 1024 },
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: '/tmp', SourceVolume: 'scratch' }],
    });
  });

  it.each(['export', 'clean'])(
    '%s: Fargate with the size of the config and a disk for large drops',
    (job) => {
      expect(definitions[job]!.PlatformCapabilities).toEqual(['FARGATE']);
      expect(container(job)).toMatchObject({
        ResourceRequirements: [
          { Type: 'MEMORY', Value: '32768' },
          { Type: 'VCPU', Value: '8' },
        ],
        EphemeralStorage: { SizeInGiB: 100 },
        RuntimePlatform: { CpuArchitecture: 'X86_64' },
      });
    },
  );

  it('find the store, and those that turn ids the key, by their environment', () => {
    const names = (job: string) => container(job).Environment.map(({ Name }) => Name);
    const store = [
      'AWS_REGION',
      'NIGHTJAR_ENVIRONMENT',
      'NIGHTJAR_RETRY_SECONDS',
      'NIGHTJAR_DROPS_BUCKET',
      'NIGHTJAR_DATA_BUCKET',
      'NIGHTJAR_EXPORTS_BUCKET',
    ];
    expect(names('finetune')).toEqual([...store, 'NIGHTJAR_MEMORY_MIB']);
    expect(names('score')).toEqual([...store, 'NIGHTJAR_MEMORY_MIB']);
    expect(names('export')).toEqual([...store, 'NIGHTJAR_KEY_SECRET', 'NIGHTJAR_MEMORY_MIB']);
    expect(names('clean')).toEqual([...store, 'NIGHTJAR_KEY_SECRET', 'NIGHTJAR_MEMORY_MIB']);
  });

  it('end an attempt that hangs, and log to one encrypted group', () => {
    expect(JOBS.map((job) => definitions[job]!.Timeout.AttemptDurationSeconds / 3600)).toEqual([8, 4, 2, 4]);
    template.allResourcesProperties('AWS::Batch::JobDefinition', {
      ContainerProperties: {
        LogConfiguration: {
          LogDriver: 'awslogs',
          Options: { 'awslogs-group': { Ref: Match.stringLikeRegexp('^JobLogs') } },
        },
      },
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 180,
      KmsKeyId: Match.anyValue(),
    });
  });

  it('are started by a role that pulls from one repository', () => {
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('^ExecutionRole'),
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
            Resource: Match.not('*'),
          }),
        ]),
      },
    });
  });

  it('trust jobs of this account alone', () => {
    template.resourcePropertiesCountIs(
      'AWS::IAM::Role',
      {
        AssumeRolePolicyDocument: {
          Statement: [
            Match.objectLike({
              Principal: { Service: 'ecs-tasks.amazonaws.com' },
              Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
            }),
          ],
        },
      },
      JOBS.length + 1,
    );
  });
});

describe('retries', () => {
  const strategy: RetryStrategy = {
    attempts: definitions.score!.RetryStrategy.Attempts,
    evaluateOnExit: definitions.score!.RetryStrategy.EvaluateOnExit.map(
      ({ Action = '', OnStatusReason, OnReason, OnExitCode }): EvaluateOnExit => ({
        action: Action,
        ...(OnStatusReason === undefined ? {} : { onStatusReason: OnStatusReason }),
        ...(OnReason === undefined ? {} : { onReason: OnReason }),
        ...(OnExitCode === undefined ? {} : { onExitCode: OnExitCode }),
      }),
    ),
  };

  it('are the same for every job: four attempts, five rules in this order', () => {
    for (const job of JOBS) {
      expect(definitions[job]!.RetryStrategy).toEqual({
        Attempts: 4,
        EvaluateOnExit: [
          { Action: 'RETRY', OnStatusReason: 'Host EC2*' },
          { Action: 'RETRY', OnReason: 'CannotPullContainer*' },
          { Action: 'EXIT', OnReason: 'OutOfMemory*' },
          { Action: 'RETRY', OnExitCode: '137' },
          { Action: 'EXIT', OnExitCode: '1*' },
        ],
      });
    }
  });

  const exited = 'Essential container in task exited';
  it.each([
    ['spot capacity taken back', { statusReason: 'Host EC2 (instance i-0) terminated.' }, true],
    ['host lost in the middle', { statusReason: 'Host EC2 (instance i-0) terminated.', exitCode: 137 }, true],
    [
      'image not to be had',
      { statusReason: 'Task failed to start', reason: 'CannotPullContainerError: timed out' },
      true,
    ],
    [
      'out of memory',
      {
        statusReason: exited,
        reason: 'OutOfMemoryError: Container killed due to memory usage',
        exitCode: 137,
      },
      false,
    ],
    ['checkpoint after SIGTERM', { statusReason: exited, exitCode: 75 }, true],
    ['SIGKILL', { statusReason: exited, exitCode: 137 }, true],
    ['a failure for good', { statusReason: exited, exitCode: 1 }, false],
    ['a promise that never settled', { statusReason: exited, exitCode: 13 }, false],
    ['no such command', { statusReason: exited, exitCode: 127 }, false],
    ['abort of the engine', { statusReason: exited, exitCode: 134 }, false],
    ['a fault of memory access', { statusReason: exited, exitCode: 139 }, false],
    [
      'a container that never started',
      { statusReason: 'Task failed to start', reason: 'ResourceInitializationError' },
      true,
    ],
  ])('%s', (_, end, retried) => {
    expect(isRetried(strategy, 1, end)).toBe(retried);
    // Never a fifth time.
    expect(isRetried(strategy, 4, end)).toBe(false);
  });
});

describe('sizes', () => {
  it.each([
    [['g6.xlarge', 'g5.xlarge', 'g4dn.xlarge'], { vcpus: 4, memoryMiB: 14336 }],
    [['g6e.2xlarge'], { vcpus: 8, memoryMiB: 58880 }],
    // The least of each, though no type has both.
    [['g6e.xlarge', 'g5.2xlarge'], { vcpus: 4, memoryMiB: 29184 }],
  ])('of a job on %j', (types, size) => {
    expect(gpuJobSize(types)).toEqual(size);
  });
});

describe('outputs', () => {
  it('name queue and definition of every job for the command line', () => {
    const value = (key: string) => JSON.stringify(batch.Outputs![key]!.Value);
    for (const job of JOBS) {
      expect(value('JobQueues')).toContain(`\\"${job}\\":`);
      // Without a revision: submitters take the newest.
      expect(value('JobDefinitions')).toMatch(new RegExp(`job-definition/nightjar-prod-${job}\\\\"`));
    }
  });
});
