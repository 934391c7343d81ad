import type { JobDetail, JobSummary } from '@aws-sdk/client-batch';
import { BatchError } from '../errors.ts';
import type { JobDescription, JobStatus } from '../types.ts';

/**
 * AWS's word on a job in ours.
 * @param child of a failed array, the one that says why
 */
export function describeJob(job: JobDetail, child?: JobSummary): JobDescription {
  const { jobId: id, jobName: name, createdAt } = job;
  if (id === undefined || name === undefined) {
    throw new BatchError('AWS Batch described a job without id and name: try again');
  }
  const status = statusOf(job);
  const reason = status === 'FAILED' ? reasonOf(job, child) : undefined;
  return {
    id,
    name,
    status,
    createdAt: new Date(createdAt ?? 0),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The parent of an array is PENDING until its last child has ended; its children say whether they have begun. */
function statusOf({ status, arrayProperties }: JobDetail): JobStatus {
  if (status === 'SUCCEEDED' || status === 'FAILED') return status;
  const children = arrayProperties?.statusSummary ?? {};
  const begun = ['STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED'].some((state) => (children[state] ?? 0) > 0);
  return begun || status === 'STARTING' || status === 'RUNNING' ? 'RUNNING' : 'SUBMITTED';
}

function reasonOf(job: JobDetail, child: JobSummary | undefined): string {
  const { container } = job;
  const who = child?.jobId?.split(':')[1];
  const parts = [
    ...(child ? [`child ${who ?? 'unknown'}: ${explain(child.statusReason, child.container)}`] : []),
    explain(job.statusReason, container),
    ...(container?.logStreamName === undefined ? [] : [`log stream ${container.logStreamName}`]),
  ];
  return parts.filter((part) => part !== '').join('; ') || 'AWS Batch gives no reason';
}

function explain(
  statusReason: string | undefined,
  container: { exitCode?: number | undefined; reason?: string | undefined } | undefined,
): string {
  const parts = [
    statusReason,
    container?.exitCode === undefined ? undefined : `exit code ${container.exitCode}`,
    container?.reason,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(', ');
}
