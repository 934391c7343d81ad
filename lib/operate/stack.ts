import { BatchClient } from '@aws-sdk/client-batch';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { clientSettings, openBatch, openS3Store, openSqsQueue, routedStore } from '../runtime/aws/index.ts';
import type { BatchRunner, JobDefinition, ObjectStore, Queue } from '../runtime/index.ts';
import { OperateError } from './errors.ts';
import { outputOf, readOutputs, SHOP_OUTPUT, type StackOutputs } from './outputs.ts';
import type { QueueName } from './why-dead.ts';

/** A queue of the stack, and the one for what it gave up. */
export interface StackQueue {
  readonly name: QueueName;
  readonly queue: Queue;
  readonly url: string;
  readonly deadUrl: string;
}

/** A deployed environment, found by its stacks' outputs. */
export interface Stack {
  readonly environment: string;
  readonly region: string;
  /** The stacks with CloudFormation's word on each. */
  readonly stacks: readonly { readonly name: string; readonly status: string }[];
  /** The three buckets as the one store that everything else knows. */
  readonly store: ObjectStore;
  readonly queues: readonly StackQueue[];
  /** ARN of the job queue that serves a definition. */
  readonly jobQueues: Readonly<Record<JobDefinition, string>>;
  readonly jobs: BatchRunner;
  readonly dispatchFunction: string;
  readonly sqs: SQSClient;
  readonly batch: BatchClient;
  readonly lambda: LambdaClient;
}

/**
 * Opens a deployed environment. Credentials and region are those of the SDK: AWS_PROFILE, AWS_REGION and the like.
 * @param options.shop `shop.name` of the config that it is looked at with
 * @throws OperateError when it is not deployed there, or for another shop, or when no region is set
 */
export async function openStack(options: {
  environment: string;
  shop: string;
  region?: string | undefined;
}): Promise<Stack> {
  const { environment, shop } = options;
  const region = await regionOf(options.region);
  const cloudFormation = new CloudFormationClient({ region });
  const read = (part: string) => readOutputs(cloudFormation, `nightjar-${environment}-${part}`);
  const storage = await read('storage');
  const owner = storage.values[SHOP_OUTPUT] ?? shop;
  if (owner !== shop) {
    throw new OperateError(
      `environment ${environment} in ${region} belongs to shop "${owner}", not to shop "${shop}" of this config: name ` +
        'another one with --env or --region, or the config with --config; if that shop was renamed, "nightjar deploy --force"',
    );
  }
  const batch = await read('batch');
  const nightly = await read('nightly');
  const settings = { ...clientSettings(), region };
  const s3 = new S3Client(settings);
  const sqs = new SQSClient(settings);
  const batchClient = new BatchClient(settings);
  const jobQueues = arnsOf(batch, 'JobQueues');
  const bucket = (key: string) => openS3Store({ client: s3, bucket: outputOf(storage, key) });
  const queue = (name: QueueName, key: string, deadKey: string): StackQueue => {
    const url = outputOf(storage, key);
    const deadUrl = outputOf(storage, deadKey);
    return { name, url, deadUrl, queue: openSqsQueue({ client: sqs, name, url, deadLetterUrl: deadUrl }) };
  };
  return {
    environment,
    region,
    stacks: [storage, batch, nightly].map(({ name, status }) => ({ name, status })),
    store: routedStore([
      { prefix: 'drop/', store: bucket('DropsBucket') },
      { prefix: 'exports/', store: bucket('ExportsBucket') },
      { prefix: '', store: bucket('DataBucket') },
    ]),
    queues: [
      queue('clean', 'CleanQueueUrl', 'CleanDeadUrl'),
      queue('features', 'FeaturesQueueUrl', 'FeaturesDeadUrl'),
    ],
    jobQueues,
    jobs: openBatch({ client: batchClient, queues: jobQueues, definitions: arnsOf(batch, 'JobDefinitions') }),
    dispatchFunction: outputOf(nightly, 'DispatchFunction'),
    sqs,
    batch: batchClient,
    // A call lasts as long as the function: no timeout of ours.
    lambda: new LambdaClient({ region }),
  };
}

async function regionOf(region: string | undefined): Promise<string> {
  if (region !== undefined) return region;
  try {
    return await new CloudFormationClient({}).config.region();
  } catch (cause) {
    throw new OperateError('no region is set: say --region eu-central-1, or set AWS_REGION', { cause });
  }
}

function arnsOf(stack: StackOutputs, key: string): Record<JobDefinition, string> {
  const json = outputOf(stack, key);
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new OperateError(`the output ${key} of ${stack.name} is not JSON: deploy it again`, { cause });
  }
}
