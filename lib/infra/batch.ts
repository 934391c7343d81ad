import { Annotations, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnComputeEnvironment,
  FargateComputeEnvironment,
  JobQueue,
  JobStateTimeLimitActionsAction,
  JobStateTimeLimitActionsReason,
  JobStateTimeLimitActionsState,
  type OrderedComputeEnvironment,
} from 'aws-cdk-lib/aws-batch';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ILogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type Deploy, gpuJobSize, type JobSize, usesGpu } from '../config/index.ts';
import type { JobDefinition } from '../runtime/index.ts';
import { grantAccess, grantTraces } from './access.ts';
import { ACCESS } from './access-table.ts';
import { acknowledgeWildcards } from './acknowledge.ts';
import { GpuEnvironments } from './batch-gpu.ts';
import { Images } from './batch-images.ts';
import { Job } from './batch-jobs.ts';
import { keyEnvironment, settingEnvironment, storeEnvironment } from './environment.ts';
import { lend } from './lent-value.ts';
import { Network } from './network.ts';
import type { BatchParts, JobQueuePart, Role as RoleName, Setting, StorageParts } from './shared.ts';

type ComputeEnvironment = OrderedComputeEnvironment['computeEnvironment'];

interface JobPlan {
  readonly role: RoleName;
  /** Of one attempt: far above what a night needs, far below what a hung job would cost. */
  readonly timeout: Duration;
}

const JOBS: Readonly<Record<JobDefinition, JobPlan>> = {
  finetune: { role: 'finetune', timeout: Duration.hours(8) },
  score: { role: 'score', timeout: Duration.hours(4) },
  export: { role: 'export', timeout: Duration.hours(2) },
  clean: { role: 'cleanJob', timeout: Duration.hours(4) },
};

/** Where each job runs; exports and large drops have no use for a GPU. */
const placesOf = ({ compute }: Deploy): Readonly<Record<JobDefinition, 'cpu' | 'gpu'>> => ({
  ...compute,
  export: 'cpu',
  clean: 'cpu',
});

/**
 * A job that no host could ever take is given up, so that those behind it get their turn and the run is seen to fail.
 * One that waits for capacity keeps waiting: a late night is better than none, and an alarm tells of it.
 */
const GIVE_UP = [
  JobStateTimeLimitActionsReason.COMPUTE_ENVIRONMENT_MAX_RESOURCE,
  JobStateTimeLimitActionsReason.JOB_RESOURCE_REQUIREMENT,
].map((reason) => ({
  action: JobStateTimeLimitActionsAction.CANCEL,
  reason,
  state: JobStateTimeLimitActionsState.RUNNABLE,
  maxTime: Duration.minutes(30),
}));

export interface NightjarBatchProps {
  readonly setting: Setting;
  readonly storage: StorageParts;
}

/** The jobs: a network without a way in, Fargate, GPU hosts where the config wants them, a queue for each, and what may be submitted. */
export class NightjarBatch extends Construct {
  readonly parts: BatchParts;
  readonly network: Network;

