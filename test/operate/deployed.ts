import {
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  RegisterJobDefinitionCommand,
} from '@aws-sdk/client-batch';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import type { Moto } from '../aws/moto.ts';

/** Whose the environment is. */
const SHOP = 'Corner shop';

type Template = { readonly Resources: object; readonly Outputs: object };

/**
 * The stacks of an environment, made by CloudFormation of no more than what the command line looks at: buckets, queues and
 * job queues by the output names that the real stacks have.
 */
export async function deploy(moto: Moto): Promise<void> {
  for (const [part, template] of Object.entries(TEMPLATES)) await create(moto, part, template);
  const client = new BatchClient(moto.client);
  const { computeEnvironmentArn } = await client.send(
    new CreateComputeEnvironmentCommand({
      computeEnvironmentName: 'compute',
      type: 'UNMANAGED',
      state: 'ENABLED',
      serviceRole: await output(moto, 'role', 'Role'),
    }),
  );
  const queue = async (jobQueueName: string) => {
    const computeEnvironmentOrder = [{ order: 1, computeEnvironment: computeEnvironmentArn }];
    const { jobQueueArn } = await client.send(
      new CreateJobQueueCommand({ jobQueueName, priority: 1, state: 'ENABLED', computeEnvironmentOrder }),
    );
    return jobQueueArn;
  };
  const [gpu, cpu] = [await queue('gpu'), await queue('cpu')];
  const { jobDefinitionArn: job } = await client.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: 'any',
      type: 'container',
      containerProperties: { image: 'node', vcpus: 1, memory: 128, command: ['node'] },
    }),
  );
  const queues = { finetune: gpu, score: gpu, export: cpu, clean: cpu };
  const definitions = { finetune: job, score: job, export: job, clean: job };
  await create(moto, 'batch', {
    Resources: MARK,
    Outputs: {
      JobQueues: { Value: JSON.stringify(queues) },
      JobDefinitions: { Value: JSON.stringify(definitions) },
    },
  });
}

async function create(moto: Moto, part: string, template: Template): Promise<void> {
  const TemplateBody = JSON.stringify(template).replaceAll(ENDPOINT, moto.endpoint);
  await new CloudFormationClient(moto.client).send(
    new CreateStackCommand({ StackName: `nightjar-prod-${part}`, TemplateBody }),
  );
}

/** An output of a stack that was made by `deploy`. */
async function output(moto: Moto, part: string, key: string): Promise<string> {
  const { Stacks } = await new CloudFormationClient(moto.client).send(
    new DescribeStacksCommand({ StackName: `nightjar-prod-${part}` }),
  );
  const value = Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
  if (value === undefined) throw new Error(`stack ${part} has no output ${key}`);
  return value;
}

/** Stands for the address of the server in a template. */
const ENDPOINT = 'http://moto';
/** A template must have a resource. */
const MARK = { Mark: { Type: 'AWS::SNS::Topic' } };
const ref = (name: string) => ({ Value: { Ref: name } });
/** A queue's own answer names a host of AWS, where this account has nothing. */
const url = (name: string) => ({
  Value: { 'Fn::Join': ['/', [ENDPOINT, { Ref: 'AWS::AccountId' }, { 'Fn::GetAtt': [name, 'QueueName'] }]] },
});
const bucket = { Type: 'AWS::S3::Bucket' };
const queue = (dead: string) => ({
  Type: 'AWS::SQS::Queue',
  Properties: {
    VisibilityTimeout: 0,
    RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [dead, 'Arn'] }, maxReceiveCount: 3 },
  },
});
const role = {
  Type: 'AWS::IAM::Role',
  Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] } },
};
/** Without the batch stack, whose resources moto makes of API calls only. */
const TEMPLATES: Record<string, Template> = {
  role: { Resources: { Role: role }, Outputs: { Role: { Value: { 'Fn::GetAtt': ['Role', 'Arn'] } } } },
  storage: {
    Resources: {
      Drops: bucket,
      Data: bucket,
      Exports: bucket,
      CleanDead: { Type: 'AWS::SQS::Queue' },
      FeaturesDead: { Type: 'AWS::SQS::Queue' },
      Clean: queue('CleanDead'),
      Features: queue('FeaturesDead'),
    },
    Outputs: {
      Shop: { Value: SHOP },
      DropsBucket: ref('Drops'),
      DataBucket: ref('Data'),
      ExportsBucket: ref('Exports'),
      CleanQueueUrl: url('Clean'),
      CleanDeadUrl: url('CleanDead'),
      FeaturesQueueUrl: url('Features'),
      FeaturesDeadUrl: url('FeaturesDead'),
    },
  },
  nightly: {
    Resources: MARK,
    Outputs: { DispatchFunction: { Value: 'nightjar-dispatch' } },
  },
};
