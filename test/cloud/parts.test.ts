import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../lib/engine/host/index.ts';
import { parseS3Event } from '../../lib/runtime/index.ts';
import { hasMoto, type Moto, startMoto } from '../aws/moto.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { openBatchExecutor } from './batch-executor.ts';
import { failures, openEventSource } from './event-source.ts';
import { openGateway } from './gateway.ts';
import { openResolver } from './intrinsics.ts';
import { type LambdaFunction, openLambda } from './lambda-host.ts';
import { isAllowed, type Statement, wishesOf } from './policies.ts';
import { type EvaluateOnExit, isRetried } from './retry-rules.ts';

describe('rules of a retry strategy', () => {
  const rules: EvaluateOnExit[] = [
    { action: 'RETRY', onStatusReason: 'Host EC2*' },
    { action: 'EXIT', onReason: 'OutOfMemory*' },
    { action: 'RETRY', onExitCode: '75' },
    { action: 'EXIT', onReason: '*' },
  ];
  it.each([
    ['a host that went away', { statusReason: 'Host EC2 (instance i-1) terminated.' }, 1, true],
    ['no attempt left', { statusReason: 'Host EC2 (instance i-1) terminated.' }, 3, false],
    ['memory', { statusReason: 'x', reason: 'OutOfMemoryError: killed', exitCode: 75 }, 1, false],
    ['start me again', { statusReason: 'x', exitCode: 75 }, 2, true],
    ['a fault', { statusReason: 'x', exitCode: 1 }, 1, false],
  ])('%s', (_, end, attempt, retried) => {
    expect(isRetried({ attempts: 3, evaluateOnExit: rules }, attempt, end)).toBe(retried);
  });

  it('retry what no rule names', () => {
    const only = { attempts: 2, evaluateOnExit: [{ action: 'EXIT', onExitCode: '1' }] };
    expect(isRetried(only, 1, { statusReason: '', exitCode: 2 })).toBe(true);
  });
});

it('reads reported failures as Lambda does', () => {
  const all = new Set(['a', 'b']);
  expect(failures({ batchItemFailures: [{ itemIdentifier: 'a' }] }, all)).toEqual(new Set(['a']));
  expect(failures({ batchItemFailures: [] }, all)).toEqual(new Set());
  expect(failures(null, all)).toEqual(new Set());
  expect(failures({ batchItemFailures: [{ itemIdentifier: 'c' }] }, all)).toEqual(all);
  expect(failures({ batchItemFailures: [{}] }, all)).toEqual(all);
});

it('follows references over stacks', () => {
  const templates = {
    a: {
      Resources: { Bucket: { Type: 'AWS::S3::Bucket' } },
      Outputs: { Export: { Value: { 'Fn::GetAtt': ['Bucket', 'Arn'] }, Export: { Name: 'a:bucket' } } },
    },
    b: { Resources: {} },
  };
  const resolver = openResolver(templates, { account: '123', region: 'eu' });
  resolver.created('a', 'Bucket', { ref: 'drops', attributes: { Arn: 'arn:drops' } });
  const value = {
    x: { 'Fn::Join': ['', [{ 'Fn::ImportValue': 'a:bucket' }, '/', { Ref: 'AWS::Region' }]] },
    y: [{ 'Fn::Sub': `\${AWS::AccountId}-x` }],
  };
  expect(resolver.resolve('b', value)).toEqual({ x: 'arn:drops/eu', y: ['123-x'] });
});

