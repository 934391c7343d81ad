import {
  type JobStatus as AwsStatus,
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  DescribeJobsCommand,
  type JobDetail,
  RegisterJobDefinitionCommand,
} from '@aws-sdk/client-batch';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BatchOptions, clientSettings, openBatch } from '../../../lib/runtime/aws/index.ts';
import { describeJob } from '../../../lib/runtime/aws/job-description.ts';
import {
  BatchError,
  type BatchRunner,
  type JobDescription,
  type JobRequest,
} from '../../../lib/runtime/index.ts';
import { startFaultyProxy } from '../../aws/faulty-proxy.ts';
import { hasMoto, type Moto, startMoto } from '../../aws/moto.ts';
import { batchRecordsContract } from '../batch-contract.ts';

type Arns = Pick<BatchOptions, 'queues' | 'definitions'>;

// moto keeps record of jobs and lets them succeed, but runs nothing: what a job does is tested with the local runner.
describe.skipIf(!hasMoto)('over AWS Batch', () => {
  let moto: Moto;
  let client: BatchClient;
  let arns: Arns;
  beforeAll(async () => {
    moto = await startMoto();
    client = new BatchClient({ ...clientSettings(), ...moto.client });
    arns = await deploy(moto, client);
  });
  afterAll(() => moto.stop());

  batchRecordsContract('AWS Batch', async () => {
    await moto.reset();
    arns = await deploy(moto, client);
    const runner = openBatch({ client, ...arns });
    return { runner, wait: (id) => ended(runner, id) };
  });

  const request: JobRequest = { name: 'job', definition: 'score', environment: {} };

  it('gives AWS what the request says, and leaves the retry rules to the definition', async () => {
    // given
    const runner = openBatch({ client, ...arns });
    const environment = { NIGHTJAR_RUN: 'r', NIGHTJAR_CHILDREN: '3' };
    const before = await runner.submit({ ...request, name: 'before', definition: 'export' });
    // when
    const change = { environment, arraySize: 3, dependsOn: [before], attempts: 3 };
    const id = await runner.submit({ ...request, ...change, name: 'night-1' });
    // then
    const { jobs = [] } = await client.send(new DescribeJobsCommand({ jobs: [id] }));
    expect(jobs[0]).toMatchObject({
      jobName: 'night-1',
      jobQueue: arns.queues.score,
      dependsOn: [{ jobId: before }],
      arrayProperties: { size: 3 },
      container: {
        environment: expect.arrayContaining([
          { name: 'NIGHTJAR_CHILDREN', value: '3' },
          { name: 'NIGHTJAR_RUN', value: 'r' },
        ]),
      },
    });
    expect(jobs[0]?.retryStrategy).toBeUndefined();
    expect(await ended(runner, id)).toMatchObject({ id, name: 'night-1', status: 'SUCCEEDED' });
  });

  it('lists over all its queues, without the children of arrays', async () => {
    const runner = openBatch({ client, ...arns });
    const array = await runner.submit({ ...request, name: 'listed', arraySize: 4 });
    const plain = await runner.submit({ ...request, name: 'listed', definition: 'export' });
    await runner.submit({ ...request, name: 'LISTED' });
    expect((await runner.list('listed')).map(({ id }) => id)).toEqual([plain, array]);
  });

  it('describes any number of jobs, in the order asked for', async () => {
    const runner = openBatch({ client, ...arns });
    const ids = [
      await runner.submit({ ...request, name: 'first' }),
      await runner.submit({ ...request, name: 'second' }),
    ];
    const asked = Array.from({ length: 250 }, (_, i) => ids[i % 2]!);
    expect((await runner.describe(asked)).map(({ id }) => id)).toEqual(asked);
    expect(await runner.describe([])).toEqual([]);
  });

  it('submits once, however often answers are lost', async () => {
    // given
    const proxy = await startFaultyProxy({
      target: moto.endpoint,
      seed: 5,
      rate: 0.5,
      kinds: ['error', 'reset', 'lost'],
      only: ({ path }) => path.endsWith('/submitjob'),
    });
    const faulty = new BatchClient({ ...clientSettings(), ...moto.client, endpoint: proxy.endpoint });
    const runner = openBatch({ client: faulty, ...arns });
    // when
    const names = Array.from({ length: 8 }, (_, i) => `once-${i}`);
    const ids: string[] = [];
    for (const name of names) ids.push(await runner.submit({ ...request, name }));
    // then
    for (const [i, name] of names.entries()) {
      expect((await runner.list(name)).map(({ id }) => id)).toEqual([ids[i]]);
    }
    expect(proxy.counts.lost).toBeGreaterThan(0);
    expect(proxy.counts.error).toBeGreaterThan(0);
    await proxy.close();
  });

  it('refuses what AWS would refuse', async () => {
    const runner = openBatch({ client, ...arns });
    const cases: [Partial<JobRequest>, RegExp][] = [
      [{ definition: 'clean' }, /is a clean, for which .* no job queue; it has finetune, score, export/],
      [
        { environment: { A: 'x'.repeat(8_192) } },
        /of 82\d\d characters, AWS Batch takes 8192: .*pass its key/,
      ],
      [{ environment: { AWS_BATCH_JOB_ID: 'x' } }, /sets AWS_BATCH_JOB_ID, which AWS Batch sets itself/],
      [{ dependsOn: Array.from({ length: 21 }, () => 'x') }, /depends on 21 jobs: AWS Batch takes up to 20/],
    ];
    for (const [change, message] of cases) {
      const refused = runner.submit({ ...request, name: 'refused', ...change });
      await expect(refused).rejects.toThrow(BatchError);
      await expect(refused).rejects.toThrow(message);
    }
    const elsewhere = openBatch({ client, ...arns, queues: { score: `${arns.queues.score}x` } });
    await expect(elsewhere.submit(request)).rejects.toThrow(
      /score job job cannot be submitted: ClientException/,
    );
    await expect(elsewhere.list('job')).rejects.toThrow(/jobs named job cannot be listed: .*check the ARNs/);
  });
});

