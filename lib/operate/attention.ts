import { type Config, HOURS_AFTER_DEADLINE } from '../config/index.ts';
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

/** The day whose export should stand by now: today's from when the watchdog asks, yesterday's until then. */
export function dueDay(config: Config, now: Date): string {
  const { timeZone } = config.shop;
  const { day } = shopClock(timeZone)(now.getTime());
  const format = { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const minutes = minutesOf(new Intl.DateTimeFormat('en-GB', format).format(now));
  const due = minutesOf(config.nightly.deadline) + HOURS_AFTER_DEADLINE * 60;
  return formatDay(minutes >= Math.min(due, LAST_MINUTE) ? day : day - 1);
}

/** The watchdog asks on the day of the night, however late its deadline. */
const LAST_MINUTE = 24 * 60 - 5;

/** Of 'HH:MM' since midnight. */
function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
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
  for (const job of lastByStage(jobs)) {
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

/** Of the jobs of one stage, tried again under the next number, only the last counts. */
function lastByStage(jobs: readonly StackJob[]): StackJob[] {
  return [...new Map(jobs.map((job) => [job.name.replace(/-\d+$/, ''), job])).values()];
}
