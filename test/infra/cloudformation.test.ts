import { BatchClient, DescribeJobDefinitionsCommand, DescribeJobQueuesCommand } from '@aws-sdk/client-batch';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { LambdaClient, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  GetBucketEncryptionCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasMoto, type Moto, startMoto } from '../aws/moto.ts';
import { type CloudTemplate, STACKS, synthesise } from './synthesis.ts';

/**
 * The templates are handed to moto's CloudFormation in the order of deployment, with everything that one stack imports
 * from another. What moto (5.2.1) cannot do is taken out of them first, and nothing else. Of what it creates it passes over
 * some settings (versions, notifications, life cycles): those are held by the other tests.
 */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'AWS::S3::BucketPolicy': 'moto creates none from a template',
  'AWS::SQS::QueuePolicy': 'moto creates none from a template',
  'AWS::SNS::TopicPolicy': 'moto creates none from a template',
  'AWS::SecretsManager::Secret': 'moto creates none from a template',
  'AWS::SecretsManager::ResourcePolicy': 'moto creates none from a template',
  'AWS::Lambda::EventInvokeConfig': 'moto creates none from a template',
  'AWS::Scheduler::ScheduleGroup': 'moto creates none from a template',
  'AWS::Scheduler::Schedule': 'moto creates none from a template',
  'AWS::CloudWatch::Alarm': 'moto creates none from a template',
  'AWS::Budgets::Budget': 'moto creates none from a template',
};

const ACCOUNT = '123456789012';

const { templates, stacks } = synthesise();

describe.skipIf(!hasMoto)('created by a CloudFormation', () => {
  let moto: Moto;
  let outputs: Record<string, string>;

  beforeAll(async () => {
    moto = await startMoto();
    await bootstrap(moto);
    outputs = {};
  }, 120_000);
  afterAll(() => moto?.stop());

  it.each(STACKS)('%s: every resource that moto knows', { timeout: 240_000 }, async (name) => {
    // given
    const client = new CloudFormationClient(moto.client);
    const { stackName: StackName } = stacks[name];
    const template = patched(templates[name]);
    // when
    await client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(template) }));
    // then
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    expect(Stacks.map(({ StackStatus }) => StackStatus)).toEqual(['CREATE_COMPLETE']);
    const { StackResourceSummaries = [] } = await client.send(new ListStackResourcesCommand({ StackName }));
    const made = StackResourceSummaries.map(({ LogicalResourceId }) => LogicalResourceId);
    expect(made.sort()).toEqual(Object.keys(template.Resources).sort());
    for (const { OutputKey, OutputValue } of Stacks[0]!.Outputs ?? []) {
      outputs[`${name}.${OutputKey}`] = OutputValue ?? '';
    }
  });

  it('the buckets that the outputs name are encrypted with a key', async () => {
    const s3 = new S3Client(moto.client);
    for (const name of ['Drops', 'Data', 'Exports']) {
      const Bucket = outputs[`storage.${name}Bucket`];
      const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
      expect(ServerSideEncryptionConfiguration?.Rules).toMatchObject([
        {
          ApplyServerSideEncryptionByDefault: { KMSMasterKeyID: expect.stringContaining(':key/') },
        },
      ]);
    }
  });

  it('the queues hand dead letters on after three deliveries', async () => {
    const sqs = new SQSClient(moto.client);
    for (const name of ['Clean', 'Features']) {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: outputs[`storage.${name}QueueUrl`],
          AttributeNames: ['RedrivePolicy'],
        }),
      );
      const dead = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: outputs[`storage.${name}DeadUrl`],
          AttributeNames: ['QueueArn'],
        }),
      );
      expect(JSON.parse(Attributes?.RedrivePolicy ?? '{}')).toMatchObject({
        deadLetterTargetArn: dead.Attributes?.QueueArn,
      });
    }
  });

  it('both queues feed a function', async () => {
    const lambda = new LambdaClient(moto.client);
    const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({}));
    expect(EventSourceMappings.map(({ BatchSize }) => BatchSize).sort()).toEqual([1, 1]);
  });

  it('the ARNs that submitters get name queues and definitions that are there', async () => {
    // given
    const batch = new BatchClient(moto.client);
    const queues: Record<string, string> = JSON.parse(outputs['batch.JobQueues']!);
    const definitions: Record<string, string> = JSON.parse(outputs['batch.JobDefinitions']!);
    // when
    const { jobQueues = [] } = await batch.send(new DescribeJobQueuesCommand({}));
    const { jobDefinitions = [] } = await batch.send(new DescribeJobDefinitionsCommand({}));
    // then
    expect(Object.keys(queues).sort()).toEqual(['clean', 'export', 'finetune', 'score']);
    expect([...new Set(Object.values(queues))].sort()).toEqual(
      jobQueues.map(({ jobQueueArn }) => jobQueueArn).sort(),
    );
    expect(Object.values(definitions).sort()).toEqual(
      jobDefinitions.map(({ jobDefinitionArn }) => jobDefinitionArn?.replace(/:\d+$/, '')).sort(),
    );
  });
});

