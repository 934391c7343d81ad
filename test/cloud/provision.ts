import {
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  RegisterJobDefinitionCommand,
  type RegisterJobDefinitionCommandInput,
} from '@aws-sdk/client-batch';
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  type QueueConfiguration,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Moto } from '../aws/moto.ts';
import type { JobDefinitionParts } from './batch-executor.ts';
import { openResolver, type Region, type Resolver, resourcesOf, type Template } from './intrinsics.ts';
import type { EvaluateOnExit } from './retry-rules.ts';

/** The account that the protocol server plays. */
export const ACCOUNT = '123456789012';

type Templates = Readonly<Record<string, Template>>;

export interface Provisioned {
  readonly where: Region;
  readonly resolver: Resolver;
  readonly definitions: readonly JobDefinitionParts[];
}

/**
 * Creates what the templates say in the protocol server, by its own interfaces: buckets with their notifications, queues
 * with their dead letter queues, the secret, job queues and job definitions.
 * @param gateway the address under which queues are named to what is under test
 * @param secret the value of every secret
 */
export async function provision(args: {
  moto: Moto;
  templates: Templates;
  gateway: string;
  secret: string;
}): Promise<Provisioned> {
  const { moto, templates, gateway, secret } = args;
  const where = { account: ACCOUNT, region: moto.client.region };
  const resolver = openResolver(templates, where);
  nameRoles(templates, resolver);
  nameFunctions(templates, resolver, where);
  nameQueues(templates, resolver, where, gateway);
  await createQueues(new SQSClient(moto.client), templates, resolver);
  await createBuckets(new S3Client(moto.client), templates, resolver, where);
  await createSecrets(new SecretsManagerClient(moto.client), templates, resolver, secret);
  const definitions = await createBatch(moto, templates, resolver);
  await createStacks(new CloudFormationClient(moto.client), templates, resolver);
  return { where, resolver, definitions };
}

function nameRoles(templates: Templates, resolver: Resolver): void {
  for (const { stack, id } of resourcesOf(templates, 'AWS::IAM::Role')) {
    const Arn = `arn:aws:iam::${ACCOUNT}:role/${stack}-${id}`;
    resolver.created(stack, id, { ref: `${stack}-${id}`, attributes: { Arn } });
  }
}