describe('policies', () => {
  const statements: Statement[] = [
    { effect: 'Allow', actions: ['s3:Get*'], resources: ['arn:aws:s3:::data/clean/*'], conditions: {} },
    { effect: 'Deny', actions: ['*'], resources: ['arn:aws:s3:::data/clean/secret*'], conditions: {} },
    {
      effect: 'Allow',
      actions: ['s3:ListBucket'],
      resources: ['arn:aws:s3:::data'],
      conditions: { StringLike: { 's3:prefix': ['clean/*'] } },
    },
  ];
  const s3 = (operation: string, key: string) =>
    wishesOf({ role: 'a', caller: 'a.1', service: 's3', operation, bucket: 'data', key }, Buffer.alloc(0), {
      account: '1',
      region: 'eu',
    });
  it.each([
    ['an object under the prefix', 'HeadObject', 'clean/a', true],
    ['one elsewhere', 'GetObject', 'days/a', false],
    ['one that is denied', 'GetObject', 'clean/secret.1', false],
    ['a write', 'PutObject', 'clean/a', false],
    ['a part of a write', 'UploadPart', 'clean/a', false],
    ['the names under the prefix', 'ListObjectsV2', 'clean/', true],
    ['all names', 'ListObjectsV2', '', false],
  ])('%s', (_, operation, key, allowed) => {
    expect(s3(operation, key).every((wish) => isAllowed(statements, wish))).toBe(allowed);
  });
});

const zipped = (code: string) => zipSync({ 'index.mjs': strToU8(code) });

const stub = async (code: string): Promise<LambdaFunction> => {
  const zip = join(await temporaryFolder(), 'stub.zip');
  await writeFile(zip, zipped(code));
  return {
    name: 'stub',
    handler: 'index.handler',
    zip,
    environment: { GREETING: 'good morning' },
    timeoutSeconds: 20,
    memoryMiB: 128,
  };
};

describe('a function', () => {
  it('stays warm, tells its faults, comes back when it was killed', async () => {
    // given
    const code = `let n = 0;
      export const handler = async (event) => {
        if (event.hang) await new Promise((resolve) => setTimeout(resolve, 60_000));
        if (event.bad) throw new TypeError('no good');
        return [process.env.GREETING, ++n];
      };`;
    const lambda = await openLambda({
      function: await stub(code),
      root: await temporaryFolder(),
      environment: { AWS_REGION: 'eu-central-1' },
    });
    // when, then
    expect(await lambda.invoke({})).toEqual({ ok: true, result: ['good morning', 1] });
    expect(await lambda.invoke({ bad: true })).toEqual({ ok: false, error: 'TypeError: no good' });
    expect(await lambda.invoke({})).toEqual({ ok: true, result: ['good morning', 2] });
    const hanging = lambda.invoke({ hang: true });
    const after = lambda.invoke({});
    lambda.kill();
    expect(await hanging).toMatchObject({ ok: false });
    expect(await after).toEqual({ ok: true, result: ['good morning', 1] });
    await lambda.close();
  });

  it('finds nothing but what its zip holds', async () => {
    const lambda = await openLambda({
      function: await stub(`import 'zod'; export const handler = () => 1;`),
      root: await temporaryFolder(),
      environment: {},
    });
    expect(await lambda.invoke({})).toMatchObject({ ok: false, error: expect.stringContaining("'zod'") });
  });
});

