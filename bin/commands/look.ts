import { join } from 'node:path';
import { Command } from 'commander';
import { NightjarError } from '../../lib/data/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { listDrops } from '../../lib/run/index.ts';
import { bucketState, printBucket, runStates } from './bucket-state.ts';
import { workspaceOf } from './shared.ts';
import { environmentOption, regionOption, type StackOptions } from './stack-options.ts';
import { statusOfStack } from './stack-status.ts';

/** `nightjar report`: the page of a run, with what the drops tell by now. */
export function reportCommand(): Command {
  return new Command('report')
    .description("draw a run's report again, with the outcomes that the drops tell by now")
    .option('--run <id>', 'a run (default: the last one that was finished)')
    .option('--json', 'print the path for a machine')
    .action(async (options: { run?: string; json?: boolean }, command: Command) => {
      const workspace = await workspaceOf(command);
      const { store, config } = workspace;
      const runId = options.run ?? (await runStates(store)).filter(({ finished }) => finished).at(-1)?.runId;
      if (!runId)
        throw new NightjarError('no run is finished yet: "nightjar run --as-of YYYY-MM-DD" starts one');
      const drops = await listDrops(store, config);
      const { path } = await evaluateRun({ store, runId, drops, seconds: {}, now: () => new Date() });
      const report = join(workspace.root, path);
      console.log(options.json ? JSON.stringify({ runId, report }) : report);
    });
}

/** `nightjar status`: what is where, what failed, and why. */
export function statusCommand(): Command {
  return new Command('status')
    .description('what is where: drops by state, refused files with their reason, runs and exports')
    .option('--stack', 'look at a deployed environment instead of the folder')
    .addOption(environmentOption())
    .addOption(regionOption())
    .option('--json', 'print it for a machine')
    .action(async (options: StackOptions & { json?: boolean }, command: Command) => {
      if (options.stack) return statusOfStack(options, command);
      const { store, config, root } = await workspaceOf(command);
      const state = await bucketState(store, config);
      if (options.json) console.log(JSON.stringify({ root, ...state }, null, 2));
      else {
        console.log(`bucket ${root}\n`);
        printBucket(state);
      }
    });
}