describe('a job as AWS describes it', () => {
  const job = { jobId: 'id', jobName: 'name', createdAt: 86_400_000, startedAt: 0 };
  const of = (status: AwsStatus, more: Partial<JobDetail> = {}) =>
    describeJob({ ...job, jobQueue: '', jobDefinition: '', status, ...more });

  it('has begun when it or a child of it has', () => {
    for (const status of ['SUBMITTED', 'PENDING', 'RUNNABLE'] as const) {
      expect(of(status)).toEqual({
        id: 'id',
        name: 'name',
        status: 'SUBMITTED',
        createdAt: new Date(86_400_000),
      });
    }
    for (const status of ['STARTING', 'RUNNING'] as const) expect(of(status).status).toBe('RUNNING');
    const children = (statusSummary: Record<string, number>) =>
      of('PENDING', { arrayProperties: { size: 4, statusSummary } }).status;
    expect(children({ RUNNABLE: 4, RUNNING: 0 })).toBe('SUBMITTED');
    expect(children({ RUNNABLE: 3, RUNNING: 1 })).toBe('RUNNING');
    expect(children({ RUNNABLE: 3, SUCCEEDED: 1 })).toBe('RUNNING');
    expect(children({ RUNNABLE: 3, FAILED: 1 })).toBe('RUNNING');
  });

  it('has a reason when it failed, and no other time', () => {
    const container = { exitCode: 1, reason: 'OutOfMemoryError', logStreamName: 'score/default/1' };
    const statusReason = 'Essential container in task exited';
    expect(of('FAILED', { statusReason, container }).reason).toBe(
      'Essential container in task exited, exit code 1, OutOfMemoryError; log stream score/default/1',
    );
    expect(of('SUCCEEDED', { statusReason, container }).reason).toBeUndefined();
    expect(of('FAILED').reason).toBe('AWS Batch gives no reason');
    const array: JobDetail = {
      ...job,
      jobQueue: '',
      jobDefinition: '',
      status: 'FAILED',
      statusReason: 'Array Child Job failed',
      arrayProperties: { size: 4 },
    };
    const child = { jobId: 'id:2', jobName: 'name', statusReason, container: { exitCode: 3 } };
    expect(describeJob(array, [child]).reason).toBe(
      'child 2: Essential container in task exited, exit code 3; Array Child Job failed',
    );
  });

  describe('that failed says whether another one may succeed', () => {
    const ended = 'Essential container in task exited';
    it.each([
      ['gave up on a dependency', 'away', ended, { exitCode: 75 }],
      ['lost its host', 'away', 'Host EC2 (instance i-0123) terminated.', {}],
      [
        'could not have its image',
        'away',
        'Task failed to start',
        { reason: 'CannotPullContainerError: 503' },
      ],
      ['failed by its data', 'work', ended, { exitCode: 1 }],
      ['was killed', 'work', ended, { exitCode: 137 }],
      ['used too much memory', 'work', ended, { exitCode: 137, reason: 'OutOfMemoryError: killed' }],
      ['used too much memory, unseen', 'work', ended, { reason: 'OutOfMemoryError: killed' }],
      ['ran out of time', 'work', 'Job attempt duration exceeded timeout', { exitCode: 143 }],
      ['never started', 'predecessor', 'Dependent Job failed', {}],
    ])('one that %s: %s', (_, fault, statusReason, container) => {
      expect(of('FAILED', { statusReason, container }).fault).toBe(fault);
      expect(of('SUCCEEDED', { statusReason, container }).fault).toBeUndefined();
    });

    it('an array by its worst child', () => {
      const array = { statusReason: 'Array Child Job failed', arrayProperties: { size: 3 } };
      const child = (exitCode: number) => ({
        jobId: `id:${exitCode}`,
        jobName: 'name',
        statusReason: ended,
        container: { exitCode },
      });
      const failed = (...codes: number[]) => {
        const detail = { ...job, jobQueue: '', jobDefinition: '', status: 'FAILED' as const, ...array };
        return describeJob(detail, codes.map(child));
      };
      expect(failed(75, 75).fault).toBe('away');
      expect(failed(75, 1, 75)).toMatchObject({
        fault: 'work',
        reason: expect.stringContaining('child 1: '),
      });
      expect(failed().fault).toBe('work');
    });
  });

  it('is refused without id and name', () => {
    expect(() =>
      describeJob({ ...job, jobId: undefined, jobQueue: '', jobDefinition: '', status: 'RUNNING' }),
    ).toThrow(BatchError);
  });
});

