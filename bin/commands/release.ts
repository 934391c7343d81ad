import { Command } from 'commander';
import { NightjarError } from '../../lib/data/index.ts';
import { releaseExport } from '../../lib/export/index.ts';
import { heldExports } from './held.ts';
import { reasonArgument, workspaceOf } from './shared.ts';
import {
  askedStore,
  environmentOption,
  explained,
  regionOption,
  type StackOptions,
} from './stack-options.ts';

interface ReleaseOptions extends StackOptions {
  readonly run?: string;
  readonly why: string;
  readonly json?: boolean;
}

/** `nightjar release`: shows an export that was held back. */
export function releaseCommand(): Command {
  return new Command('release')
    .description('show an export that was held back, as its data are unlike such days before but right')
    .option('--run <id>', 'its run (default: the latest that is held back)')
    .requiredOption('--why <reason>', 'stands beside the export (required)', reasonArgument)
    .option('--stack', 'of a deployed environment instead of the folder')
    .addOption(environmentOption())
    .addOption(regionOption())
    .option('--json', 'print it for a machine')
    .action((options: ReleaseOptions, command: Command) => explained(() => release(options, command)));
}

async function release(options: ReleaseOptions, command: Command): Promise<void> {
  const { store } = await askedStore(options, command, () => workspaceOf(command));
  const held = await heldExports(store);
  const found = options.run ? held.find(({ runId }) => runId === options.run) : held.at(-1);
  if (!found) {
    const which = options.run ? `no export of run ${options.run} is held back` : 'no export is held back';
    throw new NightjarError(
      `${which}${held.length > 0 ? `; these are: ${held.map(({ runId }) => runId).join(', ')}` : ''}`,
    );
  }
  await releaseExport(store, found.asOf, found.runId, options.why);
  if (options.json) console.log(JSON.stringify({ ...found, why: options.why }));
  else
    console.log(
      `the export of ${found.asOf} is shown (run ${found.runId}); it was held back: ${found.reasons.join('; ')}`,
    );
}
