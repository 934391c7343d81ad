import { InterfaceVpcEndpointAwsService } from 'aws-cdk-lib/aws-ec2';

/** What a deployment has that not every one has. */
export type Need = 'hosts' | 'traces';

/** A service that jobs without a way to the internet reach through an endpoint of the VPC. */
export interface Endpoint {
  /** Construct id. */
  readonly id: string;
  readonly service: InterfaceVpcEndpointAwsService;
  /** What would stand still without it. Each costs money every hour, so each has to say. */
  readonly why: string;
  /** Needed only there: with hosts of our own (Fargate's talk to ECS on their own way), or where nights are traced. */
  readonly only?: Need;
  /** The agent's own channels take no policy. */
  readonly policy: boolean;
}

/**
 * All that a job in a subnet without internet talks to, besides S3 (a gateway, free of charge). Not in it, on purpose:
 * KMS (S3 and Secrets Manager call it themselves), STS (credentials of jobs come from the host's agent), Batch and SQS
 * (no job submits or receives), CloudWatch (metrics of functions are log lines, and functions run outside the VPC).
 */
export const ENDPOINTS: readonly Endpoint[] = [
  {
    id: 'EcrApi',
    service: InterfaceVpcEndpointAwsService.ECR,
    why: 'hands out the token with which an image is pulled',
    policy: true,
  },
  {
    id: 'EcrDocker',
    service: InterfaceVpcEndpointAwsService.ECR_DOCKER,
    why: 'serves the manifest of an image; its layers come from S3',
    policy: true,
  },
  {
    id: 'Logs',
    service: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    why: 'takes what a job prints; a job whose log cannot be opened does not start',
    policy: true,
  },
  {
    id: 'Secrets',
    service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    why: 'holds the pseudonym key, which the clean and export jobs read',
    policy: true,
  },
  {
    id: 'Ecs',
    only: 'hosts',
    service: InterfaceVpcEndpointAwsService.ECS,
    why: 'registers a GPU instance with the cluster that Batch keeps',
    policy: true,
  },
  {
    id: 'EcsAgent',
    only: 'hosts',
    service: InterfaceVpcEndpointAwsService.ECS_AGENT,
    why: 'tells a GPU instance which job to start and to stop',
    policy: false,
  },
  {
    id: 'EcsTelemetry',
    only: 'hosts',
    service: InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
    why: 'takes health and load of a GPU instance; without it the agent is taken for dead',
    policy: false,
  },
  {
    id: 'XRay',
    only: 'traces',
    service: InterfaceVpcEndpointAwsService.XRAY,
    why: 'takes what a job tells of itself for the trace of the night',
    policy: true,
  },
];