async function ended(runner: BatchRunner, id: string): Promise<JobDescription> {
  for (;;) {
    const [job] = await runner.describe([id]);
    if (!job) throw new BatchError(`there is no job ${id}`);
    if (job.status === 'SUCCEEDED' || job.status === 'FAILED') return job;
  }
}

/** Two job queues and a job definition. */
async function deploy(moto: Moto, client: BatchClient): Promise<Arns> {
  const serviceRole = await createRole(moto);
  const [gpu = '', cpu = ''] = await Promise.all(
    ['gpu', 'cpu'].map(async (name) => {
      const type = 'UNMANAGED' as const;
      const { computeEnvironmentArn: computeEnvironment } = await client.send(
        new CreateComputeEnvironmentCommand({ computeEnvironmentName: name, type, serviceRole }),
      );
      const computeEnvironmentOrder = [{ order: 1, computeEnvironment }];
      const queue = { jobQueueName: name, state: 'ENABLED' as const, priority: 1, computeEnvironmentOrder };
      return (await client.send(new CreateJobQueueCommand(queue))).jobQueueArn;
    }),
  );
  const { jobDefinitionArn: definition = '' } = await client.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: 'any',
      type: 'container',
      containerProperties: { image: 'none', vcpus: 1, memory: 128 },
    }),
  );
  return {
    queues: { finetune: gpu, score: gpu, export: cpu },
    definitions: { finetune: definition, score: definition, export: definition },
  };
}

/** Compute environments need one; CloudFormation's client is at hand, that of IAM is not. */
async function createRole(moto: Moto): Promise<string> {
  const template = {
    Resources: {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] } },
      },
    },
    Outputs: { arn: { Value: { 'Fn::GetAtt': ['Role', 'Arn'] } } },
  };
  const client = new CloudFormationClient(moto.client);
  await client.send(new CreateStackCommand({ StackName: 'role', TemplateBody: JSON.stringify(template) }));
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: 'role' }));
  client.destroy();
  return stack?.Outputs?.[0]?.OutputValue ?? '';
}