/** What `cdk bootstrap` leaves in an account, as far as the templates refer to it. */
async function bootstrap(moto: Moto): Promise<void> {
  const Name = '/cdk-bootstrap/hnb659fds/version';
  await new SSMClient(moto.client).send(new PutParameterCommand({ Name, Value: '28', Type: 'String' }));
  const s3 = new S3Client(moto.client);
  const Bucket = `cdk-hnb659fds-assets-${ACCOUNT}-${moto.client.region}`;
  const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' } as const;
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  const keys = new Set(JSON.stringify(templates).match(/[0-9a-f]{64}\.zip/g));
  const Body = Buffer.from('504b0506'.padEnd(44, '0'), 'hex');
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
}

/** The template as moto takes it. */
function patched(template: CloudTemplate): CloudTemplate {
  const { Resources } = template;
  const typeOf = (id: unknown) => Resources[String(id)]?.Type ?? '';
  const placeholder = (id: string) => `arn:aws:left-out:eu-central-1:${ACCOUNT}:${id}`;
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    const [[name, argument] = ['', undefined]] = Object.entries(value);
    const id = Array.isArray(argument) ? String(argument[0]) : String(argument);
    if (name === 'Ref' || name === 'Fn::GetAtt') {
      if (typeOf(id) in LEFT_OUT) return placeholder(id);
      // moto's Batch has no attributes in a template; what `Ref` gives is the same ARN.
      if (name === 'Fn::GetAtt' && typeOf(id).startsWith('AWS::Batch::')) return { Ref: id };
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]));
  };
  const [someRole] = Object.keys(Resources).filter((id) => typeOf(id) === 'AWS::IAM::Role');
  const kept = Object.entries(Resources)
    .filter(([, { Type }]) => !(Type in LEFT_OUT))
    .map(([id, { DependsOn, ...resource }]) => {
      const properties: Record<string, unknown> = { ...(walk(resource.Properties ?? {}) as object) };
      // moto reads tags of these in another form than CloudFormation's.
      if (resource.Type === 'AWS::KMS::Key' || resource.Type === 'AWS::SSM::Parameter')
        delete properties.Tags;
      if (resource.Type === 'AWS::Batch::ComputeEnvironment') {
        // AWS takes either spelling, and its service-linked role where none is named; moto wants capitals and a role.
        properties.Type = String(properties.Type).toUpperCase();
        properties.ServiceRole ??= { 'Fn::GetAtt': [someRole, 'Arn'] };
      }
      const after = (DependsOn ?? []).filter((other) => !(typeOf(other) in LEFT_OUT));
      return [id, { ...resource, Properties: properties, ...(after.length > 0 ? { DependsOn: after } : {}) }];
    });
  return {
    ...template,
    Resources: Object.fromEntries(kept),
    Outputs: { ...(walk(template.Outputs ?? {}) as object) },
  };
}