describe('the batch executor', () => {
  const definition = (program: string, code: string) => ({
    arn: `arn:${program}`,
    program,
    command: ['node', '-e', code],
    environment: { FROM: 'definition' },
    jobRoleArn: 'arn:role',
    retryStrategy: {
      attempts: 3,
      evaluateOnExit: [
        { action: 'RETRY', onStatusReason: 'Host EC2*' },
        { action: 'RETRY', onExitCode: '75' },
        { action: 'EXIT', onReason: '*' },
      ],
    },
  });

  it('runs arrays, attempts, dependencies and overrides as Batch does', async () => {
    // given
    const root = await temporaryFolder();
    const executor = openBatchExecutor({
      definitions: [
        definition('flaky', 'process.exit(process.env.AWS_BATCH_JOB_ATTEMPT === "3" ? 0 : 75)'),
        definition('array', 'process.exit(process.env.AWS_BATCH_JOB_ARRAY_INDEX === "1" ? 4 : 0)'),
        definition('plain', 'process.exit(process.env.FROM === "override" ? 0 : 1)'),
      ],
      image: root,
      root,
      environment: () => ({}),
      roleOf: (program) => program,
      maxConcurrent: 2,
      clock: () => 1,
    });
    const submit = (id: string, jobDefinition: string, more = {}) =>
      executor.submitted(id, `arn:job/${id}`, { jobName: `n-${id}`, jobQueue: 'q', jobDefinition, ...more });
    // when
    submit('1', 'arn:flaky');
    submit('2', 'arn:array', { arrayProperties: { size: 2 }, dependsOn: [{ jobId: '1' }] });
    submit('3', 'arn:plain', { dependsOn: [{ jobId: '2' }] });
    submit('4', 'arn:plain', {
      containerOverrides: { environment: [{ name: 'FROM', value: 'override' }] },
      dependsOn: [{ jobId: '1' }],
    });
    expect(executor.list({ jobQueue: 'arn:aws:batch:x:y:job-queue/q' })).toMatchObject({
      jobSummaryList: [{ jobId: '1', status: 'RUNNING' }],
    });
    await executor.idle();
    // then
    expect(executor.describe(['1', '2', '2:1', '3', '4', '5'])).toMatchObject({
      jobs: [
        { jobId: '1', status: 'SUCCEEDED', attempts: [{}, {}, { container: { exitCode: 0 } }] },
        {
          jobId: '2',
          status: 'FAILED',
          statusReason: 'Array Child Job failed',
          arrayProperties: { size: 2, statusSummary: { SUCCEEDED: 1, FAILED: 1 } },
        },
        { jobId: '2:1', status: 'FAILED', container: { exitCode: 4 }, attempts: [{}] },
        { jobId: '3', status: 'FAILED', statusReason: 'Dependent Job failed' },
        { jobId: '4', status: 'SUCCEEDED' },
      ],
    });
    const named = { jobQueue: 'q', filters: [{ name: 'JOB_NAME', values: ['N-*'] }] };
    expect(executor.list({ ...named, maxResults: 3 })).toMatchObject({
      jobSummaryList: [{ jobId: '4' }, { jobId: '3' }, { jobId: '2' }],
      nextToken: '3',
    });
    expect(executor.list({ ...named, nextToken: '3' })).toMatchObject({ jobSummaryList: [{ jobId: '1' }] });
    await executor.close();
  });

  it('starts again what lost its host', async () => {
    // given: the first attempt waits to be killed
    const root = await temporaryFolder();
    const code = 'if (process.env.AWS_BATCH_JOB_ATTEMPT === "1") setTimeout(() => {}, 60_000)';
    const executor = openBatchExecutor({
      definitions: [definition('plain', code)],
      image: root,
      root,
      environment: () => ({}),
      roleOf: (program) => program,
    });
    // when
    executor.submitted('1', 'arn:1', { jobName: 'a', jobQueue: 'q', jobDefinition: 'arn:plain' });
    executor.disturb('plain.1', 'host');
    await executor.idle();
    // then
    expect(executor.describe(['1'])).toMatchObject({
      jobs: [
        {
          status: 'SUCCEEDED',
          attempts: [{ statusReason: 'Host EC2 (instance i-0123456789abcdef0) terminated.' }, {}],
        },
      ],
    });
  });
});

