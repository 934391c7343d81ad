import type { AttemptEnd, RetryStrategy } from './retry-rules.ts';

export type BatchStatus = 'SUBMITTED' | 'PENDING' | 'RUNNABLE' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';

/** The part of a SubmitJob request that decides what runs. */
export interface SubmitRequest {
  readonly jobName: string;
  readonly jobQueue: string;
  readonly jobDefinition: string;
  readonly arrayProperties?: { readonly size?: number };
  readonly dependsOn?: readonly { readonly jobId: string; readonly type?: string }[];
  readonly containerOverrides?: {
    readonly command?: readonly string[];
    readonly environment?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly retryStrategy?: Partial<RetryStrategy>;
  readonly timeout?: { readonly attemptDurationSeconds?: number };
}

/** A job, or one child of an array. */
export interface Task {
  readonly id: string;
  readonly index: number | undefined;
  status: BatchStatus;
  statusReason?: string;
  readonly attempts: AttemptEnd[];
  startedAt?: number;
  stoppedAt?: number;
}

export interface Job {
  readonly id: string;
  readonly arn: string;
  readonly request: SubmitRequest;
  readonly createdAt: number;
  /** One for a plain job. */
  readonly tasks: Task[];
  /** Set when it can never start. */
  refused?: string;
}

export const isOver = (status: BatchStatus): boolean => status === 'SUCCEEDED' || status === 'FAILED';

export const isArray = (job: Job): boolean => job.request.arrayProperties?.size !== undefined;

/** An array's parent is PENDING until its last child is over, and fails when one of them did. */
export function statusOf(job: Job): BatchStatus {
  if (job.refused !== undefined) return 'FAILED';
  if (!isArray(job)) return job.tasks[0]!.status;
  if (!job.tasks.every(({ status }) => isOver(status))) return 'PENDING';
  return job.tasks.every(({ status }) => status === 'SUCCEEDED') ? 'SUCCEEDED' : 'FAILED';
}

function reasonOf(job: Job): string | undefined {
  if (job.refused !== undefined) return job.refused;
  if (!isArray(job)) return job.tasks[0]!.statusReason;
  return statusOf(job) === 'FAILED' ? 'Array Child Job failed' : undefined;
}

/** A job as DescribeJobs tells it; ListJobs tells a part of the same. */
export function describeJob(job: Job): Record<string, unknown> {
  const { request } = job;
  const first = isArray(job) ? undefined : job.tasks[0];
  return {
    jobArn: job.arn,
    jobId: job.id,
    jobName: request.jobName,
    jobQueue: request.jobQueue,
    jobDefinition: request.jobDefinition,
    createdAt: job.createdAt,
    dependsOn: request.dependsOn ?? [],
    status: statusOf(job),
    statusReason: reasonOf(job),
    ...(first ? runOf(first) : { arrayProperties: arrayOf(job) }),
  };
}

/** A child of an array as DescribeJobs tells it. */
export function describeChild(job: Job, task: Task): Record<string, unknown> {
  return {
    ...describeJob(job),
    jobArn: `${job.arn}:${task.index}`,
    jobId: task.id,
    status: task.status,
    statusReason: task.statusReason,
    ...runOf(task),
    arrayProperties: { index: task.index },
  };
}

function runOf(task: Task): Record<string, unknown> {
  const last = task.attempts.at(-1);
  return {
    startedAt: task.startedAt,
    stoppedAt: task.stoppedAt,
    container: { exitCode: last?.exitCode, reason: last?.reason },
    attempts: task.attempts.map(({ exitCode, reason, statusReason }) => ({
      container: { exitCode, reason },
      statusReason,
    })),
  };
}

function arrayOf(job: Job): Record<string, unknown> {
  const statusSummary: Record<string, number> = {};
  for (const { status } of job.tasks) statusSummary[status] = (statusSummary[status] ?? 0) + 1;
  return { size: job.tasks.length, statusSummary };
}

interface ListRequest {
  readonly jobQueue?: string;
  readonly arrayJobId?: string;
  readonly jobStatus?: string;
  readonly filters?: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly maxResults?: number;
  readonly nextToken?: string;
}

const PAGE = 100;
const nameOfArn = (arn: string): string => arn.split('/').at(-1)!;

/**
 * ListJobs as AWS Batch answers it: RUNNING jobs where no status is given; with a filter the status does not count and
 * the newest come first; JOB_NAME pays no heed to case and may end with an asterisk.
 */
export function listJobs(jobs: readonly Job[], request: ListRequest): Record<string, unknown> {
  const { arrayJobId, jobQueue, filters = [], jobStatus = 'RUNNING' } = request;
  let found: Record<string, unknown>[];
  if (arrayJobId !== undefined) {
    const parent = jobs.find(({ id }) => id === arrayJobId);
    found = (parent?.tasks ?? []).map((task) => describeChild(parent!, task));
  } else {
    found = jobs
      .filter((job) => nameOfArn(job.request.jobQueue) === nameOfArn(jobQueue ?? ''))
      .map(describeJob)
      .reverse();
  }
  if (filters.length > 0) found = found.filter((job) => filters.every((filter) => passes(job, filter)));
  else found = found.filter(({ status }) => status === jobStatus);
  const start = Number(request.nextToken ?? 0);
  const end = start + Math.min(request.maxResults ?? PAGE, PAGE);
  return {
    jobSummaryList: found.slice(start, end),
    ...(end < found.length ? { nextToken: String(end) } : {}),
  };
}

function passes(
  job: Record<string, unknown>,
  { name, values }: { readonly name: string; readonly values: readonly string[] },
): boolean {
  if (name === 'AFTER_CREATED_AT') return Number(job.createdAt) > Number(values[0]);
  if (name !== 'JOB_NAME') throw new Error(`the harness knows no filter ${name} of ListJobs`);
  const own = String(job.jobName).toLowerCase();
  return values.some((value) => {
    const wanted = value.toLowerCase();
    return wanted.endsWith('*') ? own.startsWith(wanted.slice(0, -1)) : own === wanted;
  });
}
