import type { Command } from 'commander';
import { type Config, deployOf } from '../../lib/config/index.ts';
import { DAY_MS } from '../../lib/data/index.ts';
import type { QueueDepth, Stack, StackJob } from '../../lib/operate/index.ts';
import { bucketState, printBucket } from './bucket-state.ts';
import { fixed, table } from './shared.ts';
import { configOf, explained, operations, type StackOptions } from './stack-options.ts';

/** Statuses of jobs that are not over. */
const LIVE = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'];

type StackState = Awaited<ReturnType<typeof stackState>>;

/**
 * `nightjar status --stack`: the same as of a folder, with queues, jobs, the last export and what the jobs cost. Ends with 1
 * when something needs a person.
 */
export async function statusOfStack(
  options: StackOptions & { readonly json?: boolean },
  command: Command,
): Promise<void> {
  const { config } = await configOf(command);
  const state = await explained(async () => {
    const { openStack } = await operations();
    const stack = await openStack({
      environment: options.env,
      region: options.region,
      shop: config.shop.name,
    });
    return stackState(stack, config, new Date());
  });
  if (options.json) console.log(JSON.stringify(state, null, 2));
  else print(state);
  if (state.needs.length > 0) process.exitCode = 1;
}

async function stackState(stack: Stack, config: Config, now: Date) {
  const { attention, jobCost, recentJobs, REMEMBERED_DAYS } = await operations();
  const queues: QueueDepth[] = [];
  for (const { name, queue } of stack.queues) queues.push({ name, ...(await queue.depth()) });
  const since = new Date(now.getTime() - REMEMBERED_DAYS * DAY_MS);
  const jobs = await recentJobs(stack.batch, Object.values(stack.jobQueues), since);
  const bucket = await bucketState(stack.store, config);
  const last = [...bucket.exports].sort((a, b) => (a.asOf < b.asOf ? -1 : 1)).at(-1);
  const drops = bucket.sources.reduce((sum, { done, refused, pending }) => sum + done + refused + pending, 0);
  const { environment, region, stacks } = stack;
  return {
    environment,
    region,
    stacks,
    ...bucket,
    queues,
    jobs: jobs.filter(({ status }) => LIVE.includes(status) || status === 'FAILED'),
    lastExport: last && { ...last, ageHours: hoursBetween(last.finishedAt, now) },
    cost: jobCost(jobs, stack.jobQueues, deployOf(config, environment), now),
    needs: attention({ config, now, stacks, queues, jobs, exports: bucket.exports, drops }),
  };
}

const hoursBetween = (from: string, to: Date) => (to.getTime() - new Date(from).getTime()) / 3_600_000;

function print(state: StackState): void {
  const { environment, region, stacks, queues, jobs, lastExport, cost, needs } = state;
  console.log(`environment ${environment} in ${region}`);
  for (const { name, status } of stacks) console.log(`stack    ${name}: ${status}`);
  console.log(
    `\n${table(
      ['queue', 'waiting', 'in flight', 'dead'],
      queues.map(({ name, waiting, inFlight, dead }) => [name, waiting, inFlight, dead]),
    )}\n`,
  );
  // Every day's export would push the rest from the screen: the last one stands below.
  printBucket({ ...state, exports: [] }, 'not processed yet (see queues and dead letters)', 'not yet');
  if (jobs.length > 0) {
    const rows = jobs.map((job) => [job.name, job.status, job.children, whenOf(job), job.reason ?? '']);
    console.log(`\n${table(['job', 'status', 'children', 'since', 'reason'], rows)}`);
  }
  console.log(
    lastExport
      ? `\nexport   as of ${lastExport.asOf}: ${lastExport.runId}, ${fixed(lastExport.ageHours, 1)} h old`
      : '\nexport   none yet',
  );
  console.log(
    `jobs     ${fixed(cost.gpuHours, 2)} GPU h and ${fixed(cost.cpuHours, 2)} CPU h in ${cost.days} days, about ` +
      `$${fixed(cost.usd, 2)}: ${cost.note}`,
  );
  for (const need of needs) console.log(`needs you  ${need}`);
}

function whenOf({ stoppedAt, startedAt, createdAt }: StackJob): string {
  return (stoppedAt ?? startedAt ?? createdAt).toISOString().slice(0, 16).replace('T', ' ');
}
