import { setTimeout } from 'node:timers/promises';
import {
  BatchClient,
  DescribeJobsCommand,
  type JobDetail,
  type JobSummary,
  ListJobsCommand,
  paginateListJobs,
  SubmitJobCommand,
} from '@aws-sdk/client-batch';
import { BatchError } from '../errors.ts';
import type { BatchRunner, JobDefinition, JobDescription, JobRequest } from '../types.ts';
import { awsFailure, describeFailure, isAway, isUnclear } from './failure.ts';
import { describeJob } from './job-description.ts';
import { checkRequest, overridesOf } from './job-request.ts';

const DESCRIBED_AT_ONCE = 100;
const SUBMIT_TRIES = 5;
const SUBMIT_PAUSE_MS = 200;

export interface BatchOptions {
  readonly client: BatchClient;
  /** ARN of the job queue of each definition that may be submitted. */
  readonly queues: Readonly<Partial<Record<JobDefinition, string>>>;
  /** ARN of each job definition. */
  readonly definitions: Readonly<Partial<Record<JobDefinition, string>>>;
}

/**
 * Jobs of AWS Batch. How often a job is started, and after which exit codes, is written in its job definition: a
 * request's `attempts` is checked but not sent, since AWS replaces the whole retry strategy of the definition, rules
 * included, by one given with a job (SubmitJob, `retryStrategy`). AWS forgets ended jobs after about a week.
 */
export function openBatch(options: BatchOptions): BatchRunner {
  return new AwsBatch(options);
}

class AwsBatch implements BatchRunner {
  readonly #client: BatchClient;
  /** Tries each request once. */
  readonly #submitter: BatchClient;
  readonly #queues: BatchOptions['queues'];
  readonly #definitions: BatchOptions['definitions'];

  constructor({ client, queues, definitions }: BatchOptions) {
    const { region, credentials, endpoint, requestHandler } = client.config;
    this.#client = client;
    this.#submitter = new BatchClient({
      region,
      credentials,
      requestHandler,
      ...(endpoint ? { endpoint } : {}),
      maxAttempts: 1,
    });
    this.#queues = queues;
    this.#definitions = definitions;
  }

  async submit(request: JobRequest): Promise<string> {
    checkRequest(request);
    const { name, definition, arraySize, dependsOn = [] } = request;
    const command = new SubmitJobCommand({
      jobName: name,
      jobQueue: this.#arn(request, this.#queues, 'job queue'),
      jobDefinition: this.#arn(request, this.#definitions, 'job definition'),
      containerOverrides: overridesOf(request),
      ...(arraySize === undefined ? {} : { arrayProperties: { size: arraySize } }),
      ...(dependsOn.length > 0 ? { dependsOn: dependsOn.map((jobId) => ({ jobId })) } : {}),
    });
    for (let tries = 1; ; tries++) {
      try {
        const { jobId } = await this.#submitter.send(command);
        if (jobId !== undefined) return jobId;
        throw new BatchError(`AWS Batch gave job ${name} no id`);
      } catch (error) {
        const failure = awsFailure(error);
        const mayPass = isUnclear(failure) || isAway(error);
        if (!mayPass || tries === SUBMIT_TRIES)
          throw batchError(`${definition} job ${name}`, 'submitted', error);
        await setTimeout(SUBMIT_PAUSE_MS * 2 ** tries * Math.random());
        // SubmitJob cannot be told twice without making two jobs: an earlier try may have made one unheard.
        const made = (await this.list(name)).find(({ status }) => status !== 'FAILED');
        if (made) return made.id;
      }
    }
  }

  async describe(ids: readonly string[]): Promise<JobDescription[]> {
    const found = new Map<string, JobDescription>();
    for (let start = 0; start < ids.length; start += DESCRIBED_AT_ONCE) {
      const jobs = ids.slice(start, start + DESCRIBED_AT_ONCE);
      const command = new DescribeJobsCommand({ jobs });
      const { jobs: details = [] } = await explained('jobs', 'described', this.#client.send(command));
      for (const job of details) {
        const described = describeJob(job, await this.#failedChildren(job));
        found.set(described.id, described);
      }
    }
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  async list(name: string): Promise<JobDescription[]> {
    const ids: string[] = [];
    for (const jobQueue of new Set(Object.values(this.#queues))) {
      // AWS compares names without regard to case, and takes a '*' at the end for any ending.
      const filters = [{ name: 'JOB_NAME', values: [name] }];
      const pages = paginateListJobs({ client: this.#client }, { jobQueue, filters })[Symbol.asyncIterator]();
      for (;;) {
        const { done, value: page } = await explained(`jobs named ${name}`, 'listed', pages.next());
        if (done) break;
        for (const { jobId, jobName } of page.jobSummaryList ?? []) {
          // Children of an array bear its name.
          if (jobId !== undefined && jobName === name && !jobId.includes(':')) ids.push(jobId);
        }
      }
    }
    const jobs = await this.describe(ids);
    return jobs.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  }

  /** Of a failed array, up to a hundred children that failed: the array itself says only that there is one. */
  async #failedChildren(job: JobDetail): Promise<JobSummary[]> {
    const { jobId: arrayJobId, status, arrayProperties } = job;
    if (arrayJobId === undefined || status !== 'FAILED' || arrayProperties?.size === undefined) return [];
    const command = new ListJobsCommand({ arrayJobId, jobStatus: 'FAILED' });
    const { jobSummaryList = [] } = await explained(
      `children of job ${arrayJobId}`,
      'listed',
      this.#client.send(command),
    );
    return jobSummaryList;
  }

  #arn({ name, definition }: JobRequest, arns: BatchOptions['queues'], what: string): string {
    const arn = arns[definition];
    if (arn !== undefined) return arn;
    throw new BatchError(
      `job ${name} is a ${definition}, for which this runner was given no ${what}; ` +
        `it has ${Object.keys(arns).join(', ') || 'none'}`,
    );
  }
}

async function explained<T>(what: string, doing: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw batchError(what, doing, error);
  }
}

function batchError(what: string, doing: string, error: unknown): BatchError {
  if (error instanceof BatchError) return error;
  const failure = awsFailure(error);
  const advice = isUnclear(failure)
    ? 'check the network and try again'
    : "check the ARNs of the queues and definitions, the region and the role's rights";
  return new BatchError(`${what} cannot be ${doing}: ${describeFailure(failure)}; ${advice}`, {
    cause: error,
  });
}
