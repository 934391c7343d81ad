import { Command, type CommanderError } from 'commander';
import { backfillCommand } from './commands/backfill.ts';
import { backtestCommand } from './commands/backtest.ts';
import { costCommand } from './commands/cost.ts';
import { demoCommand } from './commands/demo.ts';
import { deployCommand } from './commands/deploy.ts';
import { dropCommand } from './commands/drop.ts';
import { checkCommand, initCommand } from './commands/drops.ts';
import { engineCommand } from './commands/engine.ts';
import { reportCommand, statusCommand } from './commands/look.ts';
import { modelCommand } from './commands/model.ts';
import { pretrainCommand } from './commands/pretrain.ts';
import { redriveCommand } from './commands/redrive.ts';
import { runCommand, stageCommands } from './commands/run.ts';
import { failed, guardProcess } from './failure.ts';

guardProcess();

/** Help that was asked for is no mistake; all else that commander ends with is a wrong call. */
const exit = ({ exitCode }: CommanderError) => process.exit(exitCode === 0 ? 0 : 2);

const program = new Command('nightjar')
  .description('Every user of a shop, scored by morning.')
  .version('0.1.0')
  .option('--config <path>', 'nightjar.config.ts, or the folder it stands in', '.')
  .option(
    '--store <folder>',
    'folder that stands for the bucket (default: .nightjar/bucket beside the config)',
  )
  .option('--adopt', 'take over a bucket whose shop was renamed or whose config was moved')
  .showHelpAfterError('(nightjar --help lists the commands)')
  .exitOverride(exit);

for (const command of [
  demoCommand(),
  initCommand(),
  checkCommand(),
  dropCommand(),
  runCommand(),
  ...stageCommands(),
  backtestCommand(),
  pretrainCommand(),
  reportCommand(),
  statusCommand(),
  backfillCommand(),
  deployCommand(),
  redriveCommand(),
  costCommand(),
  engineCommand(),
  modelCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program));
}

// Exit codes: 0 done, 1 it failed (the message says what to do), 2 the config or the call is wrong, 130 it was stopped.
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = failed(error);
}