describe.skipIf(!hasMoto)('before a protocol server', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto.stop());

  it('the gateway counts, breaks and refuses calls, and lets one of two rivals write', async () => {
    // given
    const faults: ('lost' | '503' | 'cut' | undefined)[] = [];
    const gateway = await openGateway({
      upstream: moto.endpoint,
      fault: ({ operation }) =>
        operation === 'PutObject' || operation === 'GetObject' ? faults.shift() : undefined,
      refuse: ({ key }) => (key?.startsWith('secret/') ? 'not this role' : undefined),
    });
    const client = (role: string) =>
      new S3Client({
        endpoint: gateway.url,
        region: moto.client.region,
        credentials: { accessKeyId: `${role}.1`, secretAccessKey: 'x' },
        maxAttempts: 1,
      });
    const Bucket = 'gateway';
    await new S3Client(moto.client).send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }),
    );
    const put = (Key: string, role = 'clean') =>
      client(role).send(new PutObjectCommand({ Bucket, Key, Body: 'text', IfNoneMatch: '*' }));
    // when, then
    const rivals = await Promise.allSettled(Array.from({ length: 8 }, () => put('one key')));
    expect(rivals.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(gateway.counts.get('clean s3 PutObject')).toBe(8);
    faults.push('lost');
    await expect(put('lost')).rejects.toThrow(/socket hang up|ECONNRESET/);
    await expect(put('lost')).rejects.toMatchObject({ name: 'PreconditionFailed' });
    faults.push('503');
    await expect(put('busy')).rejects.toMatchObject({ name: 'SlowDown' });
    faults.push('cut');
    const cut = await client('clean').send(new GetObjectCommand({ Bucket, Key: 'lost' }));
    await expect(cut.Body!.transformToString()).rejects.toThrow(/aborted|ECONNRESET/);
    await expect(put('secret/x')).rejects.toMatchObject({ name: 'AccessDenied' });
    await gateway.close();
  });

  it.each([
    ['once', undefined],
    ['twice and out of order', createRng('deliveries')],
  ])('the poller brings every message to its end, delivered %s', async (_, shuffle) => {
    // given: a bucket that tells a queue, and a message that no function can take
    await moto.reset();
    const sqs = new SQSClient(moto.client);
    const s3 = new S3Client(moto.client);
    const queue = async (QueueName: string, Attributes = {}) => {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
      return { QueueUrl: QueueUrl!, arn: `arn:aws:sqs:eu-central-1:123456789012:${QueueName}` };
    };
    const dead = await queue('dead');
    const redrive = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 3 });
    const clean = await queue('clean', { RedrivePolicy: redrive });
    const Bucket = 'telling';
    await s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }),
    );
    const filter = { Key: { FilterRules: [{ Name: 'prefix' as const, Value: 'drop/' }] } };
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: [{ QueueArn: clean.arn, Events: ['s3:ObjectCreated:*'], Filter: filter }],
        },
      }),
    );
    const keys = ['drop/a b+c.csv', 'drop/ü.csv', 'drop/x.csv'];
    for (const Key of [...keys, 'elsewhere/y'])
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    await sqs.send(new SendMessageCommand({ QueueUrl: clean.QueueUrl, MessageBody: 'poison' }));
    // when
    const seen: string[] = [];
    const drain = openEventSource({
      client: sqs,
      queueUrl: clean.QueueUrl,
      queueArn: clean.arn,
      batchSize: 2,
      reportsBatchItemFailures: true,
      concurrency: 1,
      async invoke(event) {
        const batchItemFailures: unknown[] = [];
        for (const { messageId, body } of (event as { Records: { messageId: string; body: string }[] })
          .Records) {
          if (body === 'poison') batchItemFailures.push({ itemIdentifier: messageId });
          else
            seen.push(...(body.includes('TestEvent') ? ['test'] : parseS3Event(body).map(({ key }) => key)));
        }
        return { ok: true, result: { batchItemFailures } };
      },
      ...(shuffle ? { shuffle } : {}),
    });
    await drain();
    // then
    const times = shuffle ? 2 : 1;
    const expected = [...keys, 'test'].flatMap((key) => Array.from({ length: times }, () => key));
    expect(seen.sort()).toEqual(expected.sort());
    const left = async (QueueUrl: string) =>
      (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes;
    expect(await left(clean.QueueUrl)).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
    });
    expect(await left(dead.QueueUrl)).toMatchObject({ ApproximateNumberOfMessages: '1' });
  });
});
