import { Duration, Size, Stack } from 'aws-cdk-lib';
import {
  AllocationStrategy,
  CfnComputeEnvironment,
  EcsMachineImageType,
  ManagedEc2EcsComputeEnvironment,
} from 'aws-cdk-lib/aws-batch';
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  MultipartBody,
  MultipartUserData,
  UserData,
} from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Deploy } from '../config/index.ts';
import { acknowledgeWildcards } from './acknowledge.ts';
import { JOB_USER } from './batch-jobs.ts';
import type { Network } from './network.ts';

/** Room for the images (some 8 GB with CUDA), the day files of a range of shards and a job's scratch files. */
const DISK_GIB = 100;

export interface GpuEnvironmentsProps {
  readonly network: Network;
  readonly gpu: Deploy['gpu'];
  /** Of the jobs: the hosts' log driver writes to it. */
  readonly logGroup: ILogGroup;
}

/** Hosts with one GPU a job, none while there is no job: spot capacity, and on-demand capacity for when there is none. */
export class GpuEnvironments extends Construct {
  /** In the order in which a job queue is to try them. */
  readonly inOrder: readonly ManagedEc2EcsComputeEnvironment[];

  constructor(scope: Construct, id: string, props: GpuEnvironmentsProps) {
    super(scope, id);
    const launchTemplate = this.#hosts();
    const instanceRole = this.#hostRole(props.logGroup);
    const environment = (name: string, spot: boolean) => {
      const made = new ManagedEc2EcsComputeEnvironment(this, name, {
        vpc: props.network.vpc,
        vpcSubnets: props.network.subnets,
        securityGroups: [props.network.jobs],
        images: [{ imageType: EcsMachineImageType.ECS_AL2023_NVIDIA }],
        instanceTypes: props.gpu.instanceTypes.map((type) => new InstanceType(type)),
        useOptimalInstanceClasses: false,
        minvCpus: 0,
        maxvCpus: props.gpu.maxVcpus,
        spot,
        allocationStrategy: spot
          ? AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED
          : AllocationStrategy.BEST_FIT_PROGRESSIVE,
        launchTemplate,
        instanceRole,
        // A change is made in place, on new hosts; those at work finish their jobs first.
        replaceComputeEnvironment: false,
        terminateOnUpdate: false,
        updateTimeout: Duration.hours(6),
        updateToLatestImageVersion: true,
      });
      // CDK names the template alone, and Batch would then keep to its first version whatever changes.
      const resource = made.node.defaultChild;
      if (resource instanceof CfnComputeEnvironment) {
        resource.addPropertyOverride(
          'ComputeResources.LaunchTemplate.Version',
          launchTemplate.latestVersionNumber,
        );
      }
      return made;
    };
    this.inOrder = [...(props.gpu.spot ? [environment('Spot', true)] : []), environment('OnDemand', false)];
  }

  #hosts(): LaunchTemplate {
    return new LaunchTemplate(this, 'Hosts', {
      userData: closedToJobs(),
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          // With the account's own key for disks: a key of ours would have to be shared with the roles of Auto Scaling
          // and Spot. The disk holds pseudonyms, and goes with its host.
          volume: BlockDeviceVolume.ebs(Size.gibibytes(DISK_GIB).toGibibytes(), {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
            deleteOnTermination: true,
          }),
        },
      ],
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      // Turns away containers that have a network of their own; jobs share their host's: see closedToJobs.
      httpPutResponseHopLimit: 1,
      httpEndpoint: true,
    });
  }

  /** What the agent on a host needs, instead of the managed policy, which also may create clusters and pull any image. */
  #hostRole(logGroup: ILogGroup): Role {
    const { partition, region, account } = Stack.of(this);
    const ecs = (resource: string) => `arn:${partition}:ecs:${region}:${account}:${resource}/*`;
    const role = new Role(this, 'HostRole', {
      description: 'Hosts of GPU jobs: the ECS agent',
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
    });
    const onHosts = [ecs('cluster'), ecs('container-instance'), ecs('task')];
    role.addToPolicy(
      new PolicyStatement({
        actions: [
          'ecs:RegisterContainerInstance',
          'ecs:DeregisterContainerInstance',
          'ecs:UpdateContainerInstancesState',
          'ecs:Poll',
          'ecs:StartTelemetrySession',
          'ecs:SubmitAttachmentStateChanges',
          'ecs:SubmitContainerStateChange',
          'ecs:SubmitTaskStateChange',
          'ecs:TagResource',
        ],
        resources: onHosts,
      }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ['ecs:DiscoverPollEndpoint'], resources: ['*'] }));
    logGroup.grantWrite(role);
    acknowledgeWildcards(
      role,
      onHosts,
      'Batch makes the cluster and gives it a name of its own, so the names of its hosts and tasks are not known here.',
    );
    acknowledgeWildcards(
      role,
      ['*'],
      'ECS knows no resource for DiscoverPollEndpoint, which only returns an address.',
    );
    return role;
  }
}

/**
 * Jobs use their host's network, so they could ask it for the rights of the host's role. Their user is turned away; a
 * job's own rights come from another address.
 */
function closedToJobs(): UserData {
  const commands = UserData.forLinux();
  commands.addCommands(`iptables -I OUTPUT -d 169.254.169.254 -m owner --uid-owner ${JOB_USER} -j REJECT`);
  // Batch adds parts of its own, and takes no other form.
  const parts = new MultipartUserData();
  parts.addPart(MultipartBody.fromUserData(commands));
  return parts;
}