  constructor(scope: Construct, id: string, { setting, storage }: NightjarBatchProps) {
    super(scope, id);
    const { deploy, environment } = setting;
    const places = placesOf(deploy);
    const withGpu = usesGpu(deploy);
    const sizes = jobSizes(deploy, withGpu);
    this.#tellNeeds(deploy, withGpu);
    const { drops, data, exports } = storage;
    this.network = new Network(this, 'Network', {
      mode: deploy.network,
      zones: deploy.zones,
      needs: [...(withGpu ? ['hosts' as const] : []), ...(deploy.tracing ? ['traces' as const] : [])],
      buckets: [drops, data, exports],
      logRetention: deploy.retention.logDays,
      key: storage.dataKey,
    });
    const logGroup = new LogGroup(this, 'JobLogs', {
      retention: deploy.retention.logDays,
      encryptionKey: storage.dataKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const cpu = new FargateComputeEnvironment(this, 'Cpu', {
      vpc: this.network.vpc,
      vpcSubnets: this.network.subnets,
      securityGroups: [this.network.jobs],
      maxvCpus: deploy.cpu.maxVcpus,
    });
    // Batch refuses every update of a Fargate environment that holds these, and CDK writes them (aws-cdk 27054).
    const resource = cpu.node.defaultChild;
    if (resource instanceof CfnComputeEnvironment) {
      for (const path of ['ReplaceComputeEnvironment', 'UpdatePolicy'])
        resource.addPropertyDeletionOverride(path);
    }
    const lent = (place: 'cpu' | 'gpu', arn: string) =>
      lend(this, `${place}QueueArn`, `/nightjar/${environment}/queue/${place}`, arn);
    const queues = {
      cpu: lent('cpu', this.#queue('CpuQueue', [cpu])),
      ...(withGpu ? { gpu: lent('gpu', this.#gpuQueue(deploy, logGroup)) } : {}),
    };
    const { architecture } = deploy.cpu;
    const images = new Images(this, 'Images', { folder: setting.packages.image, architecture });
    const executionRole = this.#executionRole();
    const job = (definition: JobDefinition): string => {
      const { role, timeout } = JOBS[definition];
      const on = places[definition];
      const made = new Job(this, definition, {
        definition,
        name: `nightjar-${environment}-${definition}`,
        image: images.of(on),
        size: sizes[on]!,
        on,
        architecture,
        assignPublicIp: this.network.assignPublicIp,
        environment: jobEnvironment(Stack.of(this).region, setting, storage, role),
        timeout,
        logGroup,
        executionRole,
      });
      grantAccess(made.role, role, storage);
      grantTraces(made.role, deploy);
      return made.arn;
    };
    this.parts = {
      queues: {
        finetune: queues[places.finetune]!,
        score: queues[places.score]!,
        export: queues.cpu,
        clean: queues.cpu,
      },
      definitions: {
        finetune: job('finetune'),
        score: job('score'),
        export: job('export'),
        clean: job('clean'),
      },
      jobQueues: Object.entries(queues).map(([name, arn]): JobQueuePart => ({ name, arn })),
    };
    const arns = Object.entries(this.parts.queues).map(([job, queue]) => [job, queue(this)]);
    new CfnOutput(this, 'JobQueues', { value: Stack.of(this).toJsonString(Object.fromEntries(arns)) });
    new CfnOutput(this, 'JobDefinitions', { value: Stack.of(this).toJsonString(this.parts.definitions) });
  }

  /** Quotas cannot be seen from here: the synthesis looks nothing up. `nightjar deploy --check` does. */
  #tellNeeds({ cpu, gpu, zones }: Deploy, withGpu: boolean): void {
    const needs = [
      `${cpu.maxVcpus} vCPUs of Fargate (a new account has 6)`,
      ...(withGpu
        ? [`${gpu.maxVcpus} vCPUs of ${gpu.instanceTypes.join(' or ')} (a new account has 0)`]
        : []),
      `${zones} availability zones`,
    ];
    Annotations.of(this).addInfo(
      `the jobs may use ${needs.join(', ')}; "nightjar deploy --check" looks whether the account has them`,
    );
  }

  #gpuQueue({ gpu }: Deploy, logGroup: ILogGroup): string {
    return this.#queue(
      'GpuQueue',
      new GpuEnvironments(this, 'Gpu', { network: this.network, gpu, logGroup }).inOrder,
    );
  }

  /** Environments and queue have no names: a replacement stands beside what it replaces until jobs have moved. */
  #queue(id: string, environments: readonly ComputeEnvironment[]): string {
    return new JobQueue(this, id, {
      computeEnvironments: environments.map((computeEnvironment, i) => ({
        computeEnvironment,
        order: i + 1,
      })),
      jobStateTimeLimitActions: GIVE_UP,
    }).jobQueueArn;
  }

  /** Of the agent that starts a container. The images and the log group give it their rights one by one. */
  #executionRole(): Role {
    const role = new Role(this, 'ExecutionRole', {
      description: 'Starts containers of jobs: pulls the image, opens the log',
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    acknowledgeWildcards(
      role,
      ['*'],
      'ECR knows no resource for GetAuthorizationToken; what may be pulled with the token is limited to one repository.',
    );
    return role;
  }
}

/** That there are such machines, and room for one, the config was checked for. */
function jobSizes({ cpu, gpu }: Deploy, withGpu: boolean): { cpu: JobSize; gpu?: JobSize } {
  return { cpu, ...(withGpu ? { gpu: gpuJobSize(gpu.instanceTypes) } : {}) };
}

function jobEnvironment(
  region: string,
  setting: Setting,
  storage: StorageParts,
  role: RoleName,
): Record<string, string> {
  return {
    // A host passes it on to no container, and the way to ask it is closed to them.
    AWS_REGION: region,
    ...settingEnvironment(setting),
    NIGHTJAR_RETRY_SECONDS: String(setting.deploy.retrySeconds),
    ...storeEnvironment(storage),
    ...(ACCESS[role].pseudonyms ? keyEnvironment(storage) : {}),
  };
}
