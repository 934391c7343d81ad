import { Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { ENDPOINTS, type Endpoint, type Need } from './network-endpoints.ts';

/**
 * Zones that jobs may start in: GPU types are not in every zone, and more zones are more spot capacity. A region with
 * two zones asks for `deploy.zones: 2`.
 */
const ZONES = 3;

/** Endpoints stand in two zones, for availability; a third would cost half as much again for little traffic. */
const ENDPOINT_ZONES = 2;

export interface NetworkProps {
  /**
   * `endpoints`: subnets with no way out, and an endpoint per service. `public-egress`: public addresses and a way out,
   * with no way in; costs nothing while idle.
   */
  readonly mode: 'endpoints' | 'public-egress';
  /** The buckets that can be reached through the gateway to S3: these, the layers of images, and no others. */
  readonly buckets: readonly IBucket[];
  readonly logRetention: RetentionDays;
  /** Of the flow logs. */
  readonly key: IKey;
  /** Availability zones. Default: 3. */
  readonly zones?: 2 | 3;
  /** What there is beside jobs on Fargate. */
  readonly needs: readonly Need[];
}

/** Where jobs run: a VPC without NAT, in which nobody can call and which reaches AWS and nothing it does not need. */
export class Network extends Construct {
  readonly vpc: IVpc;
  /** The subnets of jobs. */
  readonly subnets: SubnetSelection;
  /** Of every job: no way in, HTTPS out. */
  readonly jobs: SecurityGroup;
  /** Jobs need a public address where that is the only way out. */
  readonly assignPublicIp: boolean;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    const isPublic = props.mode === 'public-egress';
    const subnetType = isPublic ? SubnetType.PUBLIC : SubnetType.PRIVATE_ISOLATED;
    this.assignPublicIp = isPublic;
    this.subnets = { subnetType };
    // The assertion is CDK's: its class holds `undefined` where its interface may only leave out.
    this.vpc = new Vpc(this, 'Vpc', {
      // By number, not by name: a name would have to be looked up in the account when the template is made.
      availabilityZones: zones(props.zones ?? ZONES),
      natGateways: 0,
      // Of a fixed size: divided by the number of zones, every subnet would move when a zone is added.
      subnetConfiguration: [
        { name: 'Jobs', subnetType, cidrMask: 20, ...(isPublic ? { mapPublicIpOnLaunch: true } : {}) },
      ],
      // Emptying the default group takes a function of CDK's own with rights over security groups. Nothing uses that
      // group, and it lets in only its own members.
      restrictDefaultSecurityGroup: false,
    }) as IVpc;
    this.#logTraffic(props);
    this.jobs = new SecurityGroup(this, 'Jobs', {
      vpc: this.vpc,
      description: 'Jobs: no way in, HTTPS out',
      allowAllOutbound: false,
    });
    this.jobs.addEgressRule(
      Peer.anyIpv4(),
      Port.tcp(443),
      isPublic
        ? 'AWS services by HTTPS'
        : 'Endpoints of the VPC and S3, the only addresses that can be reached',
    );
    this.#reachBuckets(props.buckets);
    if (!isPublic) this.#reachServices(ENDPOINTS.filter(({ only }) => !only || props.needs.includes(only)));
  }

  #logTraffic({ logRetention, key }: NetworkProps): void {
    const logGroup = new LogGroup(this, 'FlowLogs', {
      retention: logRetention,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.vpc.addFlowLog('Flow', {
      destination: FlowLogDestination.toCloudWatchLogs(logGroup),
      trafficType: FlowLogTrafficType.ALL,
    });
  }

  /** A stolen job can neither read a stranger's bucket nor write our rows into one. */
  #reachBuckets(buckets: readonly IBucket[]): void {
    const { partition, region } = Stack.of(this);
    const s3 = new GatewayVpcEndpoint(this, 'S3', {
      vpc: this.vpc,
      service: GatewayVpcEndpointAwsService.S3,
      subnets: [this.subnets],
    });
    s3.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ['s3:GetObject', 's3:PutObject', 's3:ListBucket', 's3:AbortMultipartUpload'],
        resources: buckets.flatMap((bucket) => [bucket.bucketArn, bucket.arnForObjects('*')]),
      }),
    );
    s3.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ['s3:GetObject'],
        // Where ECR keeps the layers of images (ECR user guide, "Minimum Amazon S3 bucket permissions").
        resources: [`arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`],
      }),
    );
  }

  #reachServices(endpoints: readonly Endpoint[]): void {
    const { account } = Stack.of(this);
    const group = new SecurityGroup(this, 'Endpoints', {
      vpc: this.vpc,
      description: 'Endpoints of AWS services: HTTPS from jobs',
      allowAllOutbound: false,
    });
    group.addIngressRule(this.jobs, Port.tcp(443), 'HTTPS from jobs');
    for (const { id, service, policy } of endpoints) {
      const endpoint = new InterfaceVpcEndpoint(this, id, {
        vpc: this.vpc,
        service,
        subnets: { subnets: this.vpc.selectSubnets(this.subnets).subnets.slice(0, ENDPOINT_ZONES) },
        securityGroups: [group],
        open: false,
        privateDnsEnabled: true,
      });
      if (!policy) continue;
      // Whoever brings the credentials of another account along does not get out.
      endpoint.addToPolicy(
        new PolicyStatement({
          effect: Effect.ALLOW,
          principals: [new AnyPrincipal()],
          actions: ['*'],
          resources: ['*'],
          conditions: { StringEquals: { 'aws:PrincipalAccount': account } },
        }),
      );
    }
  }
}

const zones = (count: number): string[] => Array.from({ length: count }, (_, i) => Fn.select(i, Fn.getAzs()));