function nameFunctions(templates: Templates, resolver: Resolver, { region }: Region): void {
  for (const { stack, id } of resourcesOf(templates, 'AWS::Lambda::Function')) {
    const name = `${stack}-${id}`;
    const Arn = `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;
    resolver.created(stack, id, { ref: name, attributes: { Arn } });
  }
}

const queueName = (stack: string, id: string) => `${stack}-${id}`;

function nameQueues(templates: Templates, resolver: Resolver, { region }: Region, gateway: string): void {
  for (const { stack, id } of resourcesOf(templates, 'AWS::SQS::Queue')) {
    const QueueName = queueName(stack, id);
    const Arn = `arn:aws:sqs:${region}:${ACCOUNT}:${QueueName}`;
    resolver.created(stack, id, {
      ref: `${gateway}/${ACCOUNT}/${QueueName}`,
      attributes: { Arn, QueueName },
    });
  }
}

const QUEUE_ATTRIBUTES = ['VisibilityTimeout', 'MessageRetentionPeriod', 'RedrivePolicy'] as const;

async function createQueues(client: SQSClient, templates: Templates, resolver: Resolver): Promise<void> {
  const queues = resourcesOf(templates, 'AWS::SQS::Queue');
  // A dead letter queue stands before the queue that names it.
  queues.sort((a, b) => Number('RedrivePolicy' in a.properties) - Number('RedrivePolicy' in b.properties));
  for (const { stack, id, properties } of queues) {
    const Attributes: Record<string, string> = {};
    for (const name of QUEUE_ATTRIBUTES) {
      const value = resolver.resolve(stack, properties[name]);
      if (value !== undefined)
        Attributes[name] = typeof value === 'object' ? JSON.stringify(value) : String(value);
    }
    await client.send(new CreateQueueCommand({ QueueName: queueName(stack, id), Attributes }));
  }
}

async function createBuckets(
  client: S3Client,
  templates: Templates,
  resolver: Resolver,
  { region }: Region,
): Promise<void> {
  for (const { stack, id, properties } of resourcesOf(templates, 'AWS::S3::Bucket')) {
    const Bucket = `${stack}-${id}`.toLowerCase().slice(0, 63);
    resolver.created(stack, id, {
      ref: Bucket,
      attributes: {
        Arn: `arn:aws:s3:::${Bucket}`,
        RegionalDomainName: `${Bucket}.s3.${region}.amazonaws.com`,
      },
    });
    const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' } as const;
    await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    if (properties.VersioningConfiguration) {
      await client.send(
        new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
      );
    }
    const { QueueConfigurations = [] } = (resolver.resolve(stack, properties.NotificationConfiguration) ??
      {}) as {
      QueueConfigurations?: Notification[];
    };
    if (QueueConfigurations.length === 0) continue;
    const NotificationConfiguration = { QueueConfigurations: QueueConfigurations.map(notification) };
    await client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
  }
}

interface Notification {
  readonly Event: string;
  readonly Queue: string;
  readonly Filter?: { readonly S3Key: { readonly Rules: { Name: 'prefix' | 'suffix'; Value: string }[] } };
}

const notification = ({ Event, Queue, Filter }: Notification): QueueConfiguration => ({
  QueueArn: Queue,
  Events: [Event as 's3:ObjectCreated:*'],
  ...(Filter ? { Filter: { Key: { FilterRules: Filter.S3Key.Rules } } } : {}),
});

async function createSecrets(
  client: SecretsManagerClient,
  templates: Templates,
  resolver: Resolver,
  value: string,
): Promise<void> {
  for (const { stack, id } of resourcesOf(templates, 'AWS::SecretsManager::Secret')) {
    const { ARN } = await client.send(
      new CreateSecretCommand({ Name: `${stack}/${id}`, SecretString: value }),
    );
    resolver.created(stack, id, { ref: ARN!, attributes: { Id: ARN! } });
  }
}

/** Stacks that hold nothing but what they tell: the commands of a deployment find everything by their outputs. */
async function createStacks(
  client: CloudFormationClient,
  templates: Templates,
  resolver: Resolver,
): Promise<void> {
  for (const [StackName, { Outputs = {} }] of Object.entries(templates)) {
    const told = Object.keys(Outputs).map((name) => [name, { Value: resolver.output(StackName, name) }]);
    const template = {
      Resources: { Nothing: { Type: 'AWS::CloudFormation::WaitConditionHandle' } },
      Outputs: Object.fromEntries(told),
    };
    await client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(template) }));
  }
}

/** Job queues stand over an environment that starts no machines: the harness runs the jobs. */
async function createBatch(
  moto: Moto,
  templates: Templates,
  resolver: Resolver,
): Promise<JobDefinitionParts[]> {
  const client = new BatchClient(moto.client);
  const serviceRole = await createServiceRole(moto);
  const { computeEnvironmentArn } = await client.send(
    new CreateComputeEnvironmentCommand({
      computeEnvironmentName: 'harness',
      type: 'UNMANAGED',
      serviceRole,
    }),
  );
  for (const { stack, id } of resourcesOf(templates, 'AWS::Batch::JobQueue')) {
    const { jobQueueArn } = await client.send(
      new CreateJobQueueCommand({
        jobQueueName: `${stack}-${id}`,
        priority: 1,
        state: 'ENABLED',
        computeEnvironmentOrder: [{ order: 1, computeEnvironment: computeEnvironmentArn }],
      }),
    );
    resolver.created(stack, id, { ref: jobQueueArn!, attributes: { JobQueueArn: jobQueueArn! } });
  }
  const definitions: JobDefinitionParts[] = [];
  for (const { stack, id, properties } of resourcesOf(templates, 'AWS::Batch::JobDefinition')) {
    const input = lowerFirst(resolver.resolve(stack, properties)) as Definition;
    const { jobDefinitionArn } = await client.send(
      new RegisterJobDefinitionCommand({
        ...input,
        jobDefinitionName: input.jobDefinitionName ?? `${stack}-${id}`,
      }),
    );
    resolver.created(stack, id, {
      ref: jobDefinitionArn!,
      attributes: { JobDefinitionArn: jobDefinitionArn! },
    });
    definitions.push(definitionParts(jobDefinitionArn!, input));
  }
  return definitions;
}

interface Definition extends RegisterJobDefinitionCommandInput {
  readonly containerProperties: {
    readonly image: string;
    readonly command: string[];
    readonly environment?: { name: string; value: string }[];
    readonly jobRoleArn: string;
  };
}

function definitionParts(
  arn: string,
  { containerProperties, retryStrategy, timeout }: Definition,
): JobDefinitionParts {
  const { command, environment = [], jobRoleArn } = containerProperties;
  const seconds = timeout?.attemptDurationSeconds;
  return {
    arn,
    program: /([a-z]+)\.mjs$/.exec(command.at(-1) ?? '')![1]!,
    command,
    jobRoleArn,
    environment: Object.fromEntries(environment.map(({ name, value }) => [name, value])),
    retryStrategy: {
      attempts: Number(retryStrategy?.attempts ?? 1),
      evaluateOnExit: (retryStrategy?.evaluateOnExit ?? []) as EvaluateOnExit[],
    },
    ...(seconds === undefined ? {} : { timeoutSeconds: Number(seconds) }),
  };
}

/** CloudFormation writes AttemptDurationSeconds where the service's own interface writes attemptDurationSeconds. */
function lowerFirst(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerFirst);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name[0]!.toLowerCase() + name.slice(1),
      FREE.has(name) ? part : lowerFirst(part),
    ]),
  );
}

/** Maps whose keys are names of their own. */
const FREE: ReadonlySet<string> = new Set(['Tags', 'Parameters', 'Options']);

/** IAM has no client among our dependencies: its query protocol is one form. */
async function createServiceRole(moto: Moto): Promise<string> {
  const response = await fetch(moto.endpoint, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=harness/20250101/${moto.client.region}/iam/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: new URLSearchParams({
      Action: 'CreateRole',
      Version: '2010-05-08',
      RoleName: 'harness',
      AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
    }),
  });
  const arn = /<Arn>([^<]+)<\/Arn>/.exec(await response.text())?.[1];
  if (!arn) throw new Error(`the protocol server made no role: ${response.status}`);
  return arn;
}
