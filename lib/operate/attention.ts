import type { Config } from '../config/index.ts';
import { formatDay, shopClock } from '../data/index.ts';
import type { StackJob } from './jobs.ts';
import type { QueueName } from './why-dead.ts';

/** How many messages a queue holds. */
export interface QueueDepth {
  readonly name: QueueName;
  readonly waiting: number;
  readonly inFlight: number;
  readonly dead: number;
}

export interface FinishedExport {
  readonly asOf: string;
  readonly runId: string;
  /** When readers were pointed to it. */
  readonly finishedAt: string;
}

/** Hours that a night may take after its deadline before its missing export is a person's business. */
export const HOURS_FOR_A_NIGHT = 3;

/**
 * The day whose export should stand by now: today's from some hours after the deadline, yesterday's until then.
 */
export function dueDay(config: Config, now: Date): string {
  const { day, hour } = shopClock(config.shop.timeZone)(now.getTime());
  const [deadline = 0] = config.nightly.deadline.split(':').map(Number);
  // A deadline at 05:30 counts as 06:00.
  const due = deadline + (config.nightly.deadline.endsWith(':00') ? 0 : 1) + HOURS_FOR_A_NIGHT;
  return formatDay(hour >= due ? day : day - 1);
}

/** What a person must look at, one sentence each with what to do; empty when all is well. */
export function attention(args: {
  config: Config;
  now: Date;
  stacks: readonly { readonly name: string; readonly status: string }[];
  queues: readonly QueueDepth[];
  jobs: readonly StackJob[];
  exports: readonly FinishedExport[];
  drops: number;
}): string[] {
  const { config, now, stacks, queues, jobs, exports, drops } = args;
  const needs: string[] = [];
  for (const { name, status } of stacks) {
    if (/FAILED|ROLLBACK/.test(status)) {
      needs.push(`stack ${name} is ${status}: look at its events in CloudFormation, then deploy again`);
    }
  }
  for (const { name, dead } of queues) {
    if (dead > 0) needs.push(`${dead} dead in queue ${name}: "nightjar redrive --queue ${name}" tells why`);
  }
  const newest = exports
    .map(({ finishedAt }) => finishedAt)
    .sort()
    .at(-1);
  for (const job of lastByName(jobs)) {
    const stopped = job.stoppedAt ?? job.createdAt;
    // A night that was finished later went on without it, or after it had been tried again.
    if (job.status !== 'FAILED' || (newest !== undefined && new Date(newest) > stopped)) continue;
    needs.push(`job ${job.name} failed: ${job.reason ?? 'no reason given'}`);
  }
  const due = dueDay(config, now);
  const last = exports
    .map(({ asOf }) => asOf)
    .sort()
    .at(-1);
  if (last === undefined) {
    if (drops > 0) needs.push('there are drops and no export yet: the first night comes, or did not start');
  } else if (last < due) {
    needs.push(`no export of ${due}: the last one is of ${last}`);
  }
  return needs;
}

/** Of jobs of one name, tried again after another, only the last counts. */
function lastByName(jobs: readonly StackJob[]): StackJob[] {
  return [...new Map(jobs.map((job) => [job.name, job])).values()];
}
