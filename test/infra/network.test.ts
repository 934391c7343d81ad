import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { ENDPOINTS } from '../../lib/infra/network-endpoints.ts';
import { type CloudTemplate, ofType, synthesise } from './synthesis.ts';

const closed = synthesise({ deploy: { network: 'endpoints', compute: 'gpu' } }).templates.batch;
const open = synthesise({ deploy: { network: 'public-egress', compute: 'gpu' } }).templates.batch;
const both: [string, CloudTemplate][] = [
  ['endpoints', closed],
  ['public-egress', open],
];

const ids = (template: CloudTemplate, type: string) => ofType(template, type).map(([id]) => id);

/** Services of the interface endpoints, without "com.amazonaws.<region>.". */
function services(template: CloudTemplate): string[] {
  return ofType(template, 'AWS::EC2::VPCEndpoint')
    .filter(([, { Properties }]) => Properties.VpcEndpointType === 'Interface')
    .map(([, { Properties }]) => JSON.stringify(Properties.ServiceName).replace(/.*"\.([a-z.-]+)".*/, '$1'))
    .sort();
}

describe.each(both)('network %s', (_, json) => {
  const template = Template.fromJSON({ ...json });

  it('has no NAT and no addresses that cost while idle', () => {
    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::EIP', 0);
  });

  it('takes three zones by number: nothing is looked up', () => {
    template.resourceCountIs('AWS::EC2::Subnet', 3);
    const zones = ofType(json, 'AWS::EC2::Subnet').map(([, { Properties }]) => Properties.AvailabilityZone);
    expect(zones).toEqual([0, 1, 2].map((i) => ({ 'Fn::Select': [i, { 'Fn::GetAZs': '' }] })));
    // The one parameter of a template is the version of the bootstrap stack.
    expect(Object.keys(json.Parameters ?? {})).toEqual(['BootstrapVersion']);
  });

  it('lets nobody in: jobs have HTTPS out and no other rule', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Jobs: no way in, HTTPS out',
      SecurityGroupIngress: Match.absent(),
      SecurityGroupEgress: [
        Match.objectLike({ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443 }),
      ],
    });
    // No rule added from elsewhere lets anybody into the group of the jobs.
    for (const [, { Properties }] of ofType(json, 'AWS::EC2::SecurityGroupIngress')) {
      expect(JSON.stringify(Properties.GroupId)).toContain('Endpoints');
    }
  });

  it('reaches S3 by the gateway, free of charge, and there only our buckets and the layers of images', () => {
    // given
    const [[, gateway] = []] = ofType(json, 'AWS::EC2::VPCEndpoint').filter(
      ([, { Properties }]) => Properties.VpcEndpointType === 'Gateway',
    );
    const { Statement } = gateway!.Properties.PolicyDocument as {
      Statement: { Action: string | string[]; Resource: unknown }[];
    };
    // then
    expect(gateway!.Properties.RouteTableIds).toHaveLength(3);
    expect(Statement.map(({ Action }) => Action)).toEqual([
      ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListBucket', 's3:PutObject'],
      's3:GetObject',
    ]);
    expect(Statement[0]!.Resource).toHaveLength(6);
    expect(JSON.stringify(Statement[0]!.Resource)).not.toMatch(/"\*"/);
    expect(JSON.stringify(Statement[1]!.Resource)).toContain('-starport-layer-bucket/*');
  });

  it('logs its traffic, encrypted, and forgets it', () => {
    template.hasResourceProperties('AWS::EC2::FlowLog', { TrafficType: 'ALL', ResourceType: 'VPC' });
    template.allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 90,
      KmsKeyId: Match.anyValue(),
    });
  });

  it('leaves the default group to nobody: whatever runs has a group of its own', () => {
    for (const [, { Properties }] of ofType(json, 'AWS::Batch::ComputeEnvironment')) {
      expect(Properties.ComputeResources).toMatchObject({
        SecurityGroupIds: [{ 'Fn::GetAtt': [expect.stringMatching(/^NetworkJobs/), 'GroupId'] }],
      });
    }
    template.resourceCountIs('AWS::Lambda::Function', 0);
  });
});

describe('endpoints', () => {
  const template = Template.fromJSON({ ...closed });

  it('has no way to the internet', () => {
    template.resourceCountIs('AWS::EC2::InternetGateway', 0);
    template.resourceCountIs('AWS::EC2::Route', 0);
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
  });

  it('has those of hosts only where there are some', () => {
    const withoutHosts = synthesise({ deploy: { network: 'endpoints' } }).templates.batch;
    expect(services(withoutHosts)).toEqual(['ecr.api', 'ecr.dkr', 'logs', 'secretsmanager']);
  });

  it('has an endpoint for each service that jobs and hosts call, and no more', () => {
    expect(services(closed)).toEqual(
      ['ecr.api', 'ecr.dkr', 'ecs', 'ecs-agent', 'ecs-telemetry', 'logs', 'secretsmanager'].sort(),
    );
    expect(new Set(ENDPOINTS.map(({ why }) => why)).size).toBe(ENDPOINTS.length);
  });

  it('has one to X-Ray where nights are traced', () => {
    const traced = synthesise({ deploy: { network: 'endpoints', tracing: true } }).templates.batch;
    expect(services(traced)).toEqual(['ecr.api', 'ecr.dkr', 'logs', 'secretsmanager', 'xray']);
  });

  it('puts each into two zones, open to jobs alone, under the usual names', () => {
    // given
    const [group] = ids(closed, 'AWS::EC2::SecurityGroup').filter((id) => id.startsWith('NetworkEndpoints'));
    const interfaces = ofType(closed, 'AWS::EC2::VPCEndpoint').filter(
      ([, { Properties }]) => Properties.VpcEndpointType === 'Interface',
    );
    // then
    for (const [, { Properties }] of interfaces) {
      expect(Properties.SubnetIds).toHaveLength(2);
      expect(Properties.PrivateDnsEnabled).toBe(true);
      expect(Properties.SecurityGroupIds).toEqual([{ 'Fn::GetAtt': [group, 'GroupId'] }]);
    }
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: { 'Fn::GetAtt': [group, 'GroupId'] },
      SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^NetworkJobs'), 'GroupId'] },
      FromPort: 443,
      ToPort: 443,
    });
  });

  it('serves no credentials of another account', () => {
    const own = Match.objectLike({
      PolicyDocument: {
        Statement: [
          Match.objectLike({
            Condition: { StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ],
      },
    });
    template.resourcePropertiesCountIs(
      'AWS::EC2::VPCEndpoint',
      own,
      ENDPOINTS.filter(({ policy, only }) => policy && only !== 'traces').length,
    );
  });

  it('gives no job a public address', () => {
    template.resourcePropertiesCountIs(
      'AWS::Batch::JobDefinition',
      { ContainerProperties: { NetworkConfiguration: { AssignPublicIp: 'DISABLED' } } },
      2,
    );
  });
});

describe('public-egress', () => {
  const template = Template.fromJSON({ ...open });

  it('has no interface endpoint, which would cost while idle', () => {
    expect(services(open)).toEqual([]);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 1);
  });

  it('gives hosts and jobs public addresses and a route out', () => {
    template.resourceCountIs('AWS::EC2::InternetGateway', 1);
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: true });
    template.resourcePropertiesCountIs(
      'AWS::Batch::JobDefinition',
      { ContainerProperties: { NetworkConfiguration: { AssignPublicIp: 'ENABLED' } } },
      2,
    );
  });
});
