import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { deployOf } from '../../lib/config/index.ts';
import { ConfigError, formatDay, NightjarError, parseDay } from '../../lib/data/index.ts';
import type { BackfillDay, BackfillProgress } from '../../lib/operate/index.ts';
import type { DropState } from '../../lib/run/index.ts';
import type { Workspace } from '../workspace.ts';
import { checkProcessed, evaluateStep, ingestStep, planStep, type RunContext, stageStep } from './run.ts';
import { dayArgument, runSteps, table, workplaceOf } from './shared.ts';
import {
  configOf,
  environmentOption,
  explained,
  operations,
  regionOption,
  type StackOptions,
} from './stack-options.ts';

interface BackfillOptions extends StackOptions {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
}

/** Between two questions about a day: a stage takes minutes, and a question lists the bucket. */
const PAUSE_MS = 30_000;

/** `nightjar backfill`: nights of past days, one after the other. */
export function backfillCommand(): Command {
  return new Command('backfill')
    .description('run the night of each past day in order, in the folder or in a deployed environment')
    .requiredOption('--from <day>', 'the first as-of day (YYYY-MM-DD)', dayArgument)
    .requiredOption('--to <day>', 'the last as-of day', dayArgument)
    .option('--stack', 'in a deployed environment instead of the folder')
    .addOption(environmentOption())
    .addOption(regionOption())
    .option('--json', 'print the runs for a machine')
    .action(async (options: BackfillOptions, command: Command) => {
      const days = daysBetween(options.from, options.to);
      const { done, drops } = options.stack
        ? { done: await explained(() => inStack(days, options, command)), drops: [] }
        : await inFolder(days, await workplaceOf(command), options.json ?? false);
      if (options.json) console.log(JSON.stringify({ days: done }, null, 2));
      else print(done);
      const failed = done.find(({ state }) => state === 'failed');
      if (failed) {
        throw new NightjarError(`the night of ${failed.asOf} failed: ${failed.reason ?? 'no reason given'}`);
      }
      checkProcessed({ drops });
    });
}

/** The days from one to another, both included. @throws ConfigError when there are none */
function daysBetween(from: string, to: string): string[] {
  const [first, last] = [parseDay(from), parseDay(to)];
  if (last < first) {
    throw new ConfigError(`--from ${from} is later than --to ${to}: give the earlier day first`);
  }
  return Array.from({ length: last - first + 1 }, (_, i) => formatDay(first + i));
}

async function inFolder(
  days: readonly string[],
  workspace: Workspace,
  json: boolean,
): Promise<{ done: BackfillDay[]; drops: DropState[] }> {
  const done: BackfillDay[] = [];
  let drops: DropState[] = [];
  for (const asOf of days) {
    const context: RunContext = { workspace, seconds: {} };
    const stages = (['finetune', 'score', 'export'] as const).map(stageStep);
    if (!json) console.error(`as of ${asOf}`);
    await runSteps(
      context,
      [ingestStep, planStep({ purpose: 'night', asOf }), ...stages, evaluateStep],
      json,
    );
    done.push({ asOf, state: 'finished', ...(context.planned ? { runId: context.planned.runId } : {}) });
    drops = context.drops ?? [];
  }
  return { done, drops };
}

async function inStack(
  days: readonly string[],
  options: BackfillOptions,
  command: Command,
): Promise<BackfillDay[]> {
  const { config } = await configOf(command);
  const { backfillDays, invokedDispatch, openStack, stackLook } = await operations();
  const stack = await openStack({
    environment: options.env,
    region: options.region,
    shop: config.shop.name,
  });
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGINT', stop);
  try {
    const done = await backfillDays({
      dispatch: invokedDispatch(stack.lambda, stack.dispatchFunction),
      look: stackLook(stack, deployOf(config, options.env).scoreChildren),
      days,
      pause: () => sleep(PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => {}),
      stopped: () => stopping.signal.aborted,
      onProgress: (result) => {
        if (!options.json) console.error(progressOf(result));
      },
    });
    if (stopping.signal.aborted) {
      console.error('stopped waiting: what was started goes on, and the same command takes up the rest');
    }
    return done;
  } finally {
    process.off('SIGINT', stop);
  }
}

/** '2011-09-10  running  finetune done, score running' */
function progressOf({ asOf, state, stages }: BackfillProgress): string {
  const parts = Object.entries(stages).map(([stage, how]) => `${stage} ${how}`);
  return [asOf, state, parts.join(', ')].filter(Boolean).join('  ');
}

function print(done: readonly BackfillDay[]): void {
  const rows = done.map(({ asOf, state, runId, reason }) => [asOf, state, runId ?? '–', reason ?? '']);
  console.log(table(['as of', 'night', 'run', 'reason'], rows));
}
