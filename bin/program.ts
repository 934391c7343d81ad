import { Command } from 'commander';
import { COMMANDS, type Listed } from './commands/index.ts';
import { EXIT } from './exit.ts';
import { CALL, VERSION } from './home.ts';

const AFTER = `
For example:
${COMMANDS.filter(({ typical }) => typical)
  .map(({ examples }) => `  ${CALL} ${Object.values(examples).flat()[0]}`)
  .join('\n')}

Each command has its own help, with an example: ${CALL} run --help
Where Nightjar is installed in a project, "npx nightjar" is the same.
Exit codes: ${EXIT.done} done, ${EXIT.failed} failed, ${EXIT.wrong} the call or the config is wrong, ${EXIT.interrupted} interrupted by Ctrl-C.`;

/**
 * The command line. Of the commands only the one that is called is loaded; the others stand in the help by a line.
 * @param words the words of the call, without node and the script
 */
export async function openProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('nightjar')
    .description('Every user of a shop, scored by morning.')
    .usage('[options] <command>')
    .version(VERSION)
    .option('--config <path>', 'nightjar.config.ts, or its folder', '.')
    .option('--store <folder>', 'folder to use as the bucket (default: .nightjar/bucket beside the config)')
    .option('--adopt', 'take over a bucket whose shop was renamed or whose config was moved')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(nightjar --help lists the commands)')
    .addHelpText('after', AFTER)
    .addHelpCommand(
      new Command('help').argument('[command]').description('the help of a command').helpGroup('Start:'),
    )
    .exitOverride();
  const called = nameOf(program, words);
  for (const listed of COMMANDS) {
    const command = listed.name === called ? await loaded(listed) : new Command(listed.name);
    program.addCommand(command.summary(listed.summary).helpGroup(listed.group));
    inherit(command, program);
  }
  return program;
}

/** Commands that were made by themselves take on how the program tells errors and shows help. */
function inherit(command: Command, from: Command): void {
  command.copyInheritedSettings(from);
  for (const inner of command.commands) inherit(inner, command);
}

/** The command that a call names, if any: 'run' of `--config shop run --as-of DAY` and of `help run`. */
function nameOf(program: Command, words: readonly string[]): string | undefined {
  const [first, second] = program.parseOptions([...words]).operands;
  return first === 'help' ? second : first;
}

async function loaded({ name, examples, load }: Listed): Promise<Command> {
  const command = await load();
  for (const [of, calls] of Object.entries(examples)) {
    const target = of === name ? command : command.commands.find((inner) => inner.name() === of);
    target?.addHelpText('after', `\nFor example:\n${calls.map((call) => `  ${CALL} ${call}`).join('\n')}`);
  }
  return command;
}
