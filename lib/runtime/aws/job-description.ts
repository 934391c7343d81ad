import type { JobDetail, JobSummary } from '@aws-sdk/client-batch';
import { BatchError } from '../errors.ts';
import { EXIT_RETRY } from '../parent.ts';
import type { JobDescription, JobFault, JobStatus } from '../types.ts';

/**
 * AWS's word on a job in ours.
 * @param children of a failed array, those that failed (the first hundred)
 */
export function describeJob(job: JobDetail, children: readonly JobSummary[] = []): JobDescription {
  const { jobId: id, jobName: name, createdAt } = job;
  if (id === undefined || name === undefined) {
    throw new BatchError('AWS Batch described a job without id and name: try again');
  }
  const status = statusOf(job);
  // An array goes by the child that would fail again, if there is one.
  const child = children.find((one) => faultOf(one) === 'work') ?? children[0];
  const failed = status === 'FAILED' ? { reason: reasonOf(job, child), fault: faultOf(child ?? job) } : {};
  return {
    id,
    name,
    status,
    createdAt: new Date(createdAt ?? 0),
    ...failed,
  };
}

/** The parent of an array is PENDING until its last child has ended; its children say whether they have begun. */
function statusOf({ status, arrayProperties }: JobDetail): JobStatus {
  if (status === 'SUCCEEDED' || status === 'FAILED') return status;
  const children = arrayProperties?.statusSummary ?? {};
  const begun = ['STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED'].some((state) => (children[state] ?? 0) > 0);
  return begun || status === 'STARTING' || status === 'RUNNING' ? 'RUNNING' : 'SUBMITTED';
}

/**
 * What kind of failure it was, by the exit code of the last start. Where there is none, the program did not come to its end
 * (its host was taken back, its image or its network could not be had), and nothing is said against it but that memory ran out.
 */
function faultOf({ statusReason = '', container }: Pick<JobSummary, 'statusReason' | 'container'>): JobFault {
  if (/^Dependent Job failed/i.test(statusReason)) return 'predecessor';
  const { exitCode, reason = '' } = container ?? {};
  if (exitCode === EXIT_RETRY) return 'away';
  if (exitCode !== undefined || /^OutOfMemory/.test(reason)) return 'work';
  return statusReason === 'Array Child Job failed' ? 'work' : 'away';
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
