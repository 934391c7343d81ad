import type { JobDescription } from '../runtime/index.ts';

/**
 * When a stage whose job is over gets another one. All that decides stands in the record of its last job, so that any call
 * can go on from it.
 */

/** How often a stage may fail by its own fault, before the run has failed. */
export const SUBMITS = 3;

const MINUTE_MS = 60_000;
/** Between a job that found something away and the next one: the first time, and at most. */
const FIRST_SPACE_MS = 5 * MINUTE_MS;
const LONGEST_SPACE_MS = 40 * MINUTE_MS;

/** `runs/<runId>/jobs/<stage>-<n>.json` */
export interface JobRecord {
  readonly jobId: string;
  readonly submittedAt: string;
  /** How many jobs of the stage had failed by their own fault before this one. */
  readonly failures: number;
  /** How many jobs of the stage in a row, the one before this the last, had found something away. */
  readonly away: number;
}

/** Of a stage, before its first job. */
export const NO_FAILURES: Tally = { failures: 0, away: 0 };

export type Tally = Pick<JobRecord, 'failures' | 'away'>;

/**
 * What stands in the record of the next job.
 * @param job the last one, which is over; undefined where the runner knows it no more
 * @param spared what is away now is no reason to give up: the window of the run lasts
 */
export function tallyAfter(last: Tally, job: JobDescription | undefined, spared: boolean): Tally {
  const { failures, away } = last;
  // It says nothing about the stage: the predecessor has an account of its own.
  if (job?.fault === 'predecessor') return { failures, away };
  if (job?.fault === 'away') return { failures: failures + (spared ? 0 : 1), away: away + 1 };
  return { failures: failures + 1, away: 0 };
}

/**
 * From when on the next job may be submitted: 5, 10, 20, then every 40 minutes after the one before it, so that what is away
 * for a quarter of an hour costs three jobs and not all of them.
 * @param next of `tallyAfter`
 * @returns undefined: at once
 */
export function dueAfter({ submittedAt }: Pick<JobRecord, 'submittedAt'>, { away }: Tally): Date | undefined {
  if (away === 0) return undefined;
  const space = Math.min(LONGEST_SPACE_MS, FIRST_SPACE_MS * 2 ** (away - 1));
  return new Date(Date.parse(submittedAt) + space);
}
