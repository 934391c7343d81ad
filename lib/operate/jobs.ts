import { type BatchClient, type JobSummary, paginateListJobs } from '@aws-sdk/client-batch';

/** A job as AWS Batch tells it, an array as one. */
export interface StackJob {
  readonly id: string;
  readonly name: string;
  /** ARN of its queue. */
  readonly queue: string;
  /** Batch's word: SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED or FAILED. */
  readonly status: string;
  readonly reason?: string;
  readonly children: number;
  readonly createdAt: Date;
  readonly startedAt?: Date;
  readonly stoppedAt?: Date;
}

/** AWS Batch forgets finished jobs after this many days (its documentation says at least 7). */
export const REMEMBERED_DAYS = 7;

/** Jobs of the queues that were submitted since then, oldest first. */
export async function recentJobs(
  client: BatchClient,
  queues: readonly string[],
  since: Date,
): Promise<StackJob[]> {
  const jobs: StackJob[] = [];
  for (const queue of new Set(queues)) {
    const filters = [{ name: 'AFTER_CREATED_AT', values: [String(since.getTime())] }];
    for await (const page of paginateListJobs({ client }, { jobQueue: queue, filters })) {
      for (const summary of page.jobSummaryList ?? []) jobs.push(jobOf(summary, queue));
    }
  }
  return jobs
    .filter(({ createdAt }) => createdAt >= since)
    .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
}

function jobOf(summary: JobSummary, queue: string): StackJob {
  const { jobId, jobName, status, createdAt, startedAt, stoppedAt, arrayProperties } = summary;
  const reason = reasonOf(summary);
  return {
    id: jobId ?? '',
    name: jobName ?? '',
    queue,
    status: status ?? 'unknown',
    ...(reason ? { reason } : {}),
    children: arrayProperties?.size ?? 1,
    createdAt: new Date(createdAt ?? 0),
    ...(startedAt === undefined ? {} : { startedAt: new Date(startedAt) }),
    ...(stoppedAt === undefined ? {} : { stoppedAt: new Date(stoppedAt) }),
  };
}

function reasonOf({ statusReason, container }: JobSummary): string {
  const exit = container?.exitCode === undefined ? undefined : `exit code ${container.exitCode}`;
  return [statusReason, container?.reason, exit].filter(Boolean).join('; ');
}
